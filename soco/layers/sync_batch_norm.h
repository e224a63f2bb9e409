// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/ivalue.h>
#include <torch/types.h>

#include <cstdint>

#include "soco/distributed/communicator.h"
#include "soco/layers/kernels/batch_norm_cpu.h"

namespace soco {

/// A communicator in what autograd keeps for the backward pass. It must outlive that.
struct CommunicatorHolder : torch::CustomClassHolder {
  explicit CommunicatorHolder(Communicator& value) : communicator(value) {}
  Communicator& communicator;
};

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

/// Puts the statistics of all ranks' values in the place of those of this rank's `rows` rows a group, of which there
/// may be none; returns how many rows a group has on all ranks. One sum over the ranks, in float64.
double share_statistics(kernels::GroupStats& stats, std::int64_t rows, Communicator& communicator);

/// Puts the sums over all ranks in the place of this rank's. One sum over the ranks, in float64.
void share_sums(kernels::BatchNormSums& sums, Communicator& communicator);

}  // namespace soco
