// SPDX-License-Identifier: MIT
#include "soco/proposals/grouping.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

#include "proposals/test_images.h"

namespace soco {
namespace {

constexpr std::int64_t kImageSize = 10000;

Region region(int min_x, int min_y, int max_x, int max_y, int colour_bin = 0) {
  Region r{.min_x = min_x, .min_y = min_y, .max_x = max_x, .max_y = max_y, .size = 400, .colour = {}, .texture = {}};
  r.colour[colour_bin] = 1;
  return r;
}

using Bounds = std::tuple<int, int, int, int>;
Bounds bounds(const Region& r) { return {r.min_x, r.min_y, r.max_x, r.max_y}; }

TEST(GroupRegions, ReturnsTheRegionsWhenNoneAreNeighbours) {
  const auto result = group_regions({region(0, 0, 10, 10), region(20, 0, 30, 10)}, kImageSize);
  EXPECT_EQ(result.size(), 2u);
}

TEST(GroupRegions, MergesTheMostSimilarPairFirst) {
  // Region 0 overlaps 1 and 2, which lie alike to either side; 1 has its colour.
  const auto result =
      group_regions({region(20, 0, 60, 40, 3), region(0, 10, 30, 30, 3), region(50, 10, 80, 30, 9)}, kImageSize);
  ASSERT_EQ(result.size(), 5u);
  EXPECT_EQ(bounds(result[3]), Bounds(0, 0, 60, 40));
  EXPECT_EQ(bounds(result[4]), Bounds(0, 0, 80, 40));
  EXPECT_EQ(result[4].size, 1200);
}

TEST(GroupRegions, TakesTheLastPairWhenSimilaritiesAreEqual) {
  const auto result = group_regions({region(20, 0, 60, 40), region(0, 10, 30, 30), region(50, 10, 80, 30)}, kImageSize);
  ASSERT_EQ(result.size(), 5u);
  EXPECT_EQ(bounds(result[3]), Bounds(20, 0, 80, 40));
}

TEST(GroupRegions, LetsAMergedRegionInheritNeighbours) {
  // 0-1 merge first (same colour); 2 had a corner in 0 alone, none of the joint box's corner tests is asked again.
  const auto result =
      group_regions({region(0, 0, 40, 40, 1), region(30, 30, 70, 70, 1), region(-20, -20, 10, 10, 5)}, kImageSize);
  ASSERT_EQ(result.size(), 5u);
  EXPECT_EQ(bounds(result[4]), Bounds(-20, -20, 70, 70));
}

TEST(GroupRegions, LeavesSeveralTreesWhenTheCornerTestMissesContainment) {
  // The later region contains the earlier: no corner of it lies inside.
  const auto result = group_regions({region(10, 10, 20, 20), region(0, 0, 40, 40)}, kImageSize);
  EXPECT_EQ(result.size(), 2u);
}

/// The same by the plainest means: all pairs kept in order, the last of the greatest taken.
std::vector<Region> group_plainly(std::vector<Region> regions, std::int64_t image_size) {
  struct Pair {
    std::size_t a, b;
  };
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < regions.size(); ++a) {
    for (std::size_t b = a + 1; b < regions.size(); ++b) {
      if (has_corner_inside(regions[a], regions[b])) pairs.push_back({a, b});
    }
  }
  const auto value = [&](const Pair& p) { return similarity(regions[p.a], regions[p.b], image_size); };
  while (!pairs.empty()) {
    Pair best = pairs[0];
    for (const Pair& p : pairs) best = value(p) >= value(best) ? p : best;
    regions.push_back(merge_regions(regions[best.a], regions[best.b]));
    const auto has = [&](std::size_t i) { return i == best.a || i == best.b; };
    std::vector<Pair> kept, added;
    std::set<std::size_t> seen;
    for (const Pair& p : pairs) {
      if (!has(p.a) && !has(p.b)) kept.push_back(p);
      if (has(p.a) == has(p.b)) continue;
      const std::size_t other = has(p.a) ? p.b : p.a;
      if (seen.insert(other).second) added.push_back({regions.size() - 1, other});
    }
    kept.insert(kept.end(), added.begin(), added.end());
    pairs = kept;
  }
  return regions;
}

TEST(GroupRegions, EqualsThePlainMethodOnRandomRegions) {
  Rng rng(11, 0, 0, 0);
  for (int round = 0; round < 20; ++round) {
    std::vector<Region> regions;
    for (int i = 0; i < 25; ++i) {
      const int x = static_cast<int>(rng.uniform_int(80)), y = static_cast<int>(rng.uniform_int(80));
      regions.push_back(region(x, y, x + 2 + static_cast<int>(rng.uniform_int(40)),
                               y + 2 + static_cast<int>(rng.uniform_int(40)), static_cast<int>(rng.uniform_int(3))));
      regions.back().size = 1 + static_cast<std::int64_t>(rng.uniform_int(3));  // few values, so that many are equal
    }
    const auto expected = group_plainly(regions, kImageSize), result = group_regions(regions, kImageSize);
    ASSERT_EQ(result.size(), expected.size());
    for (std::size_t i = 0; i < result.size(); ++i)
      ASSERT_EQ(bounds(result[i]), bounds(expected[i])) << round << " " << i;
  }
}

}  // namespace
}  // namespace soco
