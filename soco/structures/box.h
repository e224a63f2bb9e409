// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>

namespace soco {

/// An axis-aligned rectangle: xyxy, pixels, continuous, x2 and y2 exclusive (pixel i covers [i, i + 1)).
struct Box {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;

  float width() const { return x2 - x1; }
  float height() const { return y2 - y1; }

  /// 0 when a side is negative.
  float area() const { return std::max(width(), 0.0f) * std::max(height(), 0.0f); }

  bool operator==(const Box&) const = default;
};

/// The common part; a Box with width or height <= 0 when there is none.
inline Box intersection(const Box& a, const Box& b) {
  return {std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
}

/// Area of the common part over the area of the union, in [0, 1]; 0 when both are empty.
inline float iou(const Box& a, const Box& b) {
  const float common = intersection(a, b).area();
  const float joint = a.area() + b.area() - common;
  return joint > 0 ? common / joint : 0.0f;
}

}  // namespace soco
