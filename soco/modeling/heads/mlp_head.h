// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>

#include "soco/layers/grouped_batch_norm.h"

namespace soco {

struct MlpHeadOptions {
  std::int64_t in_channels = 1024;
  std::int64_t hidden_channels = 4096;
  std::int64_t out_channels = 256;
  bool norm = true;
};

/// Linear, BatchNorm, ReLU, linear: SoCo's projector and predictor (BYOL's heads); without `norm` as MoCo v2's.
/// Keys: fc1.*, norm.*, fc2.*.
/// Start: libtorch's own for linear layers, from libtorch's generator.
struct MlpHeadImpl : torch::nn::Module {
  explicit MlpHeadImpl(const MlpHeadOptions& options);
  /// [B,in] -> [B,out].
  torch::Tensor forward(const torch::Tensor& input, const NormGroups& groups = {});
  /// The first half alone, [B,hidden]: for groups whose output nobody needs, only their BatchNorm statistics.
  torch::Tensor hidden(const torch::Tensor& input, const NormGroups& groups = {});
  torch::nn::Linear fc1{nullptr};
  BatchNorm norm{nullptr};  // null without norm
  torch::nn::Linear fc2{nullptr};
};
TORCH_MODULE(MlpHead);

}  // namespace soco
