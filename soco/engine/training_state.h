// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "soco/solver/optimizer.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// What stands before the names of model tensors and of optimiser tensors in a file.
struct StatePrefix {
  std::string model;
  std::string optimizer;
};

inline const StatePrefix kCheckpointPrefix{"model.", ""};  // of a run's checkpoints
inline const StatePrefix kReplayPrefix{"", ""};            // of the weights that replay reads

/// Adds every parameter and buffer of `module`, and the momentum buffers of `optimizer`, to `state`:
/// prefix.model + name, and prefix.optimizer + "optimizer.momentum_buffer." + parameter name.
void save_training_state(const torch::nn::Module& module, const Optimizer& optimizer, const StatePrefix& prefix,
                         StateDict& state);

/// Whether a file must hold the optimiser's momentum buffers. kOptional: a file with none leaves them zero.
enum class MomentumBuffers { kRequired, kOptional };

/// The way back. Errors: a tensor that is missing, misshapen, or that nobody asked for, by name.
void load_training_state(torch::nn::Module& module, Optimizer& optimizer, const StatePrefix& prefix,
                         const StateDict& state, MomentumBuffers momentum);

/// Parameters and buffers of `module` by name, sharing memory.
NamedTensors named_state(const torch::nn::Module& module);

/// The buffers of a module before a step, to take back what a step that is not finite did to them.
class BufferSnapshot {
 public:
  explicit BufferSnapshot(const torch::nn::Module& module);
  void restore();

 private:
  std::vector<std::pair<torch::Tensor, torch::Tensor>> saved_;  // buffer, its copy
};

}  // namespace soco
