// SPDX-License-Identifier: MIT
// Boxes that know nothing of the image: by chance and in a grid.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"
#include "soco/proposals/box_grid.h"
#include "soco/proposals/random_boxes.h"

namespace soco {
namespace {

const std::vector<Box> kWholeImage{{0, 0, 40, 30}};

TEST(RandomBoxes, KeepTheReleasesLaw) {
  // Of an image so large that rounding does not show, size and ratio are uniform and every box inside.
  Rng rng(1, 2, 3, purpose::kRandomBoxes);
  const int height = 4000, width = 4000;
  const std::vector<Box> boxes = random_boxes(height, width, {.num_tries = 20'000, .max_ratio = 1.5}, rng);
  EXPECT_EQ(boxes.size(), 20'000u);  // 0.8 sqrt(1.5) < 1: all fit
  double mean_size = 0, mean_ratio = 0, mean_x = 0;
  for (const Box& b : boxes) {
    const double size = std::sqrt(b.area()) / 4000, ratio = b.width() / b.height();
    ASSERT_GE(size, 0.2999);  // rounding of the sides
    ASSERT_LE(size, 0.8001);
    ASSERT_GE(ratio, 1 / 1.5 - 1e-3);
    ASSERT_LE(ratio, 1.5 + 1e-3);
    ASSERT_TRUE(b.x1 >= 0 && b.y1 >= 0 && b.x2 <= width && b.y2 <= height);
    mean_size += size / 20'000;
    mean_ratio += ratio / 20'000;
    mean_x += b.x1 / (width - b.width()) / 20'000;
  }
  // Means of uniforms over 20,000 draws: the standard error is their width / sqrt(12 * 20,000); five of them.
  EXPECT_NEAR(mean_size, 0.55, 5 * 0.5 / 490);
  EXPECT_NEAR(mean_ratio, (1.5 + 1 / 1.5) / 2, 5 * 0.84 / 490);
  EXPECT_NEAR(mean_x, 0.5, 5 * 1.0 / 490);
}

TEST(RandomBoxes, LeaveOutWhatIsTooSmallOrTooLarge) {
  Rng rng(1, 2, 3, purpose::kRandomBoxes);
  const std::vector<Box> boxes = random_boxes(60, 600, {.num_tries = 1000}, rng);
  EXPECT_LT(boxes.size(), 1000u);
  for (const Box& b : boxes) {
    EXPECT_GE(b.width(), 32);
    EXPECT_GE(b.height(), 32);
    EXPECT_LE(b.y2, 60);
  }
  EXPECT_EQ(random_boxes(30, 40, {}, rng), kWholeImage);  // no side of 32 fits
  EXPECT_EQ(random_boxes(1, 1, {.min_side = 1}, rng).size() >= 1, true);
}

TEST(RandomBoxes, AreTheSameForOneStream) {
  Rng a(1, 2, 3, purpose::kRandomBoxes), b(1, 2, 3, purpose::kRandomBoxes), c(2, 2, 3, purpose::kRandomBoxes);
  const std::vector<Box> boxes = random_boxes(300, 400, {}, a);
  EXPECT_EQ(random_boxes(300, 400, {}, b), boxes);
  EXPECT_NE(random_boxes(300, 400, {}, c), boxes);
}

TEST(RandomBoxes, AreTheLowerRightQuartersWhenAsked) {
  Rng a(1, 2, 3, purpose::kRandomBoxes), b(1, 2, 3, purpose::kRandomBoxes);
  const std::vector<Box> whole = random_boxes(300, 400, {}, a);
  const std::vector<Box> quarters = random_boxes(300, 400, {.from_center = true}, b);
  ASSERT_EQ(quarters.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(quarters[i].x1, whole[i].x1 + std::floor(whole[i].width() / 2));
    EXPECT_EQ(quarters[i].width(), std::floor(whole[i].width() / 2));
    EXPECT_EQ(quarters[i].height(), std::floor(whole[i].height() / 2));
  }
}

TEST(RandomBoxOptions, AreChecked) {
  EXPECT_THROW((RandomBoxOptions{.min_size_ratio = 0.5, .max_size_ratio = 0.4}.validate()), Error);
}

TEST(BoxGrid, SpreadsBoxesFromEdgeToEdge) {
  // 100 x 100, side 50, stride 0.5: steps of 25 at most, so x and y in {0, 25, 50}.
  const std::vector<Box> boxes = box_grid(100, 100, {.sizes = {0.5}, .ratios = {1}, .stride = 0.5});
  ASSERT_EQ(boxes.size(), 9u);
  EXPECT_EQ(boxes[0], (Box{0, 0, 50, 50}));
  EXPECT_EQ(boxes[1], (Box{25, 0, 75, 50}));
  EXPECT_EQ(boxes[8], (Box{50, 50, 100, 100}));
}

TEST(BoxGrid, GoesThroughSizesAndRatiosAndLeavesOutWhatDoesNotFit) {
  // 100 x 100: size 1 at ratio 4 is 200 x 50, which does not fit; at ratio 1 one box; size 0.4 at ratio 4 is 80 x 20.
  const std::vector<Box> boxes = box_grid(100, 100, {.sizes = {1, 0.4}, .ratios = {4, 1}, .stride = 1});
  EXPECT_EQ(boxes[0], (Box{0, 0, 100, 100}));
  EXPECT_EQ(boxes[1], (Box{0, 0, 80, 20}));
  EXPECT_EQ(boxes[2], (Box{20, 0, 100, 20}));
  EXPECT_EQ(boxes.size(), 1u + 2 * 5 + 3 * 3);  // 80 / 20 = 4 steps down; 60 / 40 = 2 steps both ways
}

TEST(BoxGrid, GivesTheWholeImageWhenNothingFits) {
  EXPECT_EQ(box_grid(30, 40, {.sizes = {1}, .ratios = {9}, .stride = 1}), kWholeImage);
  EXPECT_EQ(box_grid(1, 1, {}).size() >= 1, true);
}

TEST(BoxGrid, StaysBoundedAndInside) {
  EXPECT_THROW(box_grid(5000, 5000, {.sizes = {0.001}, .ratios = {1}, .stride = 0.01}), Error);
  for (const Box& b : box_grid(37, 91, {})) {
    EXPECT_TRUE(b.x1 >= 0 && b.y1 >= 0 && b.x1 < b.x2 && b.y1 < b.y2 && b.x2 <= 91 && b.y2 <= 37);
  }
}

TEST(BoxGridOptions, AreChecked) {
  EXPECT_THROW((BoxGridOptions{.sizes = {}}.validate()), Error);
  EXPECT_THROW((BoxGridOptions{.ratios = {}}.validate()), Error);
}

}  // namespace
}  // namespace soco
