// SPDX-License-Identifier: MIT
// Polygons to masks. COCO's tools draw the outline point by point on a grid of fifths of a pixel (corner c goes to
// int(5 c + 0.5)) and cut column n at the points between grid columns 5n + 2 and 5n + 3, its centre. Here each side of
// the polygon is asked for those points alone. The arithmetic, in float64 with int() towards 0, is theirs.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "soco/base/error.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

constexpr double kMaxCoordinate = 1e9;
constexpr std::int64_t kGrid = 5;

struct GridPoint {
  std::int64_t x, y;
};

GridPoint on_grid(double x, double y) {
  if (!(std::abs(x) <= kMaxCoordinate && std::abs(y) <= kMaxCoordinate)) {
    fail("a polygon's corner at ({}, {}), which no image reaches", x, y);
  }
  return {static_cast<std::int64_t>(kGrid * x + 0.5), static_cast<std::int64_t>(kGrid * y + 0.5)};
}

/// Collects the places, counted along the columns, at which the outline enters or leaves the object.
class Outline {
 public:
  Outline(int height, int width) : height_(height), width_(width) {}

  void add_side(GridPoint from, GridPoint to) {
    const std::int64_t dx = std::abs(from.x - to.x), dy = std::abs(from.y - to.y);
    if (dx == 0) return;
    // Both ways along a side give the same points: it is drawn in the direction in which its longer extent grows.
    if (dx >= dy ? from.x > to.x : from.y > to.y) std::swap(from, to);
    const std::int64_t left = std::min(from.x, to.x), right = std::max(from.x, to.x);
    std::int64_t column = left <= 2 ? 0 : (left + kGrid - 3) / kGrid;  // the first n with 5n + 2 >= left
    const std::int64_t last = std::min<std::int64_t>(width_ - 1, right < 3 ? -1 : (right - 3) / kGrid);
    for (; column <= last; ++column) {
      dx >= dy ? cut_flat(from, to, column) : cut_steep(from, to, column);
    }
  }

  /// Runs between the places in ascending order; two at one place undo each other.
  MaskRle mask() {
    std::sort(places_.begin(), places_.end());
    std::vector<std::int64_t> counts;
    std::int64_t before = 0;
    for (const std::int64_t place : places_) {
      counts.push_back(place - before);
      before = place;
    }
    counts.push_back(static_cast<std::int64_t>(height_) * width_ - before);
    return mask_from_counts(height_, width_, counts);
  }

 private:
  /// One point for each grid column.
  void cut_flat(GridPoint from, GridPoint to, std::int64_t column) {
    const double slope = static_cast<double>(to.y - from.y) / static_cast<double>(to.x - from.x);
    const std::int64_t t = kGrid * column + 2 - from.x;
    const auto y = [&](std::int64_t i) {
      return static_cast<std::int64_t>(static_cast<double>(from.y) + slope * static_cast<double>(i) + 0.5);
    };
    add(column, std::min(y(t), y(t + 1)));
  }

  /// One point for each grid row: the one after which the grid column passes the centre.
  void cut_steep(GridPoint from, GridPoint to, std::int64_t column) {
    const std::int64_t length = to.y - from.y, centre = kGrid * column + 2;
    const double slope = static_cast<double>(to.x - from.x) / static_cast<double>(length);
    const auto x = [&](std::int64_t i) {
      return static_cast<std::int64_t>(static_cast<double>(from.x) + slope * static_cast<double>(i) + 0.5);
    };
    const auto passed = [&](std::int64_t i) { return slope > 0 ? x(i) > centre : x(i) <= centre; };
    const double guess = (static_cast<double>(centre - from.x) + 0.5) / slope;
    std::int64_t t = std::clamp(static_cast<std::int64_t>(guess), std::int64_t{0}, length);
    while (t > 0 && passed(t)) --t;
    while (t < length && !passed(t + 1)) ++t;
    if (t < length && !passed(t)) add(column, from.y + t);
  }

  void add(std::int64_t column, std::int64_t grid_row) {
    const double row = (static_cast<double>(grid_row) + 0.5) / kGrid - 0.5;
    const double clamped = std::ceil(std::clamp(row, 0.0, static_cast<double>(height_)));
    places_.push_back(column * height_ + static_cast<std::int64_t>(clamped));
  }

  int height_, width_;
  std::vector<std::int64_t> places_;
};

MaskRle mask_of_polygon(int height, int width, const Polygon& polygon) {
  if (polygon.size() < 6 || polygon.size() % 2 != 0) {
    fail("a polygon of {} numbers; expected x, y of at least 3 corners", polygon.size());
  }
  std::vector<GridPoint> corners;
  for (std::size_t i = 0; i < polygon.size(); i += 2) corners.push_back(on_grid(polygon[i], polygon[i + 1]));
  Outline outline(height, width);
  for (std::size_t i = 0; i < corners.size(); ++i) outline.add_side(corners[i], corners[(i + 1) % corners.size()]);
  return outline.mask();
}

}  // namespace

MaskRle mask_from_polygons(int height, int width, std::span<const Polygon> polygons) {
  SOCO_ASSERT(!polygons.empty());
  std::vector<MaskRle> masks;
  masks.reserve(polygons.size());
  for (const Polygon& polygon : polygons) masks.push_back(mask_of_polygon(height, width, polygon));
  return merge_masks(masks, MaskOperation::kUnion);
}

}  // namespace soco
