// SPDX-License-Identifier: MIT
#include "soco/modeling/heads/mlp_head.h"

#include <torch/torch.h>

namespace soco {

MlpHeadImpl::MlpHeadImpl(const MlpHeadOptions& options) {
  fc1 = register_module("fc1", torch::nn::Linear(options.in_channels, options.hidden_channels));
  if (options.norm) norm = register_module("norm", BatchNorm(options.hidden_channels));
  fc2 = register_module("fc2", torch::nn::Linear(options.hidden_channels, options.out_channels));
}

torch::Tensor MlpHeadImpl::hidden(const torch::Tensor& input, const NormGroups& groups) {
  if (norm.is_empty()) return torch::relu(fc1(input));
  return norm(fc1(input), NormCall{.activation = NormActivation::kRelu, .residual = {}, .groups = groups});
}

torch::Tensor MlpHeadImpl::forward(const torch::Tensor& input, const NormGroups& groups) {
  return fc2(hidden(input, groups));
}

}  // namespace soco
