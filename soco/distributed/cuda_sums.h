// SPDX-License-Identifier: MIT
#pragma once
#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <memory>

#include "soco/distributed/communicator.h"

namespace c10d {
class Store;
}

namespace soco {

/// Sums of CUDA tensors over the ranks, from GPU to GPU.
class CudaSums {
 public:
  virtual ~CudaSums() = default;

  /// Adds `tensor` up over the ranks once the current stream has done what it was given so far. PendingSum::wait makes
  /// the current stream wait, not the caller. Sums go in the order in which they are started, the same on all ranks.
  virtual std::unique_ptr<PendingSum> start(torch::Tensor& tensor) = 0;
};

/// NCCL, as c10d drives it, for ranks that each have `device` of their own; `store` is theirs alone. A rank that ends
/// or hangs ends the others after `timeout`. Nothing where this program was built without NCCL, and where two ranks
/// have the same GPU, which NCCL refuses: then on all ranks.
std::unique_ptr<CudaSums> make_cuda_sums(const c10::intrusive_ptr<c10d::Store>& store, int rank, int world_size,
                                         const torch::Device& device, std::chrono::milliseconds timeout);

}  // namespace soco
