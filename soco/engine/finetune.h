// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/engine/detector_weights.h"
#include "soco/run/finetune_options.h"
#include "soco/run/run_folder.h"

namespace soco {

/// Where a detector's training gets its labels, images and first weights, and where it goes.
struct FinetuneSources {
  std::vector<std::string> annotations;     // see read_detection_source; several sets are joined by merge_sources
  std::vector<std::string> images;          // of each, in order; none: looked for beside the annotations
  std::string val_annotations, val_images;  // empty: not judged
  bool repair = false;                      // leave out or put right faulty entries, instead of refusing them
  std::filesystem::path init;               // see read_detector_source; empty: random
  std::filesystem::path out;                // run folder
  PartialWeights partial = PartialWeights::kRefuse;
};

/// Trains a detector on labelled images and judges it by the validation images. Without shapes among the labels there
/// are boxes alone. Errors: see read_detection_source, RunFolder::create, load_detector_weights, Trainer::train; usage
/// error when the validation images have other categories.
void finetune(FinetuneOptions options, const FinetuneSources& sources, ExistingRun existing, ConsoleLogger& log);

/// Continues the run of is_finetune_run with its saved configuration. Errors: its images or labels are not those it
/// began with.
void resume_finetuning(const std::filesystem::path& run, ConsoleLogger& log);

}  // namespace soco
