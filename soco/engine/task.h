// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "soco/data/throughput.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// What one optimiser step did.
struct StepReport {
  bool finite = true;           // false: loss or gradient was not finite and the step changed no weight
  std::int64_t num_images = 0;  // of this step
  StageSeconds stages;          // where its time went; the trainer adds `total` and `num_images`
  std::vector<std::pair<std::string, double>> metrics;  // named figures, in the order they are logged
  std::string summary;                                  // for the progress line
};

/// What the trainer trains. One implementation per kind of training; loop, checkpoints and logs are the trainer's.
class Task {
 public:
  virtual ~Task() = default;
  /// What is done, for the progress line.
  virtual std::string name() const = 0;
  virtual std::int64_t total_steps() const = 0;
  virtual std::int64_t steps_per_epoch() const = 0;
  /// Makes `step` the next one: places the data source there. Called once, before the first step.
  virtual void start_at(std::int64_t step) = 0;
  /// Multiplies the learning rate of all further steps, in the place of an earlier factor; 1 at first.
  virtual void set_lr_scale(double scale) = 0;
  /// Step number `step` (from 0): forward, backward, update.
  virtual StepReport step(std::int64_t step) = 0;
  /// Figures that are taken when `num_steps` steps are done, beside those of the step; mostly none. Must not change
  /// what later steps learn (a detector's BatchNorm statistics may be taken anew). Of several ranks all call it, and
  /// the first takes them. Error kInterrupted when stop_requested() meanwhile.
  virtual std::vector<std::pair<std::string, double>> figures_after(std::int64_t num_steps) {
    static_cast<void>(num_steps);
    return {};
  }
  /// Whether figures are due after `num_steps` steps and have not been taken yet, in this process or before the resume.
  virtual bool figures_pending(std::int64_t num_steps) const {
    static_cast<void>(num_steps);
    return false;
  }
  /// Whether the rest of the steps is not worth doing (early stopping).
  virtual bool is_finished() const { return false; }
  /// All that a bit-for-bit continuation needs, beside the step number.
  virtual StateDict state() const = 0;
  /// Errors: a missing, unexpected or misshapen tensor, by name.
  virtual void load_state(const StateDict& state) = 0;
  /// Writes what the last step saw into `folder`, so that the step can be run again alone; returns the command for it.
  virtual std::string dump_last_step(const std::filesystem::path& folder) = 0;
};

}  // namespace soco
