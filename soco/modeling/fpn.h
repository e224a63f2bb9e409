// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>

#include "soco/layers/conv_norm.h"
#include "soco/modeling/backbone/resnet.h"

namespace soco {

/// Feature pyramid (Lin et al. 2017) over a backbone, with BatchNorm after each convolution and no activation, as SoCo
/// pretrains it; or without BatchNorm and with biases. Keys as Detectron2's FPN: bottom_up.*, fpn_lateral{2..5}.*,
/// fpn_output{2..5}.*. Start of the pyramid's convolutions: Kaiming normal, fan out, gain sqrt(2) (what mmcv's
/// ConvModule does by itself; the release never calls its Xavier initialisation), from libtorch's generator.
struct FpnImpl : DetectorBackboneImpl {
  FpnImpl(const ResNetSize& size, std::int64_t channels, NormKind norm = NormKind::kBatch);

  /// image [N,3,H,W] -> P2..P5, [N,channels,ceil(H/stride),ceil(W/stride)]. Levels outside `wanted` stay undefined:
  /// their output convolution is not run, nor the lateral convolutions below the finest wanted level, and the running
  /// statistics of those BatchNorms do not move.
  FeatureMaps forward(const torch::Tensor& image, const LevelMask& wanted = kAllLevels) override;
  int num_levels() const override { return kNumLevels; }
  std::int64_t out_channels() const override { return channels; }

  std::int64_t channels;

  ResNet bottom_up{nullptr};
  std::array<ConvNorm, kNumLevels> laterals{nullptr, nullptr, nullptr, nullptr};
  std::array<ConvNorm, kNumLevels> outputs{nullptr, nullptr, nullptr, nullptr};
};
TORCH_MODULE(Fpn);

}  // namespace soco
