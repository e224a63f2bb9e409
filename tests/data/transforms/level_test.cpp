// SPDX-License-Identifier: MIT
#include "soco/data/transforms/level.h"

#include <gtest/gtest.h>

namespace soco {
namespace {

const std::vector<double> kThresholds{48, 96, 192, 224};
constexpr CropRect kSameSize{0, 0, 224, 224};  // crop and view of one size: no scaling

int level_of_square(double side, double x = 0) {
  return level_of_box({x, x, x + side - 1, x + side - 1, 1}, kSameSize, 224, kThresholds);
}

TEST(LevelOfBox, ChangesJustAboveEachThreshold) {
  EXPECT_EQ(level_of_square(1), 0);
  EXPECT_EQ(level_of_square(48), 0);
  EXPECT_EQ(level_of_square(49), 1);
  EXPECT_EQ(level_of_square(96), 1);
  EXPECT_EQ(level_of_square(97), 2);
  EXPECT_EQ(level_of_square(192), 2);
  EXPECT_EQ(level_of_square(193), 3);
  EXPECT_EQ(level_of_square(224), 3);
  EXPECT_EQ(level_of_square(225), kNoLevel);
}

TEST(LevelOfBox, TruncatesCornersBeforeMeasuring) {
  // 0.9 .. 48.9 becomes 0 .. 48, 49 pixels; 1.0 .. 48.9 becomes 1 .. 48, 48 pixels.
  EXPECT_EQ(level_of_box({0.9, 0.9, 48.9, 48.9, 1}, kSameSize, 224, kThresholds), 1);
  EXPECT_EQ(level_of_box({1.0, 1.0, 48.9, 48.9, 1}, kSameSize, 224, kThresholds), 0);
}

TEST(LevelOfBox, MeasuresInTheResizedView) {
  // 200 px of a 448 px crop are 99.6 px of the 224 px view (P4) and 49.8 px of the 112 px view (P3).
  const CropRect crop{50, 60, 448, 448};
  const IdBox box{0, 0, 199, 199, 1};
  EXPECT_EQ(level_of_box(box, crop, 224, kThresholds), 2);
  EXPECT_EQ(level_of_box(box, crop, 112, kThresholds), 1);
}

TEST(LevelOfBox, TakesTheGeometricMeanOfTheSides) {
  // 24 x 96: sqrt = 48.
  EXPECT_EQ(level_of_box({0, 0, 23, 95, 1}, kSameSize, 224, kThresholds), 0);
  EXPECT_EQ(level_of_box({0, 0, 24, 95, 1}, kSameSize, 224, kThresholds), 1);
}

TEST(LevelOfBox, IsZeroWithoutThresholds) { EXPECT_EQ(level_of_box({0, 0, 223, 223, 1}, kSameSize, 224, {}), 0); }

TEST(Detectron2LevelOfBox, IsTheFloorOfLog2AboveCanonicalSize) {
  const auto level = [](double width, double height, int view_size = 224) {
    return detectron2_level_of_box({10, 20, 10 + width, 20 + height, 1}, kSameSize, view_size);
  };
  EXPECT_EQ(level(111.9, 111.9), 0);  // P2 below half of 224
  EXPECT_EQ(level(112, 112), 1);
  EXPECT_EQ(level(56, 224), 1);  // by area: sqrt(56 * 224) = 112
  EXPECT_EQ(level(223.9, 223.9), 1);
  EXPECT_EQ(level(224, 224), 2);
  EXPECT_EQ(level(0, 50), 0);
  EXPECT_EQ(level(224, 224, 448), 3);  // 448 px of a view twice as large: P5
  EXPECT_EQ(level(224, 224, 2240), 3);
}

}  // namespace
}  // namespace soco
