// SPDX-License-Identifier: MIT
#include "soco/proposals/filter.h"

#include <gtest/gtest.h>

#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/proposals/release_box.h"

namespace soco {
namespace {

/// A box whose sides are w and h in the release's counting.
Box sized(int w, int h, int x = 0, int y = 0) { return box_from_release_box({x, y, w, h}); }

std::vector<Box> filtered(const std::vector<Box>& boxes, int height, int width, FilterOptions options = {}) {
  return filter_proposals(boxes, height, width, options);
}

TEST(ReleaseBox, IsOnePixelShort) {
  EXPECT_EQ(release_box_from_box({2, 3, 12, 8}), (ReleaseBox{2, 3, 9, 4}));
  EXPECT_EQ(release_box_from_box({5, 5, 6, 6}), (ReleaseBox{5, 5, 0, 0}));
}

TEST(ReleaseBox, ComesBackWhole) {
  const Box box{2, 3, 12, 8};
  EXPECT_EQ(box_from_release_box(release_box_from_box(box)), box);
}

TEST(ReleaseCorners, LoseTheLastTwoRowsAndColumns) {
  // Pixels 2..11: w = 9, read back as 2..10 inclusive.
  EXPECT_EQ(release_corners_from_box({2, 3, 12, 8}), (Corners{2, 3, 10, 6}));
}

TEST(FilterProposals, WantsSidesOf32InTheReleasesCounting) {
  // Image 100 x 100: sqrt(32 * 32) / 100 = 0.32 is enough; a kept box shows that no fallback was taken.
  const Box keep = sized(40, 40);
  EXPECT_EQ(filtered({keep, sized(32, 32)}, 100, 100).size(), 2u);
  EXPECT_EQ(filtered({keep, sized(31, 60)}, 100, 100), std::vector<Box>{keep});
  EXPECT_EQ(filtered({keep, sized(60, 31)}, 100, 100), std::vector<Box>{keep});
}

TEST(FilterProposals, AllowsSidesUpToThreeToOne) {
  const Box keep = sized(60, 60);
  EXPECT_EQ(filtered({keep, sized(99, 33), sized(33, 99)}, 120, 120).size(), 3u);
  EXPECT_EQ(filtered({keep, sized(100, 33), sized(33, 100)}, 120, 120), std::vector<Box>{keep});
}

TEST(FilterProposals, AllowsThreeToEightTenthsOfTheImageSide) {
  const Box keep = sized(100, 100);
  EXPECT_EQ(filtered({keep, sized(60, 60), sized(160, 160)}, 200, 200).size(), 3u);
  EXPECT_EQ(filtered({keep, sized(59, 60), sized(161, 160)}, 200, 200), std::vector<Box>{keep});
}

TEST(FilterProposals, KeepsOrderAndRepeats) {
  const Box a = sized(60, 60), b = sized(70, 60);
  EXPECT_EQ(filtered({b, a, b}, 100, 100), (std::vector<Box>{b, a, b}));
}

TEST(FilterProposals, FallsBackToRatioWhenNoSizeFits) {
  const Box large = sized(95, 95), flat = sized(99, 32);
  EXPECT_EQ(filtered({sized(10, 10), flat, large}, 100, 100), std::vector<Box>{large});
}

TEST(FilterProposals, FallsBackToSidesWhenNoRatioFits) {
  const Box flat = sized(399, 40);
  EXPECT_EQ(filtered({sized(10, 10), flat}, 400, 400), std::vector<Box>{flat});
}

TEST(FilterProposals, FallsBackToTheWholeImage) {
  EXPECT_EQ(filtered({sized(10, 10)}, 50, 70), (std::vector<Box>{{0, 0, 70, 50}}));
  EXPECT_EQ(filtered({}, 50, 70), (std::vector<Box>{{0, 0, 70, 50}}));
  EXPECT_EQ(filtered({}, 50, 70, {.enabled = false}), (std::vector<Box>{{0, 0, 70, 50}}));
}

TEST(FilterProposals, KeepsAllWhenDisabled) {
  const std::vector<Box> boxes{sized(1, 1), sized(99, 99), sized(1, 1)};
  EXPECT_EQ(filtered(boxes, 100, 100, {.enabled = false}), boxes);
}

TEST(FilterProposals, DropsRepeatsWhenAskedTo) {
  const Box a = sized(60, 60), b = sized(60, 60, 5, 5);
  EXPECT_EQ(filtered({a, b, a, b, a}, 100, 100, {.deduplicate = true}), (std::vector<Box>{a, b}));
}

TEST(FilterProposals, KeepsNoBoxWithoutHeightByItsRatio) {
  // 0/0 and w/0 are no ratio; with min_side 0 they are left to the last fallback.
  const Box keep = sized(40, 40);
  EXPECT_EQ(filtered({sized(0, 0), sized(40, 0), keep}, 100, 100, {.min_side = 0}), std::vector<Box>{keep});
}

TEST(FilterProposals, ChangesNothingTheSecondTime) {
  Rng rng(3, 0, 0, 0);
  for (int round = 0; round < 300; ++round) {
    std::vector<Box> boxes;
    for (std::uint64_t i = rng.uniform_int(6); i > 0; --i) {
      boxes.push_back(sized(static_cast<int>(rng.uniform_int(150)), static_cast<int>(rng.uniform_int(100))));
    }
    const std::vector<Box> once = filtered(boxes, 100, 150);
    ASSERT_FALSE(once.empty());
    ASSERT_EQ(filtered(once, 100, 150), once) << round;
  }
}

TEST(ParseFilter, ReadsEveryPart) {
  const FilterOptions o = parse_filter("ratio=2.5,size=0.1:0.9,min=16,dedup");
  EXPECT_TRUE(o.enabled && o.deduplicate);
  EXPECT_EQ(o.max_ratio, 2.5);
  EXPECT_EQ(o.min_size_ratio, 0.1);
  EXPECT_EQ(o.max_size_ratio, 0.9);
  EXPECT_EQ(o.min_side, 16);
  EXPECT_EQ(parse_filter("min=8").max_ratio, 3);  // not given: the release's
  EXPECT_FALSE(parse_filter("none").enabled);
}

TEST(ParseFilter, ReadsBackWhatToStringWrites) {
  EXPECT_EQ(to_string(FilterOptions{}), "ratio=3,size=0.3:0.8,min=32");
  for (const char* text : {"none", "none,dedup", "ratio=3,size=0.3:0.8,min=32", "ratio=1.25,size=0:1,min=0,dedup"}) {
    EXPECT_EQ(to_string(parse_filter(text)), text);
    EXPECT_EQ(parse_filter(to_string(parse_filter(text))), parse_filter(text));
  }
}

TEST(ParseFilter, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "ratio", "ratio=", "ratio=x", "ratio=0.5", "ratio=nan", "size=0.3", "size=0.9:0.3",
                           "size=:1", "min=-1", "min=3.5", "max=3", "ratio=3,", "none,ratio=3", "ratio=3 "}) {
    try {
      parse_filter(text);
      FAIL() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUsage) << text;
    }
  }
}

}  // namespace
}  // namespace soco
