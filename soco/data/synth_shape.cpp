// SPDX-License-Identifier: MIT
#include "soco/data/synth_shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace soco {
namespace {

constexpr double kTau = 2 * std::numbers::pi;

}  // namespace

void Shape::set_polygon(std::vector<Point> unit, double squash, Rng& rng) {
  float reach = 0;
  for (Point& point : unit) {
    point.y *= static_cast<float>(squash);
    reach = std::max(reach, std::hypot(point.x, point.y));
  }
  rounding_ = radius_ * static_cast<float>(rng.uniform(0.0, 0.08));
  const float scale = (radius_ - rounding_) / reach;
  for (Point& point : unit) point = {point.x * scale, point.y * scale};
  polygon_ = std::move(unit);
}

Shape Shape::draw(ShapeFamily family, double radius, Rng& rng) {
  Shape shape;
  shape.radius_ = static_cast<float>(radius);
  const double turn = rng.uniform(0.0, kTau);
  shape.cos_ = static_cast<float>(std::cos(turn));
  shape.sin_ = static_cast<float>(std::sin(turn));

  // Corners on a circle, each `radius_of(i)` from the centre, with a little angular disorder.
  const auto around = [&](int count, double disorder, auto radius_of) {
    std::vector<Point> points;
    for (int i = 0; i < count; ++i) {
      const double angle = kTau * (i + rng.uniform(-disorder, disorder)) / count;
      const double r = radius_of(i);
      points.push_back({static_cast<float>(r * std::cos(angle)), static_cast<float>(r * std::sin(angle))});
    }
    return points;
  };
  const auto ellipse = [&](double aspect) {
    shape.kind_ = Kind::kEllipse;
    shape.a_ = shape.radius_;
    shape.b_ = static_cast<float>(radius * aspect);
  };

  switch (family) {
    case ShapeFamily::kDisc:
      ellipse(rng.uniform(0.85, 1.0));
      break;
    case ShapeFamily::kEllipse:
      ellipse(rng.uniform(0.35, 0.65));
      break;
    case ShapeFamily::kBox:
      shape.set_polygon({{-1, -1}, {1, -1}, {1, 1}, {-1, 1}}, rng.uniform(0.4, 1.0), rng);
      break;
    case ShapeFamily::kTriangle:
      shape.set_polygon(around(3, 0.18, [](int) { return 1.0; }), rng.uniform(0.65, 1.0), rng);
      break;
    case ShapeFamily::kStar: {
      const int points = 4 + static_cast<int>(rng.uniform_int(5));
      const double inner = rng.uniform(0.38, 0.6);
      shape.set_polygon(around(2 * points, 0.08, [&](int i) { return i % 2 == 0 ? 1.0 : inner; }),
                        rng.uniform(0.75, 1.0), rng);
      break;
    }
    case ShapeFamily::kRing: {
      shape.kind_ = Kind::kRing;
      shape.b_ = static_cast<float>(radius * rng.uniform(0.12, 0.25));  // half thickness
      shape.a_ = shape.radius_ - shape.b_;
      break;
    }
    case ShapeFamily::kCross: {
      const float arm = static_cast<float>(rng.uniform(0.2, 0.42)), other = static_cast<float>(rng.uniform(0.2, 0.42));
      shape.set_polygon({{-arm, -1},
                         {arm, -1},
                         {arm, -other},
                         {1, -other},
                         {1, other},
                         {arm, other},
                         {arm, 1},
                         {-arm, 1},
                         {-arm, other},
                         {-1, other},
                         {-1, -other},
                         {-arm, -other}},
                        rng.uniform(0.7, 1.0), rng);
      break;
    }
    case ShapeFamily::kLShape: {
      const float x = static_cast<float>(rng.uniform(-0.5, 0.0)), y = static_cast<float>(rng.uniform(0.0, 0.5));
      shape.set_polygon({{-1, -1}, {x, -1}, {x, y}, {1, y}, {1, 1}, {-1, 1}}, rng.uniform(0.7, 1.0), rng);
      break;
    }
    case ShapeFamily::kCrescent: {
      shape.kind_ = Kind::kCrescent;
      shape.a_ = shape.radius_;
      shape.b_ = static_cast<float>(radius * rng.uniform(0.75, 1.0));  // radius of the bite
      shape.c_ = static_cast<float>(radius * rng.uniform(0.4, 0.65));  // its centre's offset
      break;
    }
    case ShapeFamily::kHexagon: {
      const int corners = 5 + static_cast<int>(rng.uniform_int(3));
      shape.set_polygon(around(corners, 0.06, [](int) { return 1.0; }), rng.uniform(0.7, 1.0), rng);
      break;
    }
    case ShapeFamily::kArrow: {
      const float neck = static_cast<float>(rng.uniform(-0.1, 0.4)), shaft = static_cast<float>(rng.uniform(0.2, 0.4));
      shape.set_polygon(
          {{-1, -shaft}, {neck, -shaft}, {neck, -0.85F}, {1, 0}, {neck, 0.85F}, {neck, shaft}, {-1, shaft}},
          rng.uniform(0.7, 1.0), rng);
      break;
    }
    case ShapeFamily::kBlob: {
      const double first = rng.uniform(0.0, kTau), second = rng.uniform(0.0, kTau), third = rng.uniform(0.0, kTau);
      const double depth = rng.uniform(0.12, 0.25);
      const auto wave = [&](int i) {
        const double angle = kTau * i / 24;
        return 1 + depth * (std::sin(2 * angle + first) + std::sin(3 * angle + second) + std::sin(5 * angle + third));
      };
      shape.set_polygon(around(24, 0.0, wave), rng.uniform(0.7, 1.0), rng);
      break;
    }
  }
  return shape;
}

float Shape::polygon_distance(float x, float y) const {
  float best = 1e30F;
  bool inside = false;
  Point from = polygon_.back();
  for (const Point to : polygon_) {
    const float ex = to.x - from.x, ey = to.y - from.y, px = x - from.x, py = y - from.y;
    const float along = std::clamp((px * ex + py * ey) / (ex * ex + ey * ey), 0.0F, 1.0F);
    const float dx = px - along * ex, dy = py - along * ey;
    best = std::min(best, dx * dx + dy * dy);
    // Even-odd rule: the half-open comparison counts a corner at height y once.
    if ((from.y > y) != (to.y > y) && (px * ey - py * ex < 0) == (ey < 0)) inside = !inside;
    from = to;
  }
  const float distance = std::sqrt(best);
  return inside ? -distance : distance;
}

float Shape::distance(float x, float y) const {
  const float u = cos_ * x + sin_ * y, v = cos_ * y - sin_ * x;
  switch (kind_) {
    case Kind::kPolygon:
      return polygon_distance(u, v) - rounding_;
    case Kind::kRing:
      return std::abs(std::sqrt(u * u + v * v) - a_) - b_;
    case Kind::kCrescent: {
      const float outer = std::sqrt(u * u + v * v) - a_;
      const float bite = b_ - std::sqrt((u - c_) * (u - c_) + v * v);
      return std::max(outer, bite);
    }
    case Kind::kEllipse: {
      // f/|grad f| of f = |(u/a, v/b)|: first order at the outline.
      const float level = std::sqrt(u * u / (a_ * a_) + v * v / (b_ * b_));
      const float slope = std::sqrt(u * u / (a_ * a_ * a_ * a_) + v * v / (b_ * b_ * b_ * b_));
      return slope > 0 ? level * (level - 1) / slope : -b_;
    }
  }
  return 0;
}

}  // namespace soco
