// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace soco {

struct CudaDeviceInfo {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::uint64_t total_bytes = 0, free_bytes = 0;
};

/// What CUDA says of a device. Nothing for other devices, and in a program built without CUDA's headers (SOCO_CUDA).
std::optional<CudaDeviceInfo> cuda_device_info(const torch::Device& device);

/// The most bytes that tensors on a CUDA device have taken so far; 0 where cuda_device_info() gives nothing.
std::uint64_t peak_device_bytes(const torch::Device& device);

}  // namespace soco
