// SPDX-License-Identifier: MIT
#include "soco/engine/step_log.h"

#include <algorithm>
#include <utility>

#include "soco/base/json.h"

namespace soco {
namespace {

constexpr double kMinSummarySeconds = 30;  // shorter epochs share a line about their time

}  // namespace

StepLog::StepLog(const RunFolder& run, const std::string& name, std::int64_t start, std::int64_t end,
                 std::int64_t steps_per_epoch, Logger& log)
    : log_(log),
      end_(end),
      steps_per_epoch_(steps_per_epoch),
      metrics_(MetricsLog::resume(run.metrics(), start - 1, log)),
      events_(run.path()),
      progress_(log, name, end, "steps") {
  progress_.start_at(start);
}

void StepLog::add(std::int64_t step, const StepReport& report) {
  StageSeconds stages = report.stages;
  stages.num_images = report.num_images;
  since_line_ += stages;
  ++steps_since_line_;
  epoch_ += stages;
  const std::int64_t next = step + 1;
  const bool epoch_ends = next % steps_per_epoch_ == 0 && epoch_.total >= kMinSummarySeconds;
  if (epoch_ends || next == end_)
    log_.info("epoch {}: {}", step / steps_per_epoch_ + 1, throughput_text(std::exchange(epoch_, {})));
}

void StepLog::write(std::int64_t step, const StepReport& report, const Scalars& task_figures,
                    const TrainerFigures& trainer) {
  const StageSeconds s = std::exchange(since_line_, {});
  const double images_per_s = static_cast<double>(s.num_images) / std::max(s.total, 1e-9);
  const double wait = s.wait / std::max(s.total, 1e-9);
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, std::exchange(steps_since_line_, 0)));
  Scalars figures = report.metrics;
  figures.emplace_back("images_per_s", images_per_s);
  figures.emplace_back("data_wait", wait);
  if (trainer.traffic.calls > 0) {
    figures.emplace_back("communication", trainer.traffic.seconds / std::max(s.total, 1e-9));
    figures.emplace_back("sums_per_step", static_cast<double>(trainer.traffic.calls) / steps);
    figures.emplace_back("summed_mb_per_step", static_cast<double>(trainer.traffic.bytes) / 1e6 / steps);
  }
  figures.emplace_back("save_stall_s", trainer.save_stall);
  figures.emplace_back("nonfinite_total", static_cast<double>(trainer.nonfinite_total));
  figures.insert(figures.end(), task_figures.begin(), task_figures.end());
  const std::int64_t next = step + 1;
  Json record;
  record["step"] = step;
  record["epoch"] = static_cast<double>(next) / static_cast<double>(steps_per_epoch_);
  for (const auto& [name, value] : figures) record[name] = value;
  metrics_.append(record);
  events_.add_scalars(step, figures);
  progress_.update(next, fmt::format("epoch {}/{} {} {:.2f} images/s wait {:.1f} %", step / steps_per_epoch_ + 1,
                                     (end_ - 1) / steps_per_epoch_ + 1, report.summary, images_per_s, 100 * wait));
}

}  // namespace soco
