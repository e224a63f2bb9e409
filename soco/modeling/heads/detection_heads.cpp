// SPDX-License-Identifier: MIT
#include <torch/torch.h>

#include <string>

#include "soco/modeling/heads/box_predictor.h"
#include "soco/modeling/heads/mask_head.h"

namespace soco {
namespace {

constexpr double kClassDeviation = 0.01, kBoxDeviation = 0.001, kMaskDeviation = 0.001;

torch::nn::Linear new_linear(std::int64_t in, std::int64_t out, double deviation) {
  torch::nn::Linear linear(in, out);
  torch::nn::init::normal_(linear->weight, 0, deviation);
  torch::nn::init::zeros_(linear->bias);
  return linear;
}

void init_by_fan_out(torch::Tensor weight) {
  torch::nn::init::kaiming_normal_(weight, 0.0, torch::kFanOut, torch::kReLU);
}

/// The layer's windows of 2x2 do not overlap: it is one product for each pixel. On a CPU a whole training step takes a
/// tenth less time so than with libtorch's deconvolution.
torch::Tensor doubled(const torch::nn::ConvTranspose2d& layer, const torch::Tensor& x) {
  const std::int64_t n = x.size(0), in = x.size(1), h = x.size(2), w = x.size(3), out = layer->weight.size(1);
  const torch::Tensor pixels = x.permute({0, 2, 3, 1}).reshape({n * h * w, in});
  const torch::Tensor kernel = layer->weight.permute({0, 2, 3, 1}).reshape({in, 4 * out});
  const torch::Tensor windows = torch::addmm(layer->bias.repeat({4}), pixels, kernel).view({n, h, w, 2, 2, out});
  return windows.permute({0, 1, 3, 2, 4, 5}).reshape({n, 2 * h, 2 * w, out}).permute({0, 3, 1, 2});
}

}  // namespace

BoxPredictorImpl::BoxPredictorImpl(std::int64_t in_channels, std::int64_t num_classes, std::int64_t box_classes) {
  cls_score = register_module("cls_score", new_linear(in_channels, num_classes + 1, kClassDeviation));
  bbox_pred = register_module("bbox_pred", new_linear(in_channels, 4 * box_classes, kBoxDeviation));
}

MaskHeadImpl::MaskHeadImpl(const MaskHeadOptions& options, std::int64_t in_channels, std::int64_t mask_classes) {
  const NormKind norm = options.norm == DetectorNorm::kNone ? NormKind::kNone : NormKind::kBatch;
  std::int64_t width = in_channels;
  for (int i = 0; i < options.num_convs; ++i) {
    convs.push_back(register_module("mask_fcn" + std::to_string(i + 1),
                                    ConvNorm(ConvNormOptions{width, options.channels, 3, 1, norm})));
    init_by_fan_out(convs.back()->weight);
    width = options.channels;
  }
  deconv = register_module(
      "deconv", torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(width, options.channels, 2).stride(2)));
  predictor =
      register_module("predictor", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.channels, mask_classes, 1)));
  init_by_fan_out(deconv->weight);
  torch::nn::init::normal_(predictor->weight, 0, kMaskDeviation);
  torch::nn::init::zeros_(deconv->bias);
  torch::nn::init::zeros_(predictor->bias);
  if (options.norm == DetectorNorm::kFrozen) freeze_batch_norms(*this);
}

torch::Tensor MaskHeadImpl::forward(const torch::Tensor& pooled) {
  torch::Tensor x = pooled;
  for (ConvNorm& conv : convs) x = conv(x, NormCall{.activation = NormActivation::kRelu, .residual = {}, .groups = {}});
  return predictor(doubled(deconv, x).relu_());
}

}  // namespace soco
