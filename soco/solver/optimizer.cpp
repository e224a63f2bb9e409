// SPDX-License-Identifier: MIT
#include "soco/solver/optimizer.h"

#include <torch/torch.h>

#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "soco/base/error.h"

namespace soco {

Optimizer::Optimizer(NamedTensors parameters, double momentum, double weight_decay)
    : parameters_(std::move(parameters)), momentum_(momentum), weight_decay_(weight_decay) {
  const torch::NoGradGuard no_grad;
  std::unordered_set<std::string> names;
  for (const auto& [name, parameter] : parameters_) {
    if (!names.insert(name).second) fail("the optimizer was given two parameters named '{}'", name);
    buffers_.push_back(torch::zeros_like(parameter));
  }
}

void Optimizer::step(double lr) {
  if (parameters_.empty()) return;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parameters, gradients;
  for (const auto& [name, parameter] : parameters_) {
    parameters.push_back(parameter);
    gradients.push_back(parameter.grad().defined() ? parameter.grad() : torch::zeros_like(parameter));
  }
  adapt_all(parameters, gradients);
  at::_foreach_mul_(buffers_, momentum_);
  at::_foreach_add_(buffers_, gradients, 1);
  at::_foreach_add_(parameters, buffers_, -lr);
}

void Optimizer::adapt_all(const std::vector<torch::Tensor>& parameters, std::vector<torch::Tensor>& gradients) const {
  for (std::size_t i = 0; i < parameters.size(); ++i) adapt(parameters[i], gradients[i]);
}

void Optimizer::clip_gradients(double norm, double max_norm) {
  if (norm <= max_norm) return;
  const torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : parameters_)
    if (parameter.grad().defined()) parameter.mutable_grad().mul_(max_norm / norm);
}

void Optimizer::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad().reset();
}

double Optimizer::gradient_norm() const {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients;
  for (const auto& [name, parameter] : parameters_)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  return gradients.empty() ? 0.0 : torch::stack(at::_foreach_norm(gradients, 2)).norm().item<double>();
}

NamedTensors Optimizer::momentum_buffers() const {
  NamedTensors result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) result.emplace_back(parameters_[i].first, buffers_[i]);
  return result;
}

void Optimizer::load_momentum_buffers(const NamedTensors& buffers) {
  const torch::NoGradGuard no_grad;
  std::unordered_map<std::string, torch::Tensor> by_name(buffers.begin(), buffers.end());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto found = by_name.find(parameters_[i].first);
    if (found == by_name.end())
      fail("the saved optimizer has no momentum buffer of parameter '{}'", parameters_[i].first);
    if (found->second.sizes() != buffers_[i].sizes())
      fail("the saved momentum buffer of '{}' has shape {}, but the parameter has {}", found->first,
           c10::str(found->second.sizes()), c10::str(buffers_[i].sizes()));
    buffers_[i].copy_(found->second);
    by_name.erase(found);
  }
  if (!by_name.empty())
    fail("the saved optimizer has a momentum buffer of '{}', which is no parameter", by_name.begin()->first);
}

SelectiveSgd::SelectiveSgd(NamedTensors parameters, double momentum, double weight_decay,
                           const std::function<bool(const std::string&)>& decays)
    : Optimizer(std::move(parameters), momentum, weight_decay) {
  for (const auto& [name, parameter] : this->parameters())
    if (decays(name)) decayed_.insert(parameter.unsafeGetTensorImpl());
}

void SelectiveSgd::adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const {
  if (decayed_.contains(parameter.unsafeGetTensorImpl())) gradient.add_(parameter, weight_decay());
}

void Sgd::adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const {
  gradient.add_(parameter, weight_decay());
}

}  // namespace soco
