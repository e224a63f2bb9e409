// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "soco/modeling/backbone/resnet.h"

namespace soco {

/// rois [B,5] for `roi_align` in px of a feature map of height x width, from boxes [B,4] in [0,1] of the view and
/// image indices [B] int64.
torch::Tensor rois_from_boxes(const torch::Tensor& boxes, const torch::Tensor& image_indices, std::int64_t height,
                              std::int64_t width);

/// Boxes [B,4] (xyxy in [0,1] of the view) of images [B], pooled from one feature map [N,C,H,W]: [B,C,r,r] float32.
/// RoIAlign, aligned, adaptive sampling (SoCo section 3.2). Without a resolution r the whole map of each box's image.
torch::Tensor pool_level(const torch::Tensor& features, const torch::Tensor& boxes, const torch::Tensor& image_indices,
                         std::optional<std::int64_t> resolution);

/// Each box pooled from its own level: `levels` [B] int64 on the CPU, 0..3 = P2..P5; -1 is pooled from the coarsest
/// level. Rows keep the boxes' order. Levels that no box uses may be undefined in `features`; one that is defined
/// belongs to the graph all the same, with a gradient of zero.
torch::Tensor pool_assigned(const FeatureMaps& features, const torch::Tensor& boxes, const torch::Tensor& image_indices,
                            const torch::Tensor& levels, std::optional<std::int64_t> resolution);

/// The pyramid level of each box [B,4] in px: 0 (P2) .. 3 (P5), by floor(4 + log2(sqrt(area) / canonical_size)) - 2
/// (Lin et al. 2017, equation 1, where canonical_size is 224 px). [B] int64 on the CPU.
torch::Tensor pyramid_levels(const torch::Tensor& boxes, double canonical_size);

/// How a detector pools; strides of its maps, finest first.
struct DetectionPooling {
  std::vector<std::int64_t> strides;
  std::int64_t sampling_ratio = 0;
  bool aligned = true;
};

/// Boxes [B,4] in px of images [B] int64, each pooled from its own map: `levels` [B] int64 on the CPU. [B,C,r,r] in the
/// order of the boxes; B may be 0.
torch::Tensor pool_detections(const std::vector<torch::Tensor>& features, const torch::Tensor& boxes,
                              const torch::Tensor& image_indices, const torch::Tensor& levels, std::int64_t resolution,
                              const DetectionPooling& pooling);

}  // namespace soco
