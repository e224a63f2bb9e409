// SPDX-License-Identifier: MIT
#include "soco/proposals/random_boxes.h"

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"

namespace soco {
namespace {

/// The box whose centre the release draws: it keeps the lower right quarter.
Box lower_right_quarter(int x, int y, int w, int h, int height, int width) {
  const int center_x = x + w / 2, center_y = y + h / 2;
  return {static_cast<float>(center_x), static_cast<float>(center_y),
          static_cast<float>(std::min(center_x + w / 2, width)),
          static_cast<float>(std::min(center_y + h / 2, height))};
}

}  // namespace

void RandomBoxOptions::validate() const {
  if (min_size_ratio > max_size_ratio) {
    fail_usage("min_size_ratio = {} is greater than max_size_ratio = {}", min_size_ratio, max_size_ratio);
  }
}

std::vector<Box> random_boxes(int height, int width, const RandomBoxOptions& o, Rng& rng) {
  SOCO_ASSERT(height > 0 && width > 0);
  const double image_side = std::sqrt(static_cast<double>(height) * width);
  std::vector<Box> boxes;
  for (int i = 0; i < o.num_tries; ++i) {
    const double side = rng.uniform(o.min_size_ratio, o.max_size_ratio) * image_side;
    const double ratio = rng.uniform(1 / o.max_ratio, o.max_ratio);
    const double w = std::round(side * std::sqrt(ratio)), h = std::round(side / std::sqrt(ratio));
    // Drawn in any case, so that the boxes that fit do not depend on those that do not.
    const double place_x = rng.uniform(), place_y = rng.uniform();
    if (w < o.min_side || h < o.min_side || w > width || h > height) continue;
    const int x = static_cast<int>(place_x * (width - w + 1)), y = static_cast<int>(place_y * (height - h + 1));
    if (o.from_center) {
      boxes.push_back(lower_right_quarter(x, y, static_cast<int>(w), static_cast<int>(h), height, width));
      if (boxes.back().width() < 1 || boxes.back().height() < 1) boxes.pop_back();
    } else {
      boxes.push_back(
          {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w), static_cast<float>(y + h)});
    }
  }
  if (boxes.empty()) boxes.push_back({0, 0, static_cast<float>(width), static_cast<float>(height)});
  return boxes;
}

}  // namespace soco
