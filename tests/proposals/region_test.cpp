// SPDX-License-Identifier: MIT
#include "soco/proposals/region.h"

#include <gtest/gtest.h>

#include <numeric>

#include "proposals/test_images.h"

namespace soco {
namespace {

using testing::grey_image;

Region box_region(int min_x, int min_y, int max_x, int max_y) {
  return {.min_x = min_x, .min_y = min_y, .max_x = max_x, .max_y = max_y, .size = 100, .colour = {}, .texture = {}};
}

TEST(ExtractRegions, MeasuresBoundsAndSize) {
  const Image image = grey_image({{0, 0, 9}, {0, 9, 9}});
  const auto regions = extract_regions(image, {.num_segments = 2, .labels = {0, 0, 1, 0, 1, 1}});
  ASSERT_EQ(regions.size(), 2u);
  EXPECT_EQ(regions[0].min_x, 0);
  EXPECT_EQ(regions[0].max_x, 1);
  EXPECT_EQ(regions[0].min_y, 0);
  EXPECT_EQ(regions[0].max_y, 1);
  EXPECT_EQ(regions[0].size, 3);
  EXPECT_EQ(regions[1].min_x, 1);
  EXPECT_EQ(regions[1].max_x, 2);
}

TEST(ExtractRegions, CountsTheGreatestChannelInBinsOf10Point2) {
  // Edges are multiples of 10.2: 50 is in bin 4 and 51 = 5 * 10.2 in bin 5, 153 = 15 * 10.2 in bin 15; 255 in the last.
  Image image = grey_image({{0, 50, 51, 153, 255}});
  image.pixels = {0, 0, 0, 50, 3, 0, 1, 51, 2, 0, 0, 153, 255, 254, 0};
  const Region r = extract_regions(image, {.num_segments = 1, .labels = {0, 0, 0, 0, 0}})[0];
  for (int bin = 0; bin < kNumColourBins; ++bin) {
    const bool used = bin == 0 || bin == 4 || bin == 5 || bin == 15 || bin == 24;
    EXPECT_EQ(r.colour[bin], used ? 0.2 : 0.0) << bin;
  }
}

TEST(ExtractRegions, NormalisesTextureByChannel) {
  const Image image = testing::scene_image(30, 40, 3);
  const Region r = extract_regions(image, {.num_segments = 1, .labels = std::vector<std::int32_t>(1200, 0)})[0];
  for (int c = 0; c < 3; ++c) {
    const auto first = r.texture.begin() + c * kNumTextureBins;
    EXPECT_NEAR(std::accumulate(first, first + kNumTextureBins, 0.0), 1.0, 1e-14);
  }
}

TEST(ExtractRegions, CountsTextureCodesInBinsOf25Point5) {
  // A lone pixel of 10: code 0, bin 0; of 0: code 255, bin 9 (texture_test).
  const Segmentation one{.num_segments = 1, .labels = {0}};
  EXPECT_EQ(extract_regions(grey_image({{10}}), one)[0].texture[0], 1.0);
  EXPECT_EQ(extract_regions(grey_image({{0}}), one)[0].texture[9], 1.0);
}

TEST(MergeRegions, WeightsHistogramsBySize) {
  Region a = box_region(0, 5, 10, 20), b = box_region(3, 2, 30, 8);
  a.size = 100;
  b.size = 300;
  a.colour[2] = 1;
  b.colour[2] = 0.5;
  b.colour[7] = 0.5;
  a.texture[29] = 1;
  const Region m = merge_regions(a, b);
  EXPECT_EQ(m.size, 400);
  EXPECT_EQ(m.min_x, 0);
  EXPECT_EQ(m.min_y, 2);
  EXPECT_EQ(m.max_x, 30);
  EXPECT_EQ(m.max_y, 20);
  EXPECT_EQ(m.colour[2], 0.625);  // (100 * 1 + 300 * 0.5) / 400
  EXPECT_EQ(m.colour[7], 0.375);
  EXPECT_EQ(m.texture[29], 0.25);
}

TEST(Similarity, AddsTheFourTerms) {
  Region a = box_region(0, 0, 9, 9), b = box_region(10, 0, 19, 9);
  a.colour[0] = 0.75;
  a.colour[1] = 0.25;
  b.colour[1] = 1;  // intersection 0.25, and 2 for hue and saturation
  a.texture[0] = 0.5;
  b.texture[0] = 0.25;  // 0.25
  // size: 1 - 200/400; fill: 1 - (19 * 9 - 200)/400, with the joint box one pixel short
  EXPECT_DOUBLE_EQ(similarity(a, b, 400), 2.25 + 0.25 + 0.5 + 1.0725);
  EXPECT_EQ(similarity(a, b, 400), similarity(b, a, 400));
}

TEST(HasCornerInside, WantsACornerOfTheSecondStrictlyInsideTheFirst) {
  const Region a = box_region(10, 10, 30, 30);
  EXPECT_TRUE(has_corner_inside(a, box_region(20, 20, 40, 40)));
  EXPECT_TRUE(has_corner_inside(a, box_region(0, 0, 20, 20)));
  EXPECT_TRUE(has_corner_inside(a, box_region(0, 20, 20, 40)));    // its upper right corner
  EXPECT_TRUE(has_corner_inside(a, box_region(20, 0, 40, 20)));    // its lower left corner
  EXPECT_TRUE(has_corner_inside(a, box_region(15, 15, 25, 25)));   // contained
  EXPECT_FALSE(has_corner_inside(box_region(15, 15, 25, 25), a));  // containing: the test misses it
  EXPECT_FALSE(has_corner_inside(a, box_region(0, 15, 40, 25)));   // crossing like a plus sign
  EXPECT_FALSE(has_corner_inside(a, box_region(30, 10, 50, 30)));  // touching
  EXPECT_FALSE(has_corner_inside(a, box_region(10, 10, 30, 30)));  // equal
  EXPECT_FALSE(has_corner_inside(a, box_region(50, 15, 60, 25)));
}

}  // namespace
}  // namespace soco
