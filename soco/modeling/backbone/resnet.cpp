// SPDX-License-Identifier: MIT
#include "soco/modeling/backbone/resnet.h"

#include <torch/torch.h>

#include <cmath>
#include <string>

#include "soco/layers/activation_checkpoint.h"

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

torch::nn::ModuleList register_stage(torch::nn::Module& owner, const ResNetSize& size, int level) {
  torch::nn::ModuleList stage = owner.register_module("res" + std::to_string(level + 2), torch::nn::ModuleList());
  for (const ResNetBlock& block : make_resnet_stage(size, level)) stage->push_back(block);
  return stage;
}

torch::Tensor run_stage(const torch::nn::ModuleList& stage, torch::Tensor x) {
  for (const auto& block : *stage) x = block->as<ResNetBlock>()->forward(x);
  return x;
}

}  // namespace

ResNetStemImpl::ResNetStemImpl(std::int64_t channels) {
  conv1 = register_module("conv1", ConvNorm(ConvNormOptions{3, channels, 7, 2}));
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

torch::Tensor ResNetBlockImpl::forward(const torch::Tensor& input, const NormGroups& groups) {
  if (!checkpointed) return run(input, groups);
  return checkpoint_activations([this](const auto& x, const auto& g) { return run(x, g); }, input, groups);
}

torch::Tensor ResNetBlockImpl::run(const torch::Tensor& input, const NormGroups& groups) {
  NormCall call{.activation = NormActivation::kRelu, .residual = {}, .groups = groups};
  torch::Tensor x = input;
  for (std::size_t i = 0; i + 1 < convs.size(); ++i) x = convs[i](x, call);
  const NormCall plain{.activation = NormActivation::kNone, .residual = {}, .groups = groups};
  call.residual = shortcut.is_empty() ? input : shortcut(input, plain);
  return convs.back()(x, call);
}

std::int64_t resnet_channels(const ResNetSize& size, int level) {
  return static_cast<std::int64_t>(resnet_shape(size.backbone).bottleneck ? 4 * size.width : size.width) << level;
}

std::vector<ResNetBlock> make_resnet_stage(const ResNetSize& size, int level) {
  const std::int64_t width = static_cast<std::int64_t>(size.width) << level, out = resnet_channels(size, level);
  std::int64_t in = level == 0 ? size.width : resnet_channels(size, level - 1);
  std::vector<ResNetBlock> blocks;
  for (int i = 0; i < resnet_shape(size.backbone).num_blocks[level]; ++i) {
    blocks.emplace_back(in, width, out, level > 0 && i == 0 ? 2 : 1);
    in = out;
  }
  return blocks;
}

ResNetImpl::ResNetImpl(const ResNetSize& size) {
  stem = register_module("stem", ResNetStem(size.width));
  for (int level = 0; level < kNumLevels; ++level) stages[level] = register_stage(*this, size, level);
}

FeatureMaps ResNetImpl::forward(const torch::Tensor& image) {
  FeatureMaps features;
  torch::Tensor x = stem(image);
  for (int level = 0; level < kNumLevels; ++level) features[level] = x = run_stage(stages[level], x);
  return features;
}

ResNetC4Impl::ResNetC4Impl(const ResNetSize& size) : channels_(resnet_channels(size, 2)) {
  stem_ = register_module("stem", ResNetStem(size.width));
  for (int level = 0; level < 3; ++level) stages_.push_back(register_stage(*this, size, level));
}

FeatureMaps ResNetC4Impl::forward(const torch::Tensor& image, const LevelMask&) {
  torch::Tensor x = stem_(image);
  for (const torch::nn::ModuleList& stage : stages_) x = run_stage(stage, x);
  return {x};
}

ResNetC5Impl::ResNetC5Impl(const ResNetSize& size) : channels_(resnet_channels(size, kNumLevels - 1)) {
  bottom_up_ = register_module("bottom_up", ResNet(size));
}

FeatureMaps ResNetC5Impl::forward(const torch::Tensor& image, const LevelMask&) { return {bottom_up_(image).back()}; }

void start_residuals_at_one(torch::nn::Module& network) {
  for (const auto& module : network.modules(/*include_self=*/false))
    if (auto* block = module->as<ResNetBlock>()) torch::nn::init::ones_(block->convs.back()->norm->weight);
}

}  // namespace soco
