// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <vector>

#include "soco/modeling/anchors.h"
#include "soco/modeling/detector_options.h"
#include "soco/modeling/detector_types.h"
#include "soco/modeling/matcher.h"

namespace soco {

/// 3x3 convolution and ReLU, then for each anchor of a cell the logit of "object" and four numbers of its box.
/// Keys: conv.*, objectness_logits.*, anchor_deltas.*. Start: N(0, 0.01), biases 0.
struct RpnHeadImpl : torch::nn::Module {
  RpnHeadImpl(std::int64_t in_channels, std::int64_t anchors_per_cell);
  torch::nn::Conv2d conv{nullptr}, objectness_logits{nullptr}, anchor_deltas{nullptr};
};
TORCH_MODULE(RpnHead);

/// What the proposal network says about each anchor, by level; A anchors on it.
struct RpnPredictions {
  std::vector<torch::Tensor> logits;   // [N,A]
  std::vector<torch::Tensor> deltas;   // [N,A,4]
  std::vector<torch::Tensor> anchors;  // [A,4] float64, CPU
};

enum class DetectorPhase { kTraining, kPrediction };

/// Region proposal network (Ren et al. 2015) as in Detectron2. Keys: rpn_head.*.
struct RpnImpl : torch::nn::Module {
  /// `strides`: of the feature maps, finest first. With one map, every anchor size is on it.
  RpnImpl(const RpnOptions& options, std::int64_t in_channels, std::vector<std::int64_t> strides);

  /// features, one [N,C,H,W] a level.
  RpnPredictions predict(const std::vector<torch::Tensor>& features);

  /// The proposals of each image, [P,4] of the predictions' dtype, CPU, clipped to the image, the likeliest first.
  /// Without gradient. Boxes that are not finite are dropped.
  std::vector<torch::Tensor> proposals(const RpnPredictions& predictions, const std::vector<ImageSize>& sizes,
                                       DetectorPhase phase) const;

  /// loss_rpn_cls: binary cross-entropy of the sampled anchors; loss_rpn_loc: their boxes, of objects alone; both
  /// divided by samples_per_image times the images.
  NamedLosses losses(const RpnPredictions& predictions, const std::vector<DetectorTarget>& targets,
                     const CandidateSampler& sampler) const;

  RpnOptions options;
  RpnHead rpn_head{nullptr};

 private:
  AnchorGrid grid_of(const std::vector<torch::Tensor>& features, std::size_t level) const;
  torch::Tensor image_proposals(const RpnPredictions& predictions, std::int64_t image, const ImageSize& size,
                                DetectorPhase phase) const;
  std::vector<std::int64_t> strides_;
  std::vector<std::vector<double>> level_sizes_;  // anchor sizes of each level
};
TORCH_MODULE(Rpn);

}  // namespace soco
