// SPDX-License-Identifier: MIT
#include "soco/modeling/heads/box_head.h"

#include <torch/torch.h>

#include <string>

#include "soco/layers/activation_checkpoint.h"

namespace soco {

BoxHeadImpl::BoxHeadImpl(const BoxHeadOptions& options) : resolution_(options.resolution) {
  for (std::int64_t i = 0; i < options.num_convs; ++i)
    convs.push_back(
        register_module("conv" + std::to_string(i + 1),
                        ConvNorm(ConvNormOptions{options.in_channels, options.in_channels, 3, 1, options.norm})));
  std::int64_t width = options.in_channels * options.resolution * options.resolution;
  for (std::int64_t i = 0; i < options.num_fcs; ++i) {
    fcs.push_back(register_module("fc" + std::to_string(i + 1), torch::nn::Linear(width, options.fc_channels)));
    width = options.fc_channels;
  }
}

torch::Tensor BoxHeadImpl::run_convs(const torch::Tensor& pooled, const NormGroups& groups) {
  const NormCall call{.activation = NormActivation::kRelu, .residual = {}, .groups = groups};
  torch::Tensor x = pooled;
  for (ConvNorm& conv : convs) x = conv(x, call);
  return x;
}

torch::Tensor BoxHeadImpl::forward(const torch::Tensor& pooled, const NormGroups& groups) {
  const auto convolve = [this](const torch::Tensor& x, const NormGroups& g) { return run_convs(x, g); };
  torch::Tensor x = checkpointed ? checkpoint_activations(convolve, pooled, groups) : run_convs(pooled, groups);
  x = x.flatten(1);
  for (torch::nn::Linear& fc : fcs) x = torch::relu(fc(x));
  return x;
}

Res5HeadImpl::Res5HeadImpl(const ResNetSize& size, std::int64_t resolution, ExtraNorm extra_norm)
    : blocks_(make_resnet_stage(size, kNumLevels - 1)),
      channels_(resnet_channels(size, kNumLevels - 1)),
      resolution_(resolution) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) register_module(std::to_string(i), blocks_[i]);
  if (extra_norm == ExtraNorm::kBatch) norm_ = register_module("norm", BatchNorm(channels_));
}

torch::Tensor Res5HeadImpl::features(const torch::Tensor& pooled, const NormGroups& groups) {
  torch::Tensor x = pooled;
  for (ResNetBlock& block : blocks_) x = block(x, groups);
  return norm_.is_empty() ? x
                          : norm_(x, NormCall{.activation = NormActivation::kNone, .residual = {}, .groups = groups});
}

torch::Tensor Res5HeadImpl::forward(const torch::Tensor& pooled, const NormGroups& groups) {
  return features(pooled, groups).mean({2, 3});
}

torch::Tensor GlobalPoolHeadImpl::forward(const torch::Tensor& pooled, const NormGroups&) {
  return pooled.mean({2, 3});
}

}  // namespace soco
