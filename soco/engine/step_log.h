// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "soco/base/log.h"
#include "soco/base/progress.h"
#include "soco/data/throughput.h"
#include "soco/distributed/communicator.h"
#include "soco/engine/task.h"
#include "soco/report/event_writer.h"
#include "soco/report/metrics_log.h"
#include "soco/run/run_folder.h"

namespace soco {

/// What the trainer itself counts.
struct TrainerFigures {
  std::int64_t nonfinite_total = 0;
  double save_stall = 0;  // seconds that training waited for checkpoints since the last line
  Traffic traffic;        // with the other ranks since the last line
};

/// All that a run writes about its steps: metrics.jsonl, TensorBoard's events, the progress line, times of epochs.
class StepLog {
 public:
  /// `name` of the task stands before the progress. Removes what metrics.jsonl holds of step `start` and later ones.
  StepLog(const RunFolder& run, const std::string& name, std::int64_t start, std::int64_t end,
          std::int64_t steps_per_epoch, Logger& log);

  /// Counts a step; `report.stages.total` is its time.
  void add(std::int64_t step, const StepReport& report);
  /// Writes a line of the figures of `step` and of what was counted since the last line.
  void write(std::int64_t step, const StepReport& report, const Scalars& task_figures, const TrainerFigures& trainer);
  /// Says how long it took in all.
  void finish() { progress_.finish(); }

 private:
  Logger& log_;
  std::int64_t end_, steps_per_epoch_;
  MetricsLog metrics_;
  EventWriter events_;
  Progress progress_;
  StageSeconds since_line_, epoch_;
  std::int64_t steps_since_line_ = 0;
};

}  // namespace soco
