// SPDX-License-Identifier: MIT
#include "soco/layers/cuda_device.h"

#ifdef SOCO_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>
#endif

namespace soco {

#ifdef SOCO_CUDA

std::optional<CudaDeviceInfo> cuda_device_info(const torch::Device& device) {
  if (!device.is_cuda()) return std::nullopt;
  const c10::cuda::CUDAGuard guard(device);
  int index = 0;
  std::size_t free_bytes = 0, total_bytes = 0;
  cudaDeviceProp properties{};
  if (cudaGetDevice(&index) != cudaSuccess || cudaGetDeviceProperties(&properties, index) != cudaSuccess ||
      cudaMemGetInfo(&free_bytes, &total_bytes) != cudaSuccess)
    return std::nullopt;
  return CudaDeviceInfo{properties.name, total_bytes, free_bytes};
}

std::uint64_t peak_device_bytes(const torch::Device& device) {
  if (!device.is_cuda()) return 0;
  const c10::DeviceIndex index = device.has_index() ? device.index() : 0;
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index);
  return static_cast<std::uint64_t>(stats.allocated_bytes[0].peak);  // 0: of all pools together
}

#else

std::optional<CudaDeviceInfo> cuda_device_info(const torch::Device&) { return std::nullopt; }
std::uint64_t peak_device_bytes(const torch::Device&) { return 0; }

#endif

}  // namespace soco
