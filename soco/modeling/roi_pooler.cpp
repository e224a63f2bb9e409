// SPDX-License-Identifier: MIT
#include "soco/modeling/roi_pooler.h"

#include <torch/torch.h>

#include <vector>

#include "soco/base/error.h"
#include "soco/layers/roi_align.h"

namespace soco {
namespace {

constexpr std::int64_t kCanonicalLevel = 2;  // P4
constexpr double kLevelEps = 1e-8;           // before the logarithm, as Detectron2

// Rows [B,...] whose level is l come from pool(l, their indices); the result is in the order of `levels` (CPU). Levels
// without rows are left out, unless takes_empty(l).
template <class TakesEmpty, class Pool>
torch::Tensor pool_by_level(const torch::Tensor& levels, std::int64_t num_levels, torch::Device device,
                            const TakesEmpty& takes_empty, const Pool& pool) {
  std::vector<torch::Tensor> pooled, rows;
  for (std::int64_t level = 0; level < num_levels; ++level) {
    const torch::Tensor index = torch::nonzero(levels == level).squeeze(1);
    if (index.size(0) == 0 && !takes_empty(level)) continue;
    pooled.push_back(pool(level, index.to(device)));
    rows.push_back(index);
  }
  if (pooled.empty()) fail("there are no boxes to pool");
  if (pooled.size() == 1) return pooled[0];
  return torch::cat(pooled).index_select(0, torch::argsort(torch::cat(rows)).to(device));
}

}  // namespace

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
  const auto is_defined = [&](std::int64_t level) { return features[level].defined(); };
  const auto pool = [&](std::int64_t level, const torch::Tensor& rows) {
    if (!is_defined(level)) fail("boxes sit on pyramid level P{}, which was not computed", level + 2);
    return pool_level(features[level], boxes.index_select(0, rows), image_indices.index_select(0, rows), resolution);
  };
  return pool_by_level(own_level, kNumLevels, boxes.device(), is_defined, pool);
}

torch::Tensor pyramid_levels(const torch::Tensor& boxes, double canonical_size) {
  const torch::Tensor b = boxes.detach().to(torch::kCPU, torch::kFloat64);
  const torch::Tensor sides = ((b.select(1, 2) - b.select(1, 0)) * (b.select(1, 3) - b.select(1, 1))).sqrt();
  const torch::Tensor level = torch::floor(kCanonicalLevel + torch::log2(sides / canonical_size + kLevelEps));
  return level.clamp(0, kNumLevels - 1).to(torch::kInt64);
}

torch::Tensor pool_detections(const std::vector<torch::Tensor>& features, const torch::Tensor& boxes,
                              const torch::Tensor& image_indices, const torch::Tensor& levels, std::int64_t resolution,
                              const DetectionPooling& pooling) {
  if (boxes.size(0) == 0) return features[0].new_zeros({0, features[0].size(1), resolution, resolution});
  const torch::Tensor rois = torch::cat({image_indices.to(boxes.scalar_type()).unsqueeze(1), boxes}, 1);
  const auto never = [](std::int64_t) { return false; };
  const auto pool = [&](std::int64_t level, const torch::Tensor& rows) {
    return roi_align(features[level], rois.index_select(0, rows), 1.0 / static_cast<double>(pooling.strides[level]),
                     resolution, resolution, pooling.sampling_ratio, pooling.aligned);
  };
  return pool_by_level(levels, static_cast<std::int64_t>(features.size()), boxes.device(), never, pool);
}

}  // namespace soco
