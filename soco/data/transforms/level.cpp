// SPDX-License-Identifier: MIT
#include "soco/data/transforms/level.h"

#include <algorithm>
#include <cmath>

namespace soco {
namespace {

// The release's order of operations, divide then multiply, since the truncation that follows shows the last bit.
double truncated(double value, int crop_extent, int view_size) { return std::trunc(value / crop_extent * view_size); }

}  // namespace

int level_of_box(const IdBox& box, const CropRect& crop, int view_size, const std::vector<double>& thresholds) {
  if (thresholds.empty()) return 0;
  const double width = truncated(box.x2, crop.width, view_size) - truncated(box.x1, crop.width, view_size) + 1.0;
  const double height = truncated(box.y2, crop.height, view_size) - truncated(box.y1, crop.height, view_size) + 1.0;
  const double size = std::sqrt(height * width);
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    if (size <= thresholds[i]) return static_cast<int>(i);
  }
  return kNoLevel;
}

int detectron2_level_of_box(const IdBox& box, const CropRect& crop, int view_size) {
  const double width = (box.x2 - box.x1) / crop.width * view_size;
  const double height = (box.y2 - box.y1) / crop.height * view_size;
  const double level = std::floor(4 + std::log2(std::sqrt(std::max(width * height, 0.0)) / 224 + 1e-8));
  return static_cast<int>(std::clamp(level, 2.0, 5.0)) - 2;
}

}  // namespace soco
