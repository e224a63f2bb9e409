// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>

#include "soco/distributed/communicator.h"

namespace soco {

/// A batch normalised by the statistics of all ranks' values.
struct SyncedNorm {
  torch::Tensor output;     // as the input
  torch::Tensor mean, var;  // [G,C], of all ranks' values; the variance biased
  double num_values = 0;    // per channel and group, of all ranks
};

/// Normalises input [N,C] or [N,C,H,W], group by group of its leading dimension, as if the same groups of all ranks
/// were one: forward with the global mean and variance (from squared distances to the global mean, so exact), backward
/// through both. `weight` and `bias` [C] get this rank's part of their gradients. Two sums over the ranks in the
/// forward pass, one in the backward pass; every rank must run both. Any dtype: half types are worked in float32.
SyncedNorm sync_batch_norm(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias,
                           std::int64_t num_groups, double eps, Communicator& communicator);

}  // namespace soco
