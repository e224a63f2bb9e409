// SPDX-License-Identifier: MIT
#include "soco/proposals/selective_search.h"

#include <gtest/gtest.h>

#include "proposals/test_images.h"
#include "soco/base/error.h"

namespace soco {
namespace {

using testing::fill_rectangle;
using testing::flat_image;
using testing::scene_image;

TEST(SelectiveSearch, GivesTheWholeImageWhenItIsFlat) {
  EXPECT_EQ(selective_search(flat_image(40, 60, {1, 2, 3})), (std::vector<Box>{{0, 0, 60, 40}}));
}

TEST(SelectiveSearch, GivesOnePixelItsTrueBounds) {
  EXPECT_EQ(selective_search(flat_image(1, 1, {9, 9, 9})), (std::vector<Box>{{0, 0, 1, 1}}));
}

TEST(SelectiveSearch, LeavesHalvesApartBecauseTheirBoxesOnlyTouch) {
  Image image = flat_image(32, 64, {0, 0, 0});
  fill_rectangle(image, 32, 0, 64, 32, {255, 255, 255});
  EXPECT_EQ(selective_search(image, {.sigma = 0}), (std::vector<Box>{{0, 0, 32, 32}, {32, 0, 64, 32}}));
}

TEST(SelectiveSearch, MergesAnObjectWithTheGroundAroundIt) {
  Image image = flat_image(60, 80, {20, 40, 60});
  fill_rectangle(image, 25, 20, 45, 40, {220, 30, 10});
  EXPECT_EQ(selective_search(image, {.sigma = 0}),
            (std::vector<Box>{{0, 0, 80, 60}, {25, 20, 45, 40}, {0, 0, 80, 60}}));
}

TEST(SelectiveSearch, GivesWholePixelsInsideTheImage) {
  const Image image = scene_image(100, 140, 4);
  const std::vector<Box> boxes = selective_search(image);
  EXPECT_GT(boxes.size(), 5u);
  for (const Box& b : boxes) {
    EXPECT_TRUE(b.x1 >= 0 && b.y1 >= 0 && b.x1 < b.x2 && b.y1 < b.y2 && b.x2 <= 140 && b.y2 <= 100);
    EXPECT_EQ(b.x1, static_cast<int>(b.x1));
    EXPECT_EQ(b.y2, static_cast<int>(b.y2));
  }
}

TEST(SelectiveSearch, RepeatsItself) {
  const Image image = scene_image(80, 80, 9);
  EXPECT_EQ(selective_search(image), selective_search(image));
}

TEST(SelectiveSearch, FailsWhenTheImageIsEmpty) { EXPECT_THROW(selective_search(Image{}), Error); }

TEST(SelectiveSearch, NamesSizeAndLimitWhenTheImageIsTooLarge) {
  try {
    selective_search(flat_image(10, 20, {0, 0, 0}), {.max_pixels = 199});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("200 pixels, more than max_pixels = 199"), std::string::npos) << e.what();
  }
}

TEST(SelectiveSearchOptions, AreReadByName) {
  SelectiveSearchOptions options;
  apply_override(options, "scales=150");
  apply_override(options, "strategy=soco");
  EXPECT_EQ(options.scales, std::vector<double>{150});
  EXPECT_THROW(apply_override(options, "min_size=0"), Error);
  EXPECT_THROW(apply_override(options, "strategy=quick"), Error);
}

}  // namespace
}  // namespace soco
