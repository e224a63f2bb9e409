// SPDX-License-Identifier: MIT
#include "soco/engine/trainer.h"

#include <torch/torch.h>

#include <chrono>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/signals.h"
#include "soco/distributed/launched_step.h"

namespace soco {
namespace {

constexpr int kMaxFailedSaves = 3;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Trainer::Trainer(Task& task, const LoopOptions& options, const RunFolder& run,
                 std::map<std::string, std::string> metadata, Communicator& communicator, Logger& log)
    : task_(task),
      options_(options),
      run_(run),
      metadata_(std::move(metadata)),
      communicator_(communicator),
      log_(log) {
  if (!communicator.is_main()) return;
  checkpointer_.emplace(run.checkpoints(), Retention{options.keep_checkpoints, options.keep_every}, log);
  saver_.emplace(*checkpointer_);
}

std::int64_t Trainer::restore(CheckpointKind kind) {
  const auto loaded = kind == CheckpointKind::kNewest
                          ? load_latest_checkpoint(run_.checkpoints(), log_)
                          : load_latest_checkpoint(run_.checkpoints(), log_, [](const auto& metadata) {
                              const auto found = metadata.find("nonfinite_in_row");
                              return found == metadata.end() || found->second == "0";
                            });
  if (!loaded && kind == CheckpointKind::kGood)
    fail("{}: no checkpoint of a step before the numbers that are not finite is left to go back to",
         run_.checkpoints().string());
  if (!loaded) return 0;
  task_.load_state(loaded->file.tensors);
  const auto& metadata = loaded->file.metadata;
  const auto text = [&](const char* key, const char* otherwise) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? otherwise : found->second;
  };
  nonfinite_in_row_ = std::stoll(text("nonfinite_in_row", "0"));
  nonfinite_total_ = std::stoll(text("nonfinite_total", "0"));
  set_lr_scale(std::stod(text("lr_scale", "1")));
  for (const char* key : {"libtorch", "num_threads", "num_ranks"}) {
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

void Trainer::set_lr_scale(double scale) {
  lr_scale_ = scale;
  task_.set_lr_scale(scale);
}

void Trainer::begin_save(std::int64_t next_step) {
  auto metadata = metadata_;
  metadata["step"] = std::to_string(next_step);
  metadata["epoch"] = std::to_string(next_step / task_.steps_per_epoch());
  metadata["nonfinite_in_row"] = std::to_string(nonfinite_in_row_);
  metadata["nonfinite_total"] = std::to_string(nonfinite_total_);
  if (lr_scale_ != 1) metadata["lr_scale"] = fmt::format("{}", lr_scale_);
  last_save_time_ = now_seconds();
  saver_->start(next_step, task_.state(), metadata);
  saving_step_ = next_step;
}

void Trainer::end_save() {
  if (saving_step_ < 0) return;
  const std::int64_t step = std::exchange(saving_step_, -1);
  try {
    const auto path = saver_->wait();
    last_saved_step_ = step;
    failed_saves_in_row_ = 0;
    log_.info("saved {} ({:.2f} s in the background)", path.string(), now_seconds() - last_save_time_);
  } catch (const Error& error) {
    // A disk may be full for a while: training goes on and the older checkpoint is still there.
    if (++failed_saves_in_row_ >= kMaxFailedSaves) throw;
    log_.error("checkpoint of step {} not saved, training goes on (try {} of {}): {}", step, failed_saves_in_row_,
               kMaxFailedSaves, error.what());
  }
}

void Trainer::save_now(std::int64_t next_step) {
  if (!communicator_.is_main()) return;
  end_save();
  if (next_step == last_saved_step_) return;
  begin_save(next_step);
  saving_step_ = -1;
  log_.info("saved {}", saver_->wait().string());
  last_saved_step_ = next_step;
}

void Trainer::save_if_due(std::int64_t next_step) {
  if (!communicator_.is_main()) return;
  const double start = now_seconds();
  if (saver_->is_finished()) end_save();
  const bool by_steps = options_.checkpoint_every_steps > 0 && next_step % options_.checkpoint_every_steps == 0;
  const bool by_minutes =
      options_.checkpoint_every_minutes > 0 && start - last_save_time_ >= 60 * options_.checkpoint_every_minutes;
  // In the middle of a row of skipped steps the state is not one to come back to.
  if ((by_steps || by_minutes) && nonfinite_in_row_ == 0) {
    end_save();
    begin_save(next_step);
  }
  save_stall_ += now_seconds() - start;
}

bool Trainer::note_nonfinite(std::int64_t step, const StepReport& report) {
  if (report.finite) {
    nonfinite_in_row_ = 0;
    return true;
  }
  ++nonfinite_in_row_;
  ++nonfinite_total_;
  log_.warning("step {}: loss or gradient is not finite; step skipped ({} in a row, {} in all)", step,
               nonfinite_in_row_, nonfinite_total_);
  if (nonfinite_in_row_ < options_.max_nonfinite_steps) return true;
  auto folder = run_.path() / "nonfinite" / fmt::format("step_{}", step);
  if (!communicator_.is_alone()) folder /= fmt::format("rank_{}", communicator_.rank());
  const std::string replay = task_.dump_last_step(folder);
  if (communicator_.is_main()) end_save();
  if (options_.nonfinite_retry_lr > 0 && lr_scale_ == 1) {
    log_.warning(
        "step {}: {} steps in a row were not finite; going back to the last good checkpoint, once, with {} of "
        "the learning rate. The step is dumped, run it again with: {}",
        step, nonfinite_in_row_, options_.nonfinite_retry_lr, replay);
    return false;
  }
  throw Error(ErrorKind::kNotFinite,
              fmt::format("step {}: {} steps in a row were not finite, so the run stops; the last good checkpoint is "
                          "kept. The step is dumped, run it again with: {}\nRemedies: a lower solver.lr, "
                          "train.nonfinite_retry_lr, train.precision=fp32, or look at the images of the batch",
                          step, nonfinite_in_row_, replay));
}

/// Sums over the ranks: whether any was told to stop; and the means of the figures, in place.
bool Trainer::share(Scalars& figures) {
  if (communicator_.is_alone()) return stop_requested();
  std::vector<double> values{stop_requested() ? 1.0 : 0.0};
  for (const auto& [name, value] : figures) values.push_back(value);
  torch::Tensor tensor = torch::tensor(values, torch::kFloat64);
  communicator_.all_reduce_sum(tensor);
  const double* sums = tensor.data_ptr<double>();
  for (std::size_t i = 0; i < figures.size(); ++i) figures[i].second = sums[i + 1] / communicator_.world_size();
  return sums[0] > 0;
}

void Trainer::train() {
  std::int64_t start = restore(CheckpointKind::kNewest);
  if (start == 0 && options_.nonfinite_retry_lr > 0) save_now(0);  // so that there is one to go back to
  while (!train_from(start)) {
    communicator_.wait_for_main();  // its save in progress has ended
    start = restore(CheckpointKind::kGood);
    set_lr_scale(options_.nonfinite_retry_lr);
  }
}

/// The task's own figures; none when a stop signal came meanwhile: a resume takes them.
Scalars Trainer::take_figures(std::int64_t num_steps) {
  try {
    return task_.figures_after(num_steps);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    return {};
  }
}

/// Those that a stop kept from being taken; the checkpoint is saved anew with them.
void Trainer::take_pending_figures(std::int64_t num_steps, StepLog* step_log) {
  if (num_steps == 0 || !task_.figures_pending(num_steps)) return;
  const Scalars figures = take_figures(num_steps);
  if (task_.figures_pending(num_steps)) stop_after(num_steps);
  if (step_log != nullptr) step_log->write(num_steps - 1, {}, figures, {.nonfinite_total = nonfinite_total_});
  last_saved_step_ = -1;
  save_now(num_steps);
}

void Trainer::stop_after(std::int64_t num_steps) {
  save_now(num_steps);
  throw Error(ErrorKind::kInterrupted,
              fmt::format("stopped by a signal after step {} of {}; everything is saved, go on with: soco resume {}",
                          num_steps, task_.total_steps(), run_.path().string()));
}

bool Trainer::train_from(std::int64_t start) {
  const std::int64_t end = task_.total_steps();
  std::optional<StepLog> step_log;
  if (communicator_.is_main()) step_log.emplace(run_, task_.name(), start, end, task_.steps_per_epoch(), log_);
  take_pending_figures(start, step_log ? &*step_log : nullptr);
  if (start >= end || task_.is_finished()) {
    log_.info("nothing to do: all {} steps are done", start);
    return true;
  }
  task_.start_at(start);
  last_save_time_ = now_seconds();
  std::int64_t next = start;
  while (next < end && !task_.is_finished()) {
    const std::int64_t step = next++;
    const double step_start = now_seconds();
    StepReport report = task_.step(step);
    const bool stop = share(report.metrics);
    report.stages.total = now_seconds() - step_start;
    announce_step(step);
    if (!note_nonfinite(step, report)) return false;
    if (step_log) step_log->add(step, report);
    const Scalars figures = stop ? Scalars{} : take_figures(next);
    const bool pending = task_.figures_pending(next);  // its line is written when they are taken, by the resume
    const bool line_due = next % options_.log_every_steps == 0 || next == end || !figures.empty();
    if (step_log && line_due && !pending) {
      const Traffic now = communicator_.traffic();
      step_log->write(step, report, figures,
                      {.nonfinite_total = nonfinite_total_,
                       .save_stall = std::exchange(save_stall_, 0),
                       .traffic = now - std::exchange(traffic_, now)});
    }
    if ((stop && next < end) || pending) stop_after(next);
    if (next < end) save_if_due(next);
  }
  save_now(next);
  if (step_log) step_log->finish();
  return true;
}

}  // namespace soco
