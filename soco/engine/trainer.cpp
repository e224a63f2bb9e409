// SPDX-License-Identifier: MIT
#include "soco/engine/trainer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/json.h"
#include "soco/base/progress.h"
#include "soco/base/signals.h"
#include "soco/report/event_writer.h"
#include "soco/report/metrics_log.h"

namespace soco {
namespace {

constexpr int kMaxFailedSaves = 3;
constexpr double kMinSummarySeconds = 30;  // shorter epochs share a line about their time

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Images per second and share of waiting over the steps since the last line, and where an epoch's time went.
class Throughput {
 public:
  void add(const StepReport& report, double seconds) {
    StageSeconds stages = report.stages;
    stages.total = seconds;
    stages.num_images = report.num_images;
    since_line_ += stages;
    epoch_ += stages;
  }
  Scalars take() {
    const StageSeconds s = std::exchange(since_line_, {});
    return {{"images_per_s", static_cast<double>(s.num_images) / std::max(s.total, 1e-9)},
            {"data_wait", s.wait / std::max(s.total, 1e-9)}};
  }
  double epoch_seconds() const { return epoch_.total; }
  StageSeconds take_epoch() { return std::exchange(epoch_, {}); }

 private:
  StageSeconds since_line_, epoch_;
};

Json metrics_record(std::int64_t step, double epoch, const Scalars& figures) {
  Json record;
  record["step"] = step;
  record["epoch"] = epoch;
  for (const auto& [name, value] : figures) record[name] = value;
  return record;
}

}  // namespace

Trainer::Trainer(Task& task, const TrainOptions& options, const RunFolder& run,
                 std::map<std::string, std::string> metadata, Logger& log)
    : task_(task),
      options_(options),
      run_(run),
      metadata_(std::move(metadata)),
      log_(log),
      checkpointer_(run.checkpoints(), options.keep_checkpoints, log) {}

std::int64_t Trainer::restore() {
  const auto loaded = checkpointer_.load_latest();
  if (!loaded) return 0;
  task_.load_state(loaded->file.tensors);
  const auto& metadata = loaded->file.metadata;
  if (const auto found = metadata.find("nonfinite_in_row"); found != metadata.end())
    nonfinite_in_row_ = std::stoll(found->second);
  if (const auto found = metadata.find("nonfinite_total"); found != metadata.end())
    nonfinite_total_ = std::stoll(found->second);
  for (const char* key : {"libtorch", "num_threads"}) {
    const auto then = metadata.find(key);
    const auto here = metadata_.find(key);
    if (then != metadata.end() && here != metadata_.end() && then->second != here->second)
      log_.warning("{} was {} and is {} now: the run continues, but not bit for bit as it would have", key,
                   then->second, here->second);
  }
  log_.info("continuing at step {} from {}", loaded->step, loaded->path.string());
  last_saved_step_ = loaded->step;
  return loaded->step;
}

void Trainer::save(std::int64_t next_step) {
  if (next_step == last_saved_step_) return;
  auto metadata = metadata_;
  metadata["step"] = std::to_string(next_step);
  metadata["epoch"] = std::to_string(next_step / task_.steps_per_epoch());
  metadata["nonfinite_in_row"] = std::to_string(nonfinite_in_row_);
  metadata["nonfinite_total"] = std::to_string(nonfinite_total_);
  const double start = now_seconds();
  const auto path = checkpointer_.save(next_step, task_.state(), metadata);
  last_save_time_ = now_seconds();
  last_saved_step_ = next_step;
  log_.info("saved {} ({:.2f} s)", path.string(), last_save_time_ - start);
}

void Trainer::save_or_warn(std::int64_t next_step) {
  try {
    save(next_step);
    failed_saves_in_row_ = 0;
  } catch (const Error& error) {
    // A disk may be full for a while: training goes on and the older checkpoint is still there.
    if (++failed_saves_in_row_ >= kMaxFailedSaves) throw;
    log_.error("checkpoint of step {} not saved, training goes on (try {} of {}): {}", next_step, failed_saves_in_row_,
               kMaxFailedSaves, error.what());
    last_save_time_ = now_seconds();
  }
}

bool Trainer::save_is_due(std::int64_t next_step) {
  if (options_.checkpoint_every_steps > 0 && next_step % options_.checkpoint_every_steps == 0) return true;
  return options_.checkpoint_every_minutes > 0 &&
         now_seconds() - last_save_time_ >= 60 * options_.checkpoint_every_minutes;
}

void Trainer::note_nonfinite(std::int64_t step, const StepReport& report) {
  if (report.finite) {
    nonfinite_in_row_ = 0;
    return;
  }
  ++nonfinite_in_row_;
  ++nonfinite_total_;
  log_.warning("step {}: loss or gradient is not finite; step skipped ({} in a row, {} in all)", step,
               nonfinite_in_row_, nonfinite_total_);
  if (nonfinite_in_row_ < options_.max_nonfinite_steps) return;
  const auto folder = run_.path() / "nonfinite" / fmt::format("step_{}", step);
  const std::string replay = task_.dump_last_step(folder);
  fail(
      "step {}: {} steps in a row were not finite, so the run stops; the last good checkpoint is kept. The step is "
      "dumped, run it "
      "again with: {}\nRemedies: a lower solver.lr, train.precision=fp32, or look at the images of the batch",
      step, nonfinite_in_row_, replay);
}

void Trainer::train() {
  const std::int64_t start = restore();
  const std::int64_t end = task_.total_steps();
  MetricsLog metrics = MetricsLog::resume(run_.metrics(), start - 1, log_);
  if (start >= end) {
    log_.info("nothing to do: all {} steps are done", end);
    return;
  }
  EventWriter events(run_.path());
  task_.start_at(start);
  Progress progress(log_, "pretrain", end, "steps");
  progress.start_at(start);
  Throughput throughput;
  last_save_time_ = now_seconds();
  for (std::int64_t step = start; step < end; ++step) {
    const double step_start = now_seconds();
    const StepReport report = task_.step(step);
    throughput.add(report, now_seconds() - step_start);
    note_nonfinite(step, report);
    const std::int64_t next = step + 1;
    const bool whole_epoch = next % task_.steps_per_epoch() == 0;
    const Scalars epoch_figures = whole_epoch ? task_.epoch_figures(next / task_.steps_per_epoch()) : Scalars{};
    if (next % options_.log_every_steps == 0 || next == end || !epoch_figures.empty()) {
      Scalars figures = report.metrics;
      for (auto& figure : throughput.take()) figures.push_back(std::move(figure));
      const double images_per_s = figures[figures.size() - 2].second, wait = figures.back().second;
      figures.emplace_back("nonfinite_total", static_cast<double>(nonfinite_total_));
      figures.insert(figures.end(), epoch_figures.begin(), epoch_figures.end());
      metrics.append(
          metrics_record(step, static_cast<double>(next) / static_cast<double>(task_.steps_per_epoch()), figures));
      events.add_scalars(step, figures);
      progress.update(next,
                      fmt::format("epoch {}/{} {} {:.2f} images/s wait {:.1f} %", step / task_.steps_per_epoch() + 1,
                                  (end - 1) / task_.steps_per_epoch() + 1, report.summary, images_per_s, 100 * wait));
    }
    const bool epoch_ends = whole_epoch && throughput.epoch_seconds() >= kMinSummarySeconds;
    if (epoch_ends || next == end)
      log_.info("epoch {}: {}", step / task_.steps_per_epoch() + 1, throughput_text(throughput.take_epoch()));
    if (stop_requested() && next < end) {
      save(next);
      throw Error(
          ErrorKind::kInterrupted,
          fmt::format("stopped by a signal after step {} of {}; everything is saved, go on with: soco resume {}", next,
                      end, run_.path().string()));
    }
    if (save_is_due(next) && next < end) save_or_warn(next);
  }
  save(end);
  progress.finish();
}

}  // namespace soco
