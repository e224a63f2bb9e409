// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>

namespace soco {

/// Detectron2's FastRCNNOutputLayers: class logits and boxes from the vector of a region. Keys: cls_score.*,
/// bbox_pred.*. Start: N(0, 0.01) and N(0, 0.001), biases 0.
struct BoxPredictorImpl : torch::nn::Module {
  /// `box_classes`: K, or 1 when one box serves for all classes.
  BoxPredictorImpl(std::int64_t in_channels, std::int64_t num_classes, std::int64_t box_classes);
  torch::nn::Linear cls_score{nullptr};  // [B,K+1] logits, background last
  torch::nn::Linear bbox_pred{nullptr};  // [B,4*box_classes]
};
TORCH_MODULE(BoxPredictor);

}  // namespace soco
