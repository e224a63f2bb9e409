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

void ConvNormImpl::train(bool on) {
  torch::nn::Module::train(on);
  kept_ = {};
}

std::vector<std::int64_t> ConvNormImpl::versions() const {
  std::vector<std::int64_t> result;
  for (const torch::Tensor& part : {weight, norm->weight, norm->bias, norm->running_mean, norm->running_var})
    result.push_back(static_cast<std::int64_t>(part._version()));
  return result;
}

ConvNormImpl::Affine ConvNormImpl::affine() const {
  if (norm.is_empty()) return {weight, bias, {}};
  const auto [factor, summand] = norm->running_affine();
  return {weight * factor.view({-1, 1, 1, 1}), summand, {}};
}

torch::Tensor ConvNormImpl::forward(const torch::Tensor& input, const NormCall& call) {
  const std::int64_t padding = (options.kernel_size - 1) / 2;
  if (!norm.is_empty() && norm->uses_batch_statistics())
    return norm(torch::conv2d(input, weight, {}, options.stride, padding), call);
  Affine now;
  if (norm.is_empty() || torch::GradMode::is_enabled()) {
    now = affine();
  } else {
    const bool same_kind = kept_.kernel.defined() && kept_.kernel.options().type_equal(weight.options()) &&
                           kept_.kernel.device() == weight.device();
    if (!same_kind || kept_.versions != versions()) {
      kept_ = affine();
      kept_.kernel = kept_.kernel.contiguous(torch::MemoryFormat::ChannelsLast);  // as the pixels lie
      kept_.versions = versions();
    }
    now = kept_;
  }
  torch::Tensor x = torch::conv2d(input, now.kernel, now.shift, options.stride, padding);
  if (call.residual.defined()) x = x.add_(call.residual);
  return call.activation == NormActivation::kRelu ? torch::relu_(x) : x;
}

}  // namespace soco
