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

}  // namespace soco
