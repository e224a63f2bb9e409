// SPDX-License-Identifier: MIT
#pragma once
#include "soco/structures/box.h"

namespace soco {

/// A box as the release stores it: left, top, max_x - min_x, max_y - min_y over the region's pixels, so width and
/// height are one pixel short.
struct ReleaseBox {
  int x = 0, y = 0, w = 0, h = 0;
  bool operator==(const ReleaseBox&) const = default;
};

/// A box as the release reads it back: x2 = x + w - 1, y2 = y + h - 1, meant as inclusive corners, px of the image.
/// Together with ReleaseBox the last row and column of the region are lost.
struct Corners {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  bool operator==(const Corners&) const = default;
};

/// The release's (x, y, w, h) of a box with whole-number, exclusive bounds: w = x2 - 1 - x1.
inline ReleaseBox release_box_from_box(const Box& box) {
  return {.x = static_cast<int>(box.x1),
          .y = static_cast<int>(box.y1),
          .w = static_cast<int>(box.x2 - box.x1) - 1,
          .h = static_cast<int>(box.y2 - box.y1) - 1};
}

/// Inverse of release_box_from_box: the region's true bounds, exclusive.
inline Box box_from_release_box(const ReleaseBox& box) {
  return {.x1 = static_cast<float>(box.x),
          .y1 = static_cast<float>(box.y),
          .x2 = static_cast<float>(box.x + box.w + 1),
          .y2 = static_cast<float>(box.y + box.h + 1)};
}

/// The inclusive corners that the release's data loading sees for this box: x2 = x + w - 1 = x2_exclusive - 2.
inline Corners release_corners_from_box(const Box& box) {
  return {.x1 = box.x1, .y1 = box.y1, .x2 = box.x2 - 2, .y2 = box.y2 - 2};
}

}  // namespace soco
