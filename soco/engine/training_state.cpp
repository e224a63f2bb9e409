// SPDX-License-Identifier: MIT
#include "soco/engine/training_state.h"

#include <set>

#include "soco/base/error.h"
#include "soco/layers/tensor_bridge.h"

namespace soco {
namespace {
constexpr const char* kMomentumPrefix = "optimizer.momentum_buffer.";
}

NamedTensors named_state(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

void save_training_state(const torch::nn::Module& module, const Optimizer& optimizer, const StatePrefix& prefix,
                         StateDict& state) {
  for (const auto& [name, tensor] : named_state(module)) state.add(prefix.model + name, to_host(tensor));
  for (const auto& [name, buffer] : optimizer.momentum_buffers())
    state.add(prefix.optimizer + kMomentumPrefix + name, to_host(buffer));
}

void load_training_state(torch::nn::Module& module, Optimizer& optimizer, const StatePrefix& prefix,
                         const StateDict& state, MomentumBuffers momentum) {
  const torch::NoGradGuard no_grad;
  std::set<std::string> used;
  const auto load = [&](const std::string& key, const torch::Tensor& target) {
    copy_from_host(target, state.at(key), key);
    used.insert(key);
  };
  for (const auto& [name, tensor] : named_state(module)) load(prefix.model + name, tensor);
  bool any_momentum = false;
  for (const auto& [key, tensor] : state.entries())
    any_momentum = any_momentum || key.starts_with(prefix.optimizer + kMomentumPrefix);
  if (any_momentum || momentum == MomentumBuffers::kRequired)
    for (const auto& [name, buffer] : optimizer.momentum_buffers())
      load(prefix.optimizer + kMomentumPrefix + name, buffer);
  for (const auto& [key, tensor] : state.entries())
    if (!used.contains(key))
      fail("{}: the file has this tensor, but the configured model does not; is the configuration another?", key);
}

BufferSnapshot::BufferSnapshot(const torch::nn::Module& module) {
  for (const torch::Tensor& buffer : module.buffers()) saved_.emplace_back(buffer, buffer.clone());
}

void BufferSnapshot::restore() {
  const torch::NoGradGuard no_grad;
  for (auto& [buffer, before] : saved_) buffer.copy_(before);
}

}  // namespace soco
