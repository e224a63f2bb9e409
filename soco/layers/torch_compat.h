// SPDX-License-Identifier: MIT
#pragma once
#include <c10/core/GradMode.h>
#include <torch/types.h>

namespace soco {

/// Mixed precision for as long as the object lives: operations on `device_type` run in `dtype` where libtorch's
/// autocast rules allow it, and in float32 elsewhere. With kFloat32 it does nothing. Nests; the old state returns at
/// the end, and the cache of cast weights is dropped with the outermost guard, because the optimiser changes them in
/// between. Hides that libtorch renamed these calls in 2.4. Errors: dtype other than kFloat32, kBFloat16, and kHalf
/// (CUDA only).
class AutocastGuard {
 public:
  AutocastGuard(torch::DeviceType device_type, torch::ScalarType dtype);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  torch::DeviceType device_type_;
  bool active_;
  bool old_enabled_ = false;
  torch::ScalarType old_dtype_ = torch::kFloat32;
};

/// The type that autocast runs operations on `device_type` in; kFloat32 while it is off.
torch::ScalarType autocast_dtype_or_float32(torch::DeviceType device_type);

/// Switches gradients off for as long as the object lives. Autocast keeps the weights it casts, and those cast without
/// gradients would serve, without gradients, whatever runs next: at the end they are dropped.
class NoGradPass {
 public:
  ~NoGradPass();

 private:
  c10::AutoGradMode no_grad_{false};
};

/// Switches autocast off on `device_type` for as long as the object lives: for what must stay in float32.
class NoAutocastGuard {
 public:
  explicit NoAutocastGuard(torch::DeviceType device_type);
  ~NoAutocastGuard();
  NoAutocastGuard(const NoAutocastGuard&) = delete;
  NoAutocastGuard& operator=(const NoAutocastGuard&) = delete;

 private:
  torch::DeviceType device_type_;
  bool old_enabled_;
};

}  // namespace soco
