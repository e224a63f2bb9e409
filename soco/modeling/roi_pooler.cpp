// SPDX-License-Identifier: MIT
#include "soco/modeling/roi_pooler.h"

#include <torch/torch.h>

#include <vector>

#include "soco/base/error.h"
#include "soco/layers/roi_align.h"

namespace soco {

torch::Tensor rois_from_boxes(const torch::Tensor& boxes, const torch::Tensor& image_indices, std::int64_t height,
                              std::int64_t width) {
  const torch::Tensor scale = torch::tensor({width, height, width, height}, boxes.options());
  return torch::cat({image_indices.to(boxes.scalar_type()).unsqueeze(1), boxes * scale}, 1);
}

torch::Tensor pool_level(const torch::Tensor& features, const torch::Tensor& boxes, const torch::Tensor& image_indices,
                         std::optional<std::int64_t> resolution) {
  if (!resolution) return features.index_select(0, image_indices);
  const torch::Tensor rois = rois_from_boxes(boxes, image_indices, features.size(2), features.size(3));
  return roi_align(features, rois, /*spatial_scale=*/1.0, *resolution, *resolution, /*sampling_ratio=*/0,
                   /*aligned=*/true);
}

torch::Tensor pool_assigned(const FeatureMaps& features, const torch::Tensor& boxes, const torch::Tensor& image_indices,
                            const torch::Tensor& levels, std::optional<std::int64_t> resolution) {
  const torch::Tensor own_level = torch::where(levels < 0, torch::full_like(levels, kNumLevels - 1), levels);
  std::vector<torch::Tensor> pooled, rows;
  for (int level = 0; level < kNumLevels; ++level) {
    const torch::Tensor index = torch::nonzero(own_level == level).squeeze(1);
    if (index.size(0) == 0) continue;
    if (!features[level].defined()) fail("boxes sit on pyramid level P{}, which was not computed", level + 2);
    const torch::Tensor on_device = index.to(boxes.device());
    pooled.push_back(pool_level(features[level], boxes.index_select(0, on_device),
                                image_indices.index_select(0, on_device), resolution));
    rows.push_back(index);
  }
  if (pooled.empty()) fail("there are no boxes to pool");
  return torch::cat(pooled).index_select(0, torch::argsort(torch::cat(rows)).to(boxes.device()));
}

}  // namespace soco
