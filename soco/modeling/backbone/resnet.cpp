// SPDX-License-Identifier: MIT
#include "soco/modeling/backbone/resnet.h"

#include <torch/torch.h>

#include <cmath>
#include <string>

namespace soco {
namespace {

struct ResNetShape {
  std::array<int, kNumLevels> num_blocks;
  bool bottleneck;
};

ResNetShape resnet_shape(Backbone backbone) {
  switch (backbone) {
    case Backbone::kResNet18:
      return {{2, 2, 2, 2}, false};
    case Backbone::kResNet34:
      return {{3, 4, 6, 3}, false};
    case Backbone::kResNet50:
      return {{3, 4, 6, 3}, true};
    case Backbone::kResNet101:
      return {{3, 4, 23, 3}, true};
  }
  fail("backbone number {} is unknown", static_cast<int>(backbone));
}

// He et al. 2015 by output channels, as the release initialises its encoder.
void init_convolution(ConvNorm& conv) {
  const auto& options = conv->options;
  const double fan_out = static_cast<double>(options.kernel_size * options.kernel_size * options.out_channels);
  torch::nn::init::normal_(conv->weight, 0.0, std::sqrt(2.0 / fan_out));
}

}  // namespace

ResNetStemImpl::ResNetStemImpl() {
  conv1 = register_module("conv1", ConvNorm(ConvNormOptions{3, 64, 7, 2}));
  init_convolution(conv1);
}

torch::Tensor ResNetStemImpl::forward(const torch::Tensor& image) {
  const NormCall relu{.activation = NormActivation::kRelu, .residual = {}, .groups = {}};
  return torch::max_pool2d(conv1(image, relu), 3, 2, 1);
}

ResNetBlockImpl::ResNetBlockImpl(std::int64_t in_channels, std::int64_t width, std::int64_t out_channels,
                                 std::int64_t stride) {
  if (width == out_channels) {
    convs.emplace_back(ConvNormOptions{in_channels, width, 3, stride});
    convs.emplace_back(ConvNormOptions{width, width, 3, 1});
  } else {
    convs.emplace_back(ConvNormOptions{in_channels, width, 1, 1});
    convs.emplace_back(ConvNormOptions{width, width, 3, stride});
    convs.emplace_back(ConvNormOptions{width, out_channels, 1, 1});
  }
  for (std::size_t i = 0; i < convs.size(); ++i) {
    register_module("conv" + std::to_string(i + 1), convs[i]);
    init_convolution(convs[i]);
  }
  torch::nn::init::zeros_(convs.back()->norm->weight);
  if (stride != 1 || in_channels != out_channels) {
    shortcut = register_module("shortcut", ConvNorm(ConvNormOptions{in_channels, out_channels, 1, stride}));
    init_convolution(shortcut);
  }
}

torch::Tensor ResNetBlockImpl::forward(const torch::Tensor& input) {
  NormCall call{.activation = NormActivation::kRelu, .residual = {}, .groups = {}};
  torch::Tensor x = input;
  for (std::size_t i = 0; i + 1 < convs.size(); ++i) x = convs[i](x, call);
  call.residual = shortcut.is_empty() ? input : shortcut(input);
  return convs.back()(x, call);
}

ResNetImpl::ResNetImpl(Backbone backbone) {
  const ResNetShape shape = resnet_shape(backbone);
  stem = register_module("stem", ResNetStem());
  std::int64_t in_channels = 64;
  for (int level = 0; level < kNumLevels; ++level) {
    const std::int64_t width = 64 << level;
    out_channels[level] = shape.bottleneck ? 4 * width : width;
    stages[level] = register_module("res" + std::to_string(level + 2), torch::nn::ModuleList());
    for (int i = 0; i < shape.num_blocks[level]; ++i) {
      stages[level]->push_back(ResNetBlock(in_channels, width, out_channels[level], level > 0 && i == 0 ? 2 : 1));
      in_channels = out_channels[level];
    }
  }
}

FeatureMaps ResNetImpl::forward(const torch::Tensor& image) {
  FeatureMaps features;
  torch::Tensor x = stem(image);
  for (int level = 0; level < kNumLevels; ++level) {
    for (const auto& block : *stages[level]) x = block->as<ResNetBlock>()->forward(x);
    features[level] = x;
  }
  return features;
}

}  // namespace soco
