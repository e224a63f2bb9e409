// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>

namespace soco {

/// MoCo's queue (He et al., CVPR 2020, section 3.2): the newest `size` target vectors, negatives of later batches.
/// Buffers: keys [size,D] of unit length, random at the start (from libtorch's generator); next: where the next goes.
struct KeyQueueImpl : torch::nn::Module {
  KeyQueueImpl(std::int64_t size, std::int64_t channels);

  /// A copy of `keys`, which a later push does not change.
  torch::Tensor negatives() const { return keys.clone(); }

  /// Puts vectors [M,D] in place of the oldest; of more than `size` the last ones stay.
  void push(const torch::Tensor& vectors);

  torch::Tensor keys, next;
};
TORCH_MODULE(KeyQueue);

}  // namespace soco
