// SPDX-License-Identifier: MIT
#pragma once
#include "soco/solver/optimizer.h"

namespace soco {

struct LarsOptions {
  double momentum = 0.9;
  double weight_decay = 1e-5;
  double trust_coefficient = 0.001;
  double eps = 1e-8;
};

/// LARS (You et al. 2017, arXiv 1708.03888) over SGD with momentum. With g = gradient + weight_decay * p, momentum
/// accumulates g * trust_coefficient * |p| / (|g| + eps), or g itself when either norm is 0. The decay is part of the
/// norm, as in the authors' release, so a weight whose loss gradient is zero shrinks at the full trust rate. Parameters
/// with one dimension or none (biases, BatchNorm) have neither decay nor adaptation.
class Lars final : public Optimizer {
 public:
  Lars(NamedTensors parameters, const LarsOptions& options = {});

 protected:
  void adapt(const torch::Tensor& parameter, torch::Tensor& gradient) const override;
  void adapt_all(const std::vector<torch::Tensor>& parameters, std::vector<torch::Tensor>& gradients) const override;

 private:
  LarsOptions options_;
};

}  // namespace soco
