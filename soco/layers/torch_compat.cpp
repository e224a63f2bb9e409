// SPDX-License-Identifier: MIT
#include "soco/layers/torch_compat.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>
#include <torch/version.h>

#include "soco/base/error.h"

namespace soco {
namespace {

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)

bool autocast_enabled(torch::DeviceType type) { return at::autocast::is_autocast_enabled(type); }
void set_autocast(torch::DeviceType type, bool enabled) { at::autocast::set_autocast_enabled(type, enabled); }
torch::ScalarType autocast_dtype(torch::DeviceType type) { return at::autocast::get_autocast_dtype(type); }
void set_autocast_type(torch::DeviceType type, torch::ScalarType dtype) {
  at::autocast::set_autocast_dtype(type, dtype);
}

#else

bool autocast_enabled(torch::DeviceType type) {
  return type == torch::kCPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
}
void set_autocast(torch::DeviceType type, bool enabled) {
  type == torch::kCPU ? at::autocast::set_cpu_enabled(enabled) : at::autocast::set_enabled(enabled);
}
torch::ScalarType autocast_dtype(torch::DeviceType type) {
  return type == torch::kCPU ? at::autocast::get_autocast_cpu_dtype() : at::autocast::get_autocast_gpu_dtype();
}
void set_autocast_type(torch::DeviceType type, torch::ScalarType dtype) {
  type == torch::kCPU ? at::autocast::set_autocast_cpu_dtype(dtype) : at::autocast::set_autocast_gpu_dtype(dtype);
}

#endif

}  // namespace

AutocastGuard::AutocastGuard(torch::DeviceType device_type, torch::ScalarType dtype)
    : device_type_(device_type), active_(dtype != torch::kFloat32) {
  if (!active_) return;
  const bool half_on_cuda = dtype == torch::kHalf && device_type == torch::kCUDA;
  if (dtype != torch::kBFloat16 && !half_on_cuda)
    fail("mixed precision in {} is not supported on {}; use float32 or bfloat16", torch::toString(dtype),
         c10::DeviceTypeName(device_type, true));
  old_enabled_ = autocast_enabled(device_type);
  old_dtype_ = autocast_dtype(device_type);
  set_autocast(device_type, true);
  set_autocast_type(device_type, dtype);
  at::autocast::increment_nesting();
}

AutocastGuard::~AutocastGuard() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  set_autocast(device_type_, old_enabled_);
  set_autocast_type(device_type_, old_dtype_);
}

torch::ScalarType autocast_dtype_or_float32(torch::DeviceType device_type) {
  return autocast_enabled(device_type) ? autocast_dtype(device_type) : torch::kFloat32;
}

NoGradPass::~NoGradPass() { at::autocast::clear_cache(); }

NoAutocastGuard::NoAutocastGuard(torch::DeviceType device_type)
    : device_type_(device_type), old_enabled_(autocast_enabled(device_type)) {
  if (old_enabled_) set_autocast(device_type, false);
}

NoAutocastGuard::~NoAutocastGuard() {
  if (old_enabled_) set_autocast(device_type_, true);
}

}  // namespace soco
