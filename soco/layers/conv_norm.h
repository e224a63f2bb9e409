// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "soco/layers/grouped_batch_norm.h"
#include "soco/layers/norm_kind.h"

namespace soco {

struct ConvNormOptions {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel_size = 1;  // square; padding (kernel_size - 1) / 2, so stride 1 keeps the size
  std::int64_t stride = 1;
  NormKind norm = NormKind::kBatch;
};

/// Convolution without bias, then BatchNorm; or with bias and without BatchNorm. State keys as Detectron2's Conv2d:
/// `weight`, and `norm.*` or `bias`.
/// The weight starts as torch.nn.Conv2d's: uniform in +-1/sqrt(fan in), from libtorch's generator. The bias starts at
/// 0. Where BatchNorm goes by its running statistics (in eval mode, and frozen), it is one factor and one summand a
/// channel and is worked into the convolution, which saves a pass over its output. Without gradients the product is
/// kept until a weight or statistic changes: of small images it costs more than the convolutions.
struct ConvNormImpl : torch::nn::Module {
  explicit ConvNormImpl(const ConvNormOptions& options);

  /// input [N,in,H,W] -> [N,out,H',W'].
  torch::Tensor forward(const torch::Tensor& input, const NormCall& call = {});
  void train(bool on = true) override;

  ConvNormOptions options;
  torch::Tensor weight;     // [out,in,k,k]
  torch::Tensor bias;       // [out]; undefined with a norm
  BatchNorm norm{nullptr};  // null without

 private:
  /// The convolution's weight and bias, BatchNorm within, and of which versions of their parts they were made.
  struct Affine {
    torch::Tensor kernel, shift;
    std::vector<std::int64_t> versions;
  };
  Affine affine() const;
  std::vector<std::int64_t> versions() const;

  Affine kept_;
};
TORCH_MODULE(ConvNorm);

}  // namespace soco
