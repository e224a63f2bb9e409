// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/container/modulelist.h>

#include <array>
#include <cstdint>
#include <vector>

#include "soco/layers/conv_norm.h"
#include "soco/modeling/model_options.h"

namespace soco {

/// Four feature maps, finest first (C2..C5 of strides 4, 8, 16, 32, or P2..P5 after the pyramid).
inline constexpr int kNumLevels = 4;
using FeatureMaps = std::array<torch::Tensor, kNumLevels>;

/// conv1 (7x7, stride 2), BatchNorm, ReLU, 3x3 max pooling of stride 2.
struct ResNetStemImpl : torch::nn::Module {
  ResNetStemImpl();
  torch::Tensor forward(const torch::Tensor& image);
  ConvNorm conv1{nullptr};
};
TORCH_MODULE(ResNetStem);

/// Residual block: `convs` one after the other (3x3, 3x3 in ResNet-18 and -34; 1x1, 3x3, 1x1 in the others), added to
/// the input, or to its 1x1 `shortcut` where shape changes. The stride sits on the first 3x3 convolution.
struct ResNetBlockImpl : torch::nn::Module {
  ResNetBlockImpl(std::int64_t in_channels, std::int64_t width, std::int64_t out_channels, std::int64_t stride);
  torch::Tensor forward(const torch::Tensor& input);
  std::vector<ConvNorm> convs;
  ConvNorm shortcut{nullptr};
};
TORCH_MODULE(ResNetBlock);

/// ResNet (He et al. 2015), torchvision's v1.5, without the classifier. Keys as Detectron2's: stem.conv1.*,
/// res{2..5}.{i}.conv{1,2,3}.*, res{2..5}.{0}.shortcut.*.
/// Start: convolutions N(0, sqrt(2 / (k*k*out))), BatchNorm weights 1, the last of each block 0 (Goyal et al. 2017).
/// All values come from libtorch's default generator: torch::manual_seed before construction makes them repeatable.
struct ResNetImpl : torch::nn::Module {
  explicit ResNetImpl(Backbone backbone);

  /// image [N,3,H,W] normalised RGB -> C2..C5, [N, C, ceil(H/stride), ceil(W/stride)].
  FeatureMaps forward(const torch::Tensor& image);

  std::array<std::int64_t, kNumLevels> out_channels{};
  ResNetStem stem{nullptr};
  std::array<torch::nn::ModuleList, kNumLevels> stages{nullptr, nullptr, nullptr, nullptr};
};
TORCH_MODULE(ResNet);

}  // namespace soco
