// SPDX-License-Identifier: MIT
#include "soco/modeling/fpn.h"

#include <torch/torch.h>

#include <algorithm>
#include <string>

namespace soco {
namespace {

ConvNorm pyramid_convolution(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
                             NormKind norm) {
  ConvNorm conv(ConvNormOptions{in_channels, out_channels, kernel_size, 1, norm});
  torch::nn::init::kaiming_normal_(conv->weight, 0.0, torch::kFanOut, torch::kReLU);
  return conv;
}

torch::Tensor upsample_to(const torch::Tensor& coarse, const torch::Tensor& fine) {
  return torch::upsample_nearest2d(coarse, {fine.size(2), fine.size(3)});
}

}  // namespace

FpnImpl::FpnImpl(const ResNetSize& size, std::int64_t channels, NormKind norm) : channels(channels) {
  bottom_up = register_module("bottom_up", ResNet(size));
  for (int level = 0; level < kNumLevels; ++level) {
    const std::string number = std::to_string(level + 2);
    laterals[level] =
        register_module("fpn_lateral" + number, pyramid_convolution(resnet_channels(size, level), channels, 1, norm));
    outputs[level] = register_module("fpn_output" + number, pyramid_convolution(channels, channels, 3, norm));
  }
}

FeatureMaps FpnImpl::forward(const torch::Tensor& image, const LevelMask& wanted) {
  const FeatureMaps features = bottom_up(image);
  const int finest = static_cast<int>(std::find(wanted.begin(), wanted.end(), true) - wanted.begin());
  FeatureMaps result;
  torch::Tensor merged;  // lateral plus what came down from the coarser levels
  for (int level = kNumLevels - 1; level >= finest; --level) {
    const torch::Tensor lateral = laterals[level](features[level]);
    merged = merged.defined() ? lateral + upsample_to(merged, lateral) : lateral;
    if (wanted[level]) result[level] = outputs[level](merged);
  }
  return result;
}

}  // namespace soco
