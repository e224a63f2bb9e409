// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <functional>

#include "soco/layers/grouped_batch_norm.h"

namespace soco {

/// Part of a network from one tensor to one tensor; hands `groups` to its BatchNorms.
using NetworkPart = std::function<torch::Tensor(const torch::Tensor& input, const NormGroups& groups)>;

/// part(input, groups), whose inner activations are not kept for the backward pass but computed again in it (Chen et
/// al. 2016, arXiv 1604.06174): memory for the time of one more forward pass. Values and gradients are those of the
/// plain call, and running statistics move once. `part` must outlive the graph of the result, hold no randomness, and
/// take a gradient through `input`; autocast is as it was.
torch::Tensor checkpoint_activations(const NetworkPart& part, const torch::Tensor& input, const NormGroups& groups);

}  // namespace soco
