// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

namespace soco {

/// Linear warm-up, then cosine, both stepped every iteration.
struct ScheduleOptions {
  double lr = 1.0;              // peak, for the batch at hand
  double warmup_epochs = 10;    // may be a fraction; 0: no warm-up
  double warmup_divisor = 100;  // warm-up starts at lr / warmup_divisor
  double final_lr = 1e-6;       // where the cosine ends
};

/// The published recipes' rule: base_lr is for 256 images a step. lr = base_lr * images_per_step / 256.
double scaled_learning_rate(double base_lr, std::int64_t images_per_step);

/// Learning rate of step `step` (from 0) of `total_steps`, in closed form, so any step can be resumed at.
/// With W = warmup_epochs * steps_per_epoch, rounded, and T = total_steps - W:
///   step <= W: lr / d * ((d - 1) * step / W + 1);  step > W: final + (lr - final) * (1 + cos(pi (step - W) / T)) / 2.
/// The release nests a cosine scheduler in a warm-up scheduler over one optimiser; passing the cosine its epoch number
/// makes PyTorch use the closed form from the peak, which is this curve. A run that ends within its warm-up never
/// reaches the cosine. Errors: step outside [0, total_steps], steps_per_epoch or total_steps below 1.
double learning_rate_at(const ScheduleOptions& options, std::int64_t step, std::int64_t steps_per_epoch,
                        std::int64_t total_steps);

/// A detector's schedule (Detectron2's WarmupMultiStepLR and WarmupCosineLR): lr times a warm-up that rises linearly
/// from warmup_factor to 1 over warmup_steps, times what the schedule says of the step.
struct DetectorScheduleOptions {
  double lr = 0.02;
  std::int64_t warmup_steps = 1000;
  double warmup_factor = 0.001;
  bool cosine = false;                // (1 + cos(pi step / total)) / 2
  std::vector<std::int64_t> drops{};  // else: drop_factor for each of these steps that is reached; ascending
  double drop_factor = 0.1;
};

/// Learning rate of step `step` (from 0) of `total_steps`. Errors: step outside [0, total_steps], total_steps below 1.
double detector_learning_rate_at(const DetectorScheduleOptions& options, std::int64_t step, std::int64_t total_steps);

/// Momentum of the target's moving average at step k of K: 1 - (1 - m0)(cos(pi k / K) + 1) / 2 (BYOL; SoCo 3.3).
/// Errors: K below 1, k outside [0,K].
double ema_momentum_at(double m0, std::int64_t k, std::int64_t total_steps);

}  // namespace soco
