// SPDX-License-Identifier: MIT
#include "soco/report/proposal_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "soco/base/error.h"
#include "soco/image/draw.h"

namespace soco {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

bool has_color(const Image& image, int x, int y, Color color) {
  return std::equal(color.begin(), color.end(), image.row(y) + 3 * x);
}

TEST(DrawProposals, DrawsTheFirstBoxesFromWarmToCold) {
  const std::vector<Box> boxes{{10, 10, 50, 50}, {60, 10, 90, 90}, {0, 60, 20, 99}};
  const Image sheet = draw_proposals({{"a.jpg", make_image(100, 100), boxes}}, 2);
  // One cell, 8 px from the edges, not magnified. Bottom right corners, away from the labels.
  EXPECT_TRUE(has_color(sheet, 8 + 49, 8 + 49, {255, 220, 40}));
  EXPECT_TRUE(has_color(sheet, 8 + 89, 8 + 89, {60, 40, 255}));
  EXPECT_TRUE(has_color(sheet, 8 + 19, 8 + 98, {0, 0, 0}));  // the third is not among the first two
}

TEST(DrawProposals, ReducesLargeImages) {
  const Image sheet = draw_proposals({{"a.jpg", make_image(1440, 720), {{0, 0, 720, 1440}}}}, 9);
  EXPECT_EQ(sheet.width, 360 + 2 * 8);
  EXPECT_TRUE(has_color(sheet, 8 + 179, 8 + 359, {255, 220, 40}));  // a quarter of (720, 1440)
}

TEST(DrawProposals, RefusesNothingAndTooMuch) {
  EXPECT_THROW(draw_proposals({}, 1), Error);
  EXPECT_THROW(draw_proposals({{"a", {}, {}}}, 1), Error);
  EXPECT_THROW(draw_proposals(std::vector<DrawnProposals>(1000), 1), Error);
}

TEST(ProposalHistograms, CountImagesSizesAndAspects) {
  ProposalHistograms histograms;
  // Sizes of 100 x 100: 0.2 (20 x 20), 1.0 counts to the last tenth, sqrt(0.4 * 0.1) = 0.2 at width / height 4.
  histograms.add(100, 100, {{0, 0, 20, 20}, {0, 0, 100, 100}, {0, 0, 40, 10}}, 1);
  histograms.add(100, 100, {{0, 0, 50, 60}}, 1);
  histograms.add_bad();
  const std::string text = histograms.text();
  EXPECT_THAT(text, HasSubstr("3 images (1 bad), 4 boxes, the filter keeps 2 (50.0 %)"));
  EXPECT_THAT(text, ContainsRegex("\n +1 +1 #+\n +2 - 3 +1 #+\n"));
  EXPECT_THAT(text, ContainsRegex("\n +0.2 - 0.3 +2 #{40}\n"));
  EXPECT_THAT(text, ContainsRegex("\n +0.9 - 1.0 +1 #{20}\n"));
  EXPECT_THAT(text, ContainsRegex("\n +1/2 - 1 +1 #{20}\n +1 - 2 +2 #{40}\n +2 - 4 +0 \n +4 - 8 +1 #{20}\n"));
}

TEST(ProposalHistograms, AreEmptyWithoutImages) {
  EXPECT_THAT(ProposalHistograms().text(), HasSubstr("0 images (0 bad), 0 boxes, the filter keeps 0 (0.0 %)"));
}

}  // namespace
}  // namespace soco
