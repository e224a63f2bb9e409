// SPDX-License-Identifier: MIT
#include "soco/distributed/cuda_sums.h"

#ifdef SOCO_NCCL
#define USE_C10D_NCCL  // the header's own condition
#include <cuda_runtime_api.h>

#include <set>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <vector>

#include "soco/base/error.h"
#endif

namespace soco {

#ifdef SOCO_NCCL
namespace {

std::vector<std::uint8_t> identity_of(const torch::Device& device) {
  cudaDeviceProp properties{};
  const cudaError_t error = cudaGetDeviceProperties(&properties, device.index());
  if (error != cudaSuccess) fail("{}: {}", device.str(), cudaGetErrorString(error));
  return {std::begin(properties.uuid.bytes), std::end(properties.uuid.bytes)};
}

bool each_has_its_own(c10d::Store& store, int rank, int world_size, const torch::Device& device) {
  const auto key = [](int of_rank) { return "device/" + std::to_string(of_rank); };
  store.set(key(rank), identity_of(device));
  std::set<std::vector<std::uint8_t>> devices;
  for (int i = 0; i < world_size; ++i) devices.insert(store.get(key(i)));  // waits for it
  return devices.size() == static_cast<std::size_t>(world_size);
}

class NcclSums final : public CudaSums {
 public:
  NcclSums(const c10::intrusive_ptr<c10d::Store>& store, int rank, int world_size, std::chrono::milliseconds timeout) {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout;
    group_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, world_size, std::move(options));
  }

  std::unique_ptr<PendingSum> start(torch::Tensor& tensor) override {
    std::vector<torch::Tensor> values{tensor};
    return std::make_unique<Sum>(group_->allreduce(values));
  }

 private:
  class Sum final : public PendingSum {
   public:
    explicit Sum(c10::intrusive_ptr<c10d::Work> work) : work_(std::move(work)) {}
    void wait() override { work_->wait(); }

   private:
    c10::intrusive_ptr<c10d::Work> work_;
  };

  c10::intrusive_ptr<c10d::ProcessGroupNCCL> group_;
};

}  // namespace

std::unique_ptr<CudaSums> make_cuda_sums(const c10::intrusive_ptr<c10d::Store>& store, int rank, int world_size,
                                         const torch::Device& device, std::chrono::milliseconds timeout) {
  if (!each_has_its_own(*store, rank, world_size, device)) return nullptr;
  return std::make_unique<NcclSums>(store, rank, world_size, timeout);
}

#else

std::unique_ptr<CudaSums> make_cuda_sums(const c10::intrusive_ptr<c10d::Store>&, int, int, const torch::Device&,
                                         std::chrono::milliseconds) {
  return nullptr;
}

#endif

}  // namespace soco
