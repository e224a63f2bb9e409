// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>

#include "soco/base/log.h"
#include "soco/run/pretrain_options.h"
#include "soco/run/run_folder.h"

namespace soco {

/// Where a run's data comes from and where it goes.
struct PretrainSources {
  std::filesystem::path images;     // see list_images
  std::filesystem::path proposals;  // store; empty: made in the run folder
  std::filesystem::path out;        // run folder
  std::filesystem::path weights;    // where to start from, see read_weights; empty: random
};

/// From images to pretrained weights: proposals when none are given, settings that were "auto", then training.
/// Errors: see RunFolder::create, list_images, Trainer::train.
void pretrain(PretrainOptions options, const PretrainSources& sources, ExistingRun existing, ConsoleLogger& log);

/// Continues the run in `run` with its saved configuration, wherever it was stopped (proposals included).
/// Errors: not a run folder; the images are not the ones the run began with.
void resume_pretraining(const std::filesystem::path& run, ConsoleLogger& log);

}  // namespace soco
