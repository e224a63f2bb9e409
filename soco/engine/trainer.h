// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "soco/base/log.h"
#include "soco/checkpoint/background_saver.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/distributed/communicator.h"
#include "soco/engine/step_log.h"
#include "soco/engine/task.h"
#include "soco/run/loop_options.h"
#include "soco/run/run_folder.h"

namespace soco {

/// The training loop: steps, progress, metrics, checkpoints, stop signals and the rule for numbers that are not finite.
/// Of several ranks the first writes everything; the figures of a step are then the means over the ranks.
class Trainer {
 public:
  /// `metadata` goes into every checkpoint beside the step. The task's steps give the same weights on every rank.
  Trainer(Task& task, const LoopOptions& options, const RunFolder& run, std::map<std::string, std::string> metadata,
          Communicator& communicator, Logger& log);

  /// Trains from the newest readable checkpoint of the run, or from the start when there is none, to the last step or
  /// until the task says that it is finished.
  /// Saves in the background as it goes, and at the end. Errors: kInterrupted after a stop signal to any rank (all
  /// saved); kNotFinite after too many steps in a row that were not finite (dumped, and the last good checkpoint is
  /// kept), or, with train.nonfinite_retry_lr, after them a second time.
  void train();

 private:
  enum class CheckpointKind { kNewest, kGood };  // kGood: not of the middle of a row of skipped steps

  std::int64_t restore(CheckpointKind kind);
  bool train_from(std::int64_t start);  // false: go back to the last good checkpoint
  void set_lr_scale(double scale);
  void begin_save(std::int64_t next_step);
  void end_save();
  void save_now(std::int64_t next_step);
  void save_if_due(std::int64_t next_step);
  bool note_nonfinite(std::int64_t step, const StepReport& report);  // false: as train_from
  bool share(Scalars& figures);
  Scalars take_figures(std::int64_t num_steps);
  void take_pending_figures(std::int64_t num_steps, StepLog* step_log);
  [[noreturn]] void stop_after(std::int64_t num_steps);

  Task& task_;
  const LoopOptions& options_;
  const RunFolder& run_;
  std::map<std::string, std::string> metadata_;
  Communicator& communicator_;
  Logger& log_;
  std::optional<Checkpointer> checkpointer_;  // of the main rank
  std::optional<BackgroundSaver> saver_;
  double lr_scale_ = 1;
  std::int64_t nonfinite_in_row_ = 0;
  std::int64_t nonfinite_total_ = 0;
  int failed_saves_in_row_ = 0;
  double last_save_time_ = 0;  // when the last save began
  double save_stall_ = 0;      // seconds waited for saves since the last line of metrics
  Traffic traffic_;            // with the other ranks, at the last line of metrics
  std::int64_t saving_step_ = -1;
  std::int64_t last_saved_step_ = -1;
};

}  // namespace soco
