// SPDX-License-Identifier: MIT
#include "soco/solver/ema.h"

#include <torch/torch.h>

#include <utility>
#include <vector>

#include "soco/base/error.h"

namespace soco {
namespace {

struct MatchedParameters {
  std::vector<torch::Tensor> target, online;
};

MatchedParameters match_parameters(torch::nn::Module& target, const torch::nn::Module& online) {
  MatchedParameters result;
  const auto online_parameters = online.named_parameters();
  for (const auto& item : target.named_parameters()) {
    const torch::Tensor* source = online_parameters.find(item.key());
    if (!source) fail("the target's parameter '{}' has no counterpart in the online network", item.key());
    if (source->sizes() != item.value().sizes())
      fail("parameter '{}' has shape {} in the target, but {} in the online network", item.key(),
           c10::str(item.value().sizes()), c10::str(source->sizes()));
    result.target.push_back(item.value());
    result.online.push_back(*source);
  }
  return result;
}

}  // namespace

void ema_update(torch::nn::Module& target, const torch::nn::Module& online, double momentum) {
  const torch::NoGradGuard no_grad;
  const MatchedParameters matched = match_parameters(target, online);
  if (matched.target.empty()) return;
  at::_foreach_mul_(matched.target, momentum);
  at::_foreach_add_(matched.target, matched.online, 1 - momentum);
}

void copy_parameters(torch::nn::Module& target, const torch::nn::Module& online) {
  const torch::NoGradGuard no_grad;
  const MatchedParameters matched = match_parameters(target, online);
  for (std::size_t i = 0; i < matched.target.size(); ++i) matched.target[i].copy_(matched.online[i]);
}

}  // namespace soco
