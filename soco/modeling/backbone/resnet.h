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

/// Which of the feature maps are wanted.
using LevelMask = std::array<bool, kNumLevels>;
inline constexpr LevelMask kAllLevels{true, true, true, true};

/// What a detector pools its boxes from: `num_levels` maps of `out_channels` channels, finest first.
struct DetectorBackboneImpl : torch::nn::Module {
  /// image [N,3,H,W] normalised RGB -> the first num_levels() maps; those outside `wanted` may stay undefined.
  virtual FeatureMaps forward(const torch::Tensor& image, const LevelMask& wanted = kAllLevels) = 0;
  virtual int num_levels() const = 0;
  virtual std::int64_t out_channels() const = 0;
};

/// conv1 (7x7, stride 2), BatchNorm, ReLU, 3x3 max pooling of stride 2.
struct ResNetStemImpl : torch::nn::Module {
  explicit ResNetStemImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& image);
  ConvNorm conv1{nullptr};
};
TORCH_MODULE(ResNetStem);

/// Residual block: `convs` one after the other (3x3, 3x3 in ResNet-18 and -34; 1x1, 3x3, 1x1 in the others), added to
/// the input, or to its 1x1 `shortcut` where shape changes. The stride sits on the first 3x3 convolution.
struct ResNetBlockImpl : torch::nn::Module {
  ResNetBlockImpl(std::int64_t in_channels, std::int64_t width, std::int64_t out_channels, std::int64_t stride);
  torch::Tensor forward(const torch::Tensor& input, const NormGroups& groups = {});
  std::vector<ConvNorm> convs;
  ConvNorm shortcut{nullptr};
  bool checkpointed = false;  // inner activations are computed again in the backward pass

 private:
  torch::Tensor run(const torch::Tensor& input, const NormGroups& groups);
};
TORCH_MODULE(ResNetBlock);

/// The blocks of res2 (level 0) .. res5 (level 3).
std::vector<ResNetBlock> make_resnet_stage(const ResNetSize& size, int level);

/// Channels of C2 (level 0) .. C5 (level 3).
std::int64_t resnet_channels(const ResNetSize& size, int level);

/// ResNet (He et al. 2015), torchvision's v1.5, without the classifier. Keys as Detectron2's: stem.conv1.*,
/// res{2..5}.{i}.conv{1,2,3}.*, res{2..5}.{0}.shortcut.*.
/// Start: convolutions N(0, sqrt(2 / (k*k*out))), BatchNorm weights 1, the last of each block 0 (Goyal et al. 2017).
/// All values come from libtorch's default generator: torch::manual_seed before construction makes them repeatable.
struct ResNetImpl : torch::nn::Module {
  explicit ResNetImpl(const ResNetSize& size);

  /// image [N,3,H,W] normalised RGB -> C2..C5, [N, C, ceil(H/stride), ceil(W/stride)].
  FeatureMaps forward(const torch::Tensor& image);

  ResNetStem stem{nullptr};
  std::array<torch::nn::ModuleList, kNumLevels> stages{nullptr, nullptr, nullptr, nullptr};
};
TORCH_MODULE(ResNet);

/// ResNet up to res4, whose map, C4 of stride 16, is all that is pooled from. Keys: stem.conv1.*, res{2..4}.*. Values
/// as ResNet's.
struct ResNetC4Impl : DetectorBackboneImpl {
  explicit ResNetC4Impl(const ResNetSize& size);
  FeatureMaps forward(const torch::Tensor& image, const LevelMask& wanted = kAllLevels) override;
  int num_levels() const override { return 1; }
  std::int64_t out_channels() const override { return channels_; }

 private:
  ResNetStem stem_{nullptr};
  std::vector<torch::nn::ModuleList> stages_;
  std::int64_t channels_ = 0;
};
TORCH_MODULE(ResNetC4);

/// The whole ResNet, of which the last map, C5 of stride 32, is used. Keys: bottom_up.*, as in the pyramid, so that a
/// detector with a pyramid takes them. Values as ResNet's.
struct ResNetC5Impl : DetectorBackboneImpl {
  explicit ResNetC5Impl(const ResNetSize& size);
  FeatureMaps forward(const torch::Tensor& image, const LevelMask& wanted = kAllLevels) override;
  int num_levels() const override { return 1; }
  std::int64_t out_channels() const override { return channels_; }

 private:
  ResNet bottom_up_{nullptr};
  std::int64_t channels_;
};
TORCH_MODULE(ResNetC5);

/// Sets the weight of each block's last norm to 1, where ResNet starts it at 0: what ModelOptions::zero_init_residual
/// turns off.
void start_residuals_at_one(torch::nn::Module& network);

}  // namespace soco
