// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace soco {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// SGD with momentum, as torch.optim.SGD (no dampening, no Nesterov): buffer = momentum * buffer + gradient,
/// parameter -= lr * buffer. What a subclass adds is how it makes that gradient. A parameter without a gradient is
/// taken to have a zero one, so decay and momentum go on.
class Optimizer {
 public:
  /// Errors: two parameters of one name.
  Optimizer(NamedTensors parameters, double momentum, double weight_decay);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of every parameter from its gradient. The gradients are used up: zero_grad() before the next backward.
  void step(double lr);

  /// Scales all gradients by one factor, so that their `norm`, as gradient_norm() gave it, becomes at most `max_norm`
  /// (Pascanu et al. 2013).
  void clip_gradients(double norm, double max_norm);

  /// Forgets all gradients (they become undefined, which frees them).
  void zero_grad();

  /// Global L2 norm of the loss gradients, for logs and for the test for finite values; call it before step().
  double gradient_norm() const;

  const NamedTensors& parameters() const { return parameters_; }

  /// Momentum buffers under their parameters' names, in order; zeros before the first step. They share memory.
  NamedTensors momentum_buffers() const;

  /// Copies the buffers in. Errors: a parameter without a buffer, a buffer of another shape, an unknown name.
  void load_momentum_buffers(const NamedTensors& buffers);

 protected:
  /// Turns the gradient of `parameter` into what momentum accumulates, in place.
  virtual void adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const = 0;
  /// The same of all parameters. On a GPU a few kernels for all of them take a tenth of the time of some for each.
  virtual void adapt_all(const std::vector<torch::Tensor>& parameters, std::vector<torch::Tensor>& gradients) const;
  double weight_decay() const { return weight_decay_; }

 private:
  NamedTensors parameters_;
  std::vector<torch::Tensor> buffers_;
  double momentum_;
  double weight_decay_;
};

/// SGD that decays some parameters alone: those whose name `decays` says yes to.
class SelectiveSgd final : public Optimizer {
 public:
  SelectiveSgd(NamedTensors parameters, double momentum, double weight_decay,
               const std::function<bool(const std::string& name)>& decays);

 protected:
  void adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const override;

 private:
  std::unordered_set<const void*> decayed_;  // by the tensor's identity
};

/// Plain SGD: gradient + weight_decay * parameter, biases and BatchNorm included, as torch.optim.SGD.
class Sgd final : public Optimizer {
 public:
  using Optimizer::Optimizer;

 protected:
  void adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const override;
};

}  // namespace soco
