// SPDX-License-Identifier: MIT
#include "soco/solver/lars.h"

#include <torch/torch.h>

namespace soco {

Lars::Lars(NamedTensors parameters, const LarsOptions& options)
    : Optimizer(std::move(parameters), options.momentum, options.weight_decay), options_(options) {}

void Lars::adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const {
  if (parameter.dim() <= 1) return;
  gradient.add_(parameter, weight_decay());
  const torch::Tensor parameter_norm = parameter.norm(), gradient_norm = gradient.norm();
  const torch::Tensor trust = options_.trust_coefficient * parameter_norm / (gradient_norm + options_.eps);
  // Chosen on the device: no wait for each parameter's norms.
  gradient.mul_(torch::where((parameter_norm > 0) & (gradient_norm > 0), trust, torch::ones_like(trust)));
}

void Lars::adapt_all(const std::vector<torch::Tensor>& parameters, std::vector<torch::Tensor>& gradients) const {
  std::vector<torch::Tensor> weights, adapted;  // of those that adapt() does not leave alone
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].dim() <= 1) continue;
    weights.push_back(parameters[i]);
    adapted.push_back(gradients[i]);
  }
  if (weights.empty()) return;
  if (!weights[0].is_cuda()) return Optimizer::adapt_all(parameters, gradients);
  at::_foreach_add_(adapted, weights, weight_decay());
  const torch::Tensor weight_norms = torch::stack(at::_foreach_norm(weights, 2));
  const torch::Tensor gradient_norms = torch::stack(at::_foreach_norm(adapted, 2));
  const torch::Tensor trust = options_.trust_coefficient * weight_norms / (gradient_norms + options_.eps);
  const torch::Tensor factors =
      torch::where((weight_norms > 0) & (gradient_norms > 0), trust, torch::ones_like(trust)).to(torch::kFloat64).cpu();
  const double* const first = factors.data_ptr<double>();
  at::_foreach_mul_(adapted, std::vector<at::Scalar>(first, first + factors.numel()));
}

}  // namespace soco
