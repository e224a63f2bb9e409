// SPDX-License-Identifier: MIT
#include "soco/data/transforms/random_resized_crop.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "testing/oracle_file.h"

namespace soco {
namespace {

TEST(CropSizeFromDraw, IsTheHandCalculation) {
  // sqrt(0.5 * 100 * 200) = 100
  const auto square = crop_size_from_draw(100, 200, 0.5, 1.0);
  ASSERT_TRUE(square);
  EXPECT_EQ(square->width, 100);
  EXPECT_EQ(square->height, 100);
  // area 12800, aspect 2: width sqrt(25600) = 160, height sqrt(6400) = 80
  const auto wide = crop_size_from_draw(100, 200, 0.64, 2.0);
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->width, 160);
  EXPECT_EQ(wide->height, 80);
}

TEST(CropSizeFromDraw, RoundsHalfToEven) {
  // width = height = sqrt(area): 2.5 -> 2 and 3.5 -> 4, as Python's round gives.
  EXPECT_EQ(crop_size_from_draw(5, 5, 6.25 / 25, 1.0)->width, 2);
  EXPECT_EQ(crop_size_from_draw(7, 7, 12.25 / 49, 1.0)->width, 4);
}

TEST(CropSizeFromDraw, IsEmptyWhenItDoesNotFit) {
  EXPECT_FALSE(crop_size_from_draw(100, 200, 1.0, 1.0));  // 141 rows of 100
  EXPECT_FALSE(crop_size_from_draw(200, 100, 1.0, 1.0));  // 141 columns of 100
  EXPECT_FALSE(crop_size_from_draw(3, 3, 1e-6, 1.0));     // rounds to nothing
}

TEST(CentralCrop, CutsTheLongSideToTheLimit) {
  // 300 x 100: the limit 4/3 leaves 133 columns, (300 - 133) / 2 = 83.
  const CropRect wide = central_crop(100, 300, 3.0 / 4, 4.0 / 3);
  EXPECT_EQ(wide.width, 133);
  EXPECT_EQ(wide.height, 100);
  EXPECT_EQ(wide.x, 83);
  EXPECT_EQ(wide.y, 0);
  const CropRect tall = central_crop(300, 100, 3.0 / 4, 4.0 / 3);
  EXPECT_EQ(tall.width, 100);
  EXPECT_EQ(tall.height, 133);
  EXPECT_EQ(tall.x, 0);
  EXPECT_EQ(tall.y, 83);
  const CropRect inside = central_crop(100, 110, 3.0 / 4, 4.0 / 3);
  EXPECT_EQ(inside.width, 110);
  EXPECT_EQ(inside.height, 100);
}

TEST(DrawRandomCrop, StaysInTheImageAndWithinTheRanges) {
  ViewOptions options;
  Rng rng(3, 0, 0, purpose::kViews);
  for (int i = 0; i < 2000; ++i) {
    const int height = 20 + static_cast<int>(rng.uniform_int(400)), width = 20 + static_cast<int>(rng.uniform_int(400));
    const auto [rect, draw] = draw_random_crop(height, width, options, rng);
    ASSERT_GE(rect.x, 0);
    ASSERT_GE(rect.y, 0);
    ASSERT_LE(rect.x + rect.width, width);
    ASSERT_LE(rect.y + rect.height, height);
    if (draw.fallback) continue;
    const auto size = crop_size_from_draw(height, width, draw.area_ratio, draw.aspect);
    ASSERT_TRUE(size);
    ASSERT_EQ(size->width, rect.width);
    ASSERT_EQ(size->height, rect.height);
    ASSERT_GE(draw.area_ratio, 0.5);
    ASSERT_LE(draw.area_ratio, 1.0);
    ASSERT_GE(draw.aspect, 0.75 - 1e-12);
    ASSERT_LE(draw.aspect, 4.0 / 3 + 1e-12);
  }
}

TEST(DrawRandomCrop, FallsBackWhenTheImageIsTooLong) {
  Rng rng(3, 0, 0, purpose::kViews);
  const auto [rect, draw] = draw_random_crop(10, 1000, ViewOptions{}, rng);  // no half of it is that square
  EXPECT_TRUE(draw.fallback);
  EXPECT_EQ(rect.width, 13);
  EXPECT_EQ(rect.height, 10);
  EXPECT_EQ(rect.x, 493);
}

TEST(DrawRandomCrop, HandlesAnImageOfOnePixel) {
  Rng rng(3, 0, 0, purpose::kViews);
  for (int i = 0; i < 100; ++i) {
    const CropRect rect = draw_random_crop(1, 1, ViewOptions{}, rng).rect;
    ASSERT_EQ(rect.width, 1);
    ASSERT_EQ(rect.height, 1);
  }
}

TEST(DrawRandomCrop, DrawsAreaUniformlyAndAspectLogUniformly) {
  // Scales up to 0.3 of a square image always fit, so nothing is rejected and the draws' laws show unchanged.
  ViewOptions options;
  options.min_scale = 0.1;
  options.max_scale = 0.3;
  Rng rng(17, 0, 0, purpose::kViews);
  constexpr int kDraws = 20000;
  double area = 0, log_aspect = 0, log_aspect_squared = 0, x = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto [rect, draw] = draw_random_crop(1000, 1000, options, rng);
    area += draw.area_ratio / kDraws;
    log_aspect += std::log(draw.aspect) / kDraws;
    log_aspect_squared += std::log(draw.aspect) * std::log(draw.aspect) / kDraws;
    x += static_cast<double>(rect.x) / (1000 - rect.width) / kDraws;
  }
  // Means of uniforms; five standard errors: 5 * range / sqrt(12 * 20000).
  const double half_range = std::log(4.0 / 3);
  EXPECT_NEAR(area, 0.2, 5 * 0.2 / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(log_aspect, 0.0, 5 * 2 * half_range / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(log_aspect_squared, half_range * half_range / 3, 0.03 * half_range * half_range / 3);
  EXPECT_NEAR(x, 0.5, 5 * 1.0 / std::sqrt(12.0 * kDraws));
}

// Torchvision's own draws, replayed: each try but the last is refused, and the crop is that of the last or the central.
TEST(RandomCropOracle, TwoThousandCropsHaveTorchvisionsGeometry) {
  SOCO_ORACLE_OR_SKIP(path, "image/crops.json");
  const Json rows = parse_json(read_text_file(path, 1u << 26), path.string());
  int num_central = 0;
  for (const Json& row : rows.at("crops")) {
    const int height = row[0].get<int>(), width = row[1].get<int>();
    const auto ratios = row[3].get<std::array<double, 2>>();
    const auto tries = row[4].get<std::vector<std::array<double, 2>>>();
    const auto expected = row[5].get<std::array<int, 4>>();  // y, x, height, width
    std::optional<CropSize> size;
    for (std::size_t i = 0; i < tries.size(); ++i) {
      ASSERT_FALSE(size) << row.dump();
      size = crop_size_from_draw(height, width, tries[i][0], tries[i][1]);
    }
    if (size) {
      EXPECT_EQ(size->height, expected[2]) << row.dump();
      EXPECT_EQ(size->width, expected[3]) << row.dump();
    } else {
      ASSERT_EQ(tries.size(), 10u);
      const CropRect central = central_crop(height, width, ratios[0], ratios[1]);
      EXPECT_EQ(central, (CropRect{expected[1], expected[0], expected[3], expected[2]})) << row.dump();
      ++num_central;
    }
  }
  EXPECT_GE(rows.at("crops").size(), 2000u);
  EXPECT_GE(num_central, 200);
}

}  // namespace
}  // namespace soco
