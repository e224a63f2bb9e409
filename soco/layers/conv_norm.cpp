// SPDX-License-Identifier: MIT
#include "soco/layers/conv_norm.h"

#include <torch/torch.h>

#include <cmath>

namespace soco {

ConvNormImpl::ConvNormImpl(const ConvNormOptions& conv_options) : options(conv_options) {
  const std::int64_t kernel = options.kernel_size;
  weight = register_parameter("weight", torch::empty({options.out_channels, options.in_channels, kernel, kernel}));
  if (options.norm == NormKind::kBatch)
    norm = register_module("norm", BatchNorm(options.out_channels));
  else
    bias = register_parameter("bias", torch::zeros({options.out_channels}));
  const double bound = 1.0 / std::sqrt(static_cast<double>(options.in_channels * kernel * kernel));
  torch::nn::init::uniform_(weight, -bound, bound);
}

torch::Tensor ConvNormImpl::forward(const torch::Tensor& input, const NormCall& call) {
  const std::int64_t padding = (options.kernel_size - 1) / 2;
  if (!norm.is_empty() && norm->uses_batch_statistics())
    return norm(torch::conv2d(input, weight, {}, options.stride, padding), call);
  torch::Tensor kernel = weight, shift = bias;
  if (!norm.is_empty()) {
    const auto [factor, summand] = norm->running_affine();
    kernel = weight * factor.view({-1, 1, 1, 1});
    shift = summand;
  }
  torch::Tensor x = torch::conv2d(input, kernel, shift, options.stride, padding);
  if (call.residual.defined()) x = x.add_(call.residual);
  return call.activation == NormActivation::kRelu ? torch::relu_(x) : x;
}

}  // namespace soco
