// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <vector>

#include "soco/layers/conv_norm.h"
#include "soco/modeling/detector_options.h"

namespace soco {

/// Detectron2's MaskRCNNConvUpsampleHead: 3x3 convolutions with ReLU, a 2x2 deconvolution of stride 2 with ReLU, and a
/// 1x1 convolution. Keys: mask_fcn{1..}.*, deconv.*, predictor.*. Start: Kaiming normal by fan out, the last N(0,
/// 0.001), biases 0.
struct MaskHeadImpl : torch::nn::Module {
  /// `mask_classes`: K, or 1 when one mask serves for all classes.
  MaskHeadImpl(const MaskHeadOptions& options, std::int64_t in_channels, std::int64_t mask_classes);
  /// pooled [B,C,r,r] -> logits [B,mask_classes,2r,2r].
  torch::Tensor forward(const torch::Tensor& pooled);
  std::vector<ConvNorm> convs;
  torch::nn::ConvTranspose2d deconv{nullptr};
  torch::nn::Conv2d predictor{nullptr};
};
TORCH_MODULE(MaskHead);

}  // namespace soco
