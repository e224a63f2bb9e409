// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <memory>
#include <vector>

#include "soco/distributed/communicator.h"
#include "soco/layers/box_ops.h"
#include "soco/modeling/detector_options.h"
#include "soco/modeling/detector_types.h"
#include "soco/modeling/heads/box_head.h"
#include "soco/modeling/heads/box_predictor.h"
#include "soco/modeling/heads/mask_head.h"
#include "soco/modeling/matcher.h"
#include "soco/modeling/roi_pooler.h"

namespace soco {

/// Regions of a batch's images, one image after the other.
struct RegionBatch {
  torch::Tensor boxes;          // [R,4] on the detector's device, of its features' dtype, px of the padded images
  torch::Tensor image_indices;  // [R] int64, on the device
  torch::Tensor levels;         // [R] int64, CPU: index of the feature map
};

/// Second stage of Faster and Mask R-CNN. Keys: box_head.* (pyramid) or res5.* (C4), box_predictor.*, mask_head.*.
struct RoiHeadsImpl : torch::nn::Module {
  /// `strides`: of the feature maps it pools from.
  RoiHeadsImpl(const DetectorOptions& options, std::int64_t num_classes, std::int64_t in_channels,
               std::vector<std::int64_t> strides);

  struct Training {
    NamedLosses losses;  // loss_cls, loss_box_reg, loss_mask (with a mask branch and a mask among the targets)
    NamedFigures figures;
  };
  /// Draws regions from `proposals` (of each image, [P,4], CPU) and the objects themselves, and compares what the heads
  /// say of them: cross-entropy over the classes, mean; boxes of objects, summed and divided by the number of regions;
  /// masks of objects, mean binary cross-entropy of the object's class. With several ranks the mean over the ranks of
  /// each loss is that of the whole batch.
  Training train_on(const std::vector<torch::Tensor>& features, const std::vector<torch::Tensor>& proposals,
                    const std::vector<DetectorTarget>& targets, const CandidateSampler& sampler);

  /// Detections of each image from its proposals. No gradient.
  std::vector<DetectorDetections> detect(const std::vector<torch::Tensor>& features,
                                         const std::vector<torch::Tensor>& proposals,
                                         const std::vector<ImageSize>& sizes);

  std::shared_ptr<RoiHeadImpl> box_head;
  BoxPredictor box_predictor{nullptr};
  MaskHead mask_head{nullptr};           // null without masks
  Communicator* communicator = nullptr;  // not owned; null: one process

 private:
  RegionBatch regions(const std::vector<torch::Tensor>& boxes, const torch::Tensor& features) const;
  torch::Tensor pool(const std::vector<torch::Tensor>& features, const RegionBatch& regions,
                     std::int64_t resolution) const;
  torch::Tensor mask_logits(const std::vector<torch::Tensor>& features, const RegionBatch& regions,
                            const torch::Tensor& classes);
  /// What losses are divided by: the numbers of regions and masks of the batch, shared evenly by the ranks.
  struct SampleCounts {
    double regions, masks;
  };
  SampleCounts counts_per_rank(std::int64_t regions, std::int64_t masks) const;
  DetectorDetections image_detections(const torch::Tensor& proposals, const torch::Tensor& probabilities,
                                      const torch::Tensor& deltas, const ImageSize& size) const;

  DetectorOptions options_;
  std::int64_t num_classes_;
  DetectionPooling pooling_;
  BoxCoder coder_;
  Res5Head res5_{nullptr};  // box_head of C4, for its map
};
TORCH_MODULE(RoiHeads);

}  // namespace soco
