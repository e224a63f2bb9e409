// SPDX-License-Identifier: MIT
#include "soco/proposals/box_grid.h"

#include <cmath>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr double kMaxBoxes = 1 << 20;

/// How many intervals of a box of this side lie between the edges, so that none exceeds the stride.
double num_steps(double side, double image_side, double stride) {
  return std::ceil((image_side - side) / std::max(1.0, stride * side));
}

}  // namespace

void BoxGridOptions::validate() const {
  if (sizes.empty()) fail_usage("sizes: give at least one");
  if (ratios.empty()) fail_usage("ratios: give at least one");
}

std::vector<Box> box_grid(int height, int width, const BoxGridOptions& o) {
  SOCO_ASSERT(height > 0 && width > 0);
  const double image_side = std::sqrt(static_cast<double>(height) * width);
  std::vector<Box> boxes;
  for (const double size : o.sizes) {
    for (const double ratio : o.ratios) {
      const double w = std::round(size * image_side * std::sqrt(ratio));
      const double h = std::round(size * image_side / std::sqrt(ratio));
      if (w < 1 || h < 1 || w > width || h > height) continue;
      const double steps_x = num_steps(w, width, o.stride), steps_y = num_steps(h, height, o.stride);
      if (static_cast<double>(boxes.size()) + (steps_x + 1) * (steps_y + 1) > kMaxBoxes) {
        fail("grid: more than {} boxes for an image of {} x {} pixels; raise the stride or the sizes", kMaxBoxes, width,
             height);
      }
      const auto place = [](double i, double steps, double room) {
        return steps > 0 ? std::round(room * i / steps) : 0;
      };
      for (double row = 0; row <= steps_y; ++row) {
        for (double column = 0; column <= steps_x; ++column) {
          const double x = place(column, steps_x, width - w), y = place(row, steps_y, height - h);
          boxes.push_back(
              {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w), static_cast<float>(y + h)});
        }
      }
    }
  }
  if (boxes.empty()) boxes.push_back({0, 0, static_cast<float>(width), static_cast<float>(height)});
  return boxes;
}

}  // namespace soco
