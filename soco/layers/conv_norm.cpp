// SPDX-License-Identifier: MIT
#include "soco/layers/conv_norm.h"

#include <torch/torch.h>

#include <cmath>

namespace soco {

ConvNormImpl::ConvNormImpl(const ConvNormOptions& conv_options) : options(conv_options) {
  const std::int64_t kernel = options.kernel_size;
  weight = register_parameter("weight", torch::empty({options.out_channels, options.in_channels, kernel, kernel}));
  norm = register_module("norm", BatchNorm(options.out_channels));
  const double bound = 1.0 / std::sqrt(static_cast<double>(options.in_channels * kernel * kernel));
  torch::nn::init::uniform_(weight, -bound, bound);
}

torch::Tensor ConvNormImpl::forward(const torch::Tensor& input, const NormCall& call) {
  const std::int64_t padding = (options.kernel_size - 1) / 2;
  return norm(torch::conv2d(input, weight, {}, options.stride, padding), call);
}

}  // namespace soco
