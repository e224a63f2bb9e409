// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "soco/base/log.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/engine/task.h"
#include "soco/run/pretrain_options.h"
#include "soco/run/run_folder.h"

namespace soco {

/// The training loop: steps, progress, metrics, checkpoints, stop signals and the rule for numbers that are not finite.
class Trainer {
 public:
  /// `metadata` goes into every checkpoint beside the step.
  Trainer(Task& task, const TrainOptions& options, const RunFolder& run, std::map<std::string, std::string> metadata,
          Logger& log);

  /// Trains from the newest readable checkpoint of the run, or from the start when there is none, to the last step.
  /// Saves at the end. Errors: kInterrupted after a stop signal (all saved); kFailed after too many steps in a row that
  /// were not finite (dumped, and the last good checkpoint is kept).
  void train();

 private:
  std::int64_t restore();
  void save(std::int64_t next_step);
  void save_or_warn(std::int64_t next_step);
  bool save_is_due(std::int64_t next_step);
  void note_nonfinite(std::int64_t step, const StepReport& report);

  Task& task_;
  const TrainOptions& options_;
  const RunFolder& run_;
  std::map<std::string, std::string> metadata_;
  Logger& log_;
  Checkpointer checkpointer_;
  std::int64_t nonfinite_in_row_ = 0;
  std::int64_t nonfinite_total_ = 0;
  int failed_saves_in_row_ = 0;
  double last_save_time_ = 0;
  std::int64_t last_saved_step_ = -1;
};

}  // namespace soco
