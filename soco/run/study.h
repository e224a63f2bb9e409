// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/report/study_report.h"

namespace soco {

/// A grid of detector trainings: every start, with every share of the labels, under every seed.
struct StudyOptions {
  std::string train_images, train_annotations, val_images, val_annotations;
  std::vector<double> percents{1, 5, 10, 100};  // of the training images
  std::vector<std::string> inits{"random"};     // "random", PATH or NAME=PATH: what `soco finetune --init` takes
  std::vector<std::int64_t> steps;              // of each percentage; empty: as the configuration says
  int num_seeds = 3;
  int num_jobs = 1;  // trainings at a time
  std::string config = "mask_rcnn_r50_fpn_1x";
  std::vector<std::string> keys;  // key=value of all trainings
  bool partial = false;
  std::filesystem::path out;
  std::filesystem::path program;  // soco
};

/// Runs what is missing of the grid, each training as `soco finetune` in a process of its own, and returns the figures
/// of its last weights (not of the best, which the validation images would have chosen). Seed k gives new weights,
/// order and augmentation, and draws the labelled images: the same for every start. OUT/NAME holds of each training:
/// command.json (what was run), run/ (its run folder), output.log and, at the end, result.json. A call with the same
/// `out` continues: finished trainings are not repeated, stopped ones are resumed. Further starts, percentages and
/// seeds may be added. Errors: a training failed (named, with its last words); usage error for starts of the same name,
/// for steps that do not match the percentages, and for trainings in `out` that were begun with other settings or
/// weights; kInterrupted after a stop signal, which lets the trainings save.
std::vector<StudyRun> study(const StudyOptions& options, Logger& log);

}  // namespace soco
