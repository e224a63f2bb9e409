// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "soco/distributed/communicator.h"

namespace soco {

/// Averages gradients over the ranks, in buckets of a few MiB, in an order fixed by the order of the parameters.
class GradientReducer {
 public:
  static constexpr std::int64_t kBucketBytes = 25 << 20;  // as PyTorch's: large enough that latency does not count

  /// `parameters`: the same on all ranks, in the same order.
  GradientReducer(std::vector<torch::Tensor> parameters, Communicator& communicator);

  /// Replaces each parameter's gradient by its mean over the ranks; one that is undefined counts as zero. Once a step,
  /// after the last backward pass of the step.
  void reduce();

 private:
  void reduce_bucket(std::size_t begin, std::size_t end);

  std::vector<torch::Tensor> parameters_;
  Communicator& communicator_;
};

}  // namespace soco
