// SPDX-License-Identifier: MIT
#include "soco/solver/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "soco/base/error.h"

namespace soco {

double scaled_learning_rate(double base_lr, std::int64_t images_per_step) {
  return base_lr * static_cast<double>(images_per_step) / 256.0;
}

double learning_rate_at(const ScheduleOptions& options, std::int64_t step, std::int64_t steps_per_epoch,
                        std::int64_t total_steps) {
  if (steps_per_epoch < 1 || total_steps < 1)
    fail("a schedule needs at least one step; got {} a pass and {} in all", steps_per_epoch, total_steps);
  if (step < 0 || step > total_steps) fail("step {} is outside the schedule's {} steps", step, total_steps);
  const std::int64_t warmup_steps = std::llround(options.warmup_epochs * static_cast<double>(steps_per_epoch));
  if (warmup_steps > 0 && step <= warmup_steps) {
    const double ratio = static_cast<double>(step) / static_cast<double>(warmup_steps);
    return options.lr / options.warmup_divisor * ((options.warmup_divisor - 1) * ratio + 1);
  }
  const double cosine_steps = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  const double angle = std::numbers::pi * static_cast<double>(step - warmup_steps) / cosine_steps;
  return options.final_lr + (options.lr - options.final_lr) * (1 + std::cos(angle)) / 2;
}

double detector_learning_rate_at(const DetectorScheduleOptions& options, std::int64_t step, std::int64_t total_steps) {
  if (total_steps < 1 || step < 0 || step > total_steps)
    fail("step {} is outside the schedule's {} steps", step, total_steps);
  double factor = 1;
  if (step < options.warmup_steps) {
    const double share = static_cast<double>(step) / static_cast<double>(options.warmup_steps);
    factor = options.warmup_factor * (1 - share) + share;
  }
  if (options.cosine)
    return options.lr * factor *
           (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(total_steps))) / 2;
  const auto num_drops = std::upper_bound(options.drops.begin(), options.drops.end(), step) - options.drops.begin();
  return options.lr * factor * std::pow(options.drop_factor, static_cast<double>(num_drops));
}

double ema_momentum_at(double m0, std::int64_t k, std::int64_t total_steps) {
  if (total_steps < 1 || k < 0 || k > total_steps) fail("step {} is outside the schedule's {} steps", k, total_steps);
  const double angle = std::numbers::pi * static_cast<double>(k) / static_cast<double>(total_steps);
  return 1 - (1 - m0) * (std::cos(angle) + 1) / 2;
}

}  // namespace soco
