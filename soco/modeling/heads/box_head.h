// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <vector>

#include "soco/layers/conv_norm.h"

namespace soco {

struct BoxHeadOptions {
  std::int64_t in_channels = 256;
  std::int64_t resolution = 7;  // height and width of a pooled box
  std::int64_t num_convs = 4;
  std::int64_t fc_channels = 1024;
};

/// Detectron2's FastRCNNConvFCHead: `num_convs` times (3x3 convolution, BatchNorm, ReLU), then one linear layer and
/// ReLU. Keys: conv{1..}.weight, conv{1..}.norm.*, fc1.weight, fc1.bias. Start: libtorch's own for convolutions and
/// linear layers, as in the release, from libtorch's generator.
struct BoxHeadImpl : torch::nn::Module {
  explicit BoxHeadImpl(const BoxHeadOptions& options);
  /// pooled [B,C,r,r] -> [B,fc_channels].
  torch::Tensor forward(const torch::Tensor& pooled, const NormGroups& groups = {});
  std::vector<ConvNorm> convs;
  torch::nn::Linear fc1{nullptr};
};
TORCH_MODULE(BoxHead);

}  // namespace soco
