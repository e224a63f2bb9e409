// SPDX-License-Identifier: MIT
#include "soco/data/synth_shape.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace soco {
namespace {

constexpr double kRadius = 40;

class ShapeFamilies : public ::testing::TestWithParam<int> {
 protected:
  Shape draw(std::uint64_t member) const {
    Rng rng(3, static_cast<std::uint64_t>(GetParam()), member, purpose::kSynth);
    return Shape::draw(static_cast<ShapeFamily>(GetParam()), kRadius, rng);
  }
};

TEST_P(ShapeFamilies, StayInsideTheirCircle) {
  for (std::uint64_t member = 0; member < 20; ++member) {
    const Shape shape = draw(member);
    EXPECT_FLOAT_EQ(shape.radius(), static_cast<float>(kRadius));
    for (int i = 0; i < 360; ++i) {
      const double angle = i * std::numbers::pi / 180;
      // 0.01 px beyond the circle, for float32 rounding of coordinates about 40.
      const double reach = kRadius + 0.01;
      EXPECT_GT(
          shape.distance(static_cast<float>(reach * std::cos(angle)), static_cast<float>(reach * std::sin(angle))), 0);
    }
  }
}

TEST_P(ShapeFamilies, CoverASizeablePartOfTheirCircle) {
  for (std::uint64_t member = 0; member < 20; ++member) {
    const Shape shape = draw(member);
    int inside = 0;
    for (int y = -40; y < 40; ++y) {
      for (int x = -40; x < 40; ++x) inside += shape.distance(x + 0.5F, y + 0.5F) <= 0 ? 1 : 0;
    }
    // The thinnest members (crescents, narrow triangles and crosses) cover about a tenth of the square of side 2 r.
    EXPECT_GT(inside, 80 * 80 / 16);
  }
}

TEST_P(ShapeFamilies, HaveADistanceInPixelsNearTheOutline) {
  // |d(p) - d(q)| <= |p - q| for a distance, with 1e-3 for float32; antialiasing rests on it within a few px. The
  // ellipse's first order one may be steeper by a quarter there.
  const float factor = static_cast<ShapeFamily>(GetParam()) == ShapeFamily::kEllipse ? 1.25F : 1.0F;
  for (std::uint64_t member = 0; member < 5; ++member) {
    const Shape shape = draw(member);
    for (float x = -45; x < 45; x += 1) {
      for (float y = -45; y < 45; y += 7) {
        const float d = shape.distance(x, y);
        if (std::abs(d) < 2) EXPECT_LE(std::abs(shape.distance(x + 0.25F, y) - d), 0.25F * factor + 1e-3F);
      }
    }
  }
}

TEST_P(ShapeFamilies, VaryFromMemberToMember) {
  const Shape a = draw(0), b = draw(1);
  double difference = 0;
  for (int i = 0; i < 100; ++i) {
    const float x = static_cast<float>(i % 10 * 8 - 36), y = static_cast<float>(i / 10 * 8 - 36);
    difference += std::abs(a.distance(x, y) - b.distance(x, y));
  }
  EXPECT_GT(difference / 100, 0.2);
}

INSTANTIATE_TEST_SUITE_P(All, ShapeFamilies, ::testing::Range(0, 12));

TEST(Shape, BoxHasStraightSides) {
  // Along a ray from the centre the distance of a convex shape rises through zero once.
  Rng rng(4, 0, 0, purpose::kSynth);
  const Shape box = Shape::draw(ShapeFamily::kBox, kRadius, rng);
  EXPECT_LT(box.distance(0, 0), 0);
  int changes = 0;
  bool inside = true;
  for (float r = 0; r < 60; r += 0.5F) {
    const bool now = box.distance(r * 0.6F, r * 0.8F) <= 0;
    changes += now != inside ? 1 : 0;
    inside = now;
  }
  EXPECT_EQ(changes, 1);
}

TEST(Shape, RingIsEmptyInTheMiddle) {
  Rng rng(5, 0, 0, purpose::kSynth);
  EXPECT_GT(Shape::draw(ShapeFamily::kRing, kRadius, rng).distance(0, 0), 0);
}

}  // namespace
}  // namespace soco
