// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "soco/base/random.h"

namespace soco {

/// Outline families of the synthetic scenes, one per category, in category order.
enum class ShapeFamily {
  kDisc,
  kBox,
  kTriangle,
  kStar,
  kRing,
  kCross,
  kLShape,
  kEllipse,
  kCrescent,
  kHexagon,
  kArrow,
  kBlob,
};

/// One outline about the origin, known by its signed distance. Rotation, aspect, corner rounding and the family's own
/// proportions are drawn at random, so that no two members of a family are alike.
class Shape {
 public:
  /// A member of `family` that fits in the circle of `radius` px.
  static Shape draw(ShapeFamily family, double radius, Rng& rng);

  /// Distance to the outline in px, negative inside; exact for polygons, discs, rings and crescents near the outline,
  /// first order for ellipses. (x, y) in px from the centre.
  float distance(float x, float y) const;

  /// Everything inside the outline lies within this distance of the origin, px.
  float radius() const { return radius_; }

 private:
  struct Point {
    float x, y;
  };
  enum class Kind { kPolygon, kEllipse, kRing, kCrescent };

  float polygon_distance(float x, float y) const;
  void set_polygon(std::vector<Point> unit, double squash, Rng& rng);

  Kind kind_ = Kind::kPolygon;
  float radius_ = 0;
  float cos_ = 1, sin_ = 0;      // rotation of the picture into the shape's own axes
  float a_ = 0, b_ = 0, c_ = 0;  // by kind: half axes; radius and half thickness; bite radius and its offset
  float rounding_ = 0;
  std::vector<Point> polygon_;  // px, shape's own axes
};

}  // namespace soco
