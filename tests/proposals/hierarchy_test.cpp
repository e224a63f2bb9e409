// SPDX-License-Identifier: MIT
#include "soco/proposals/hierarchy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "proposals/test_images.h"
#include "soco/proposals/ranking.h"
#include "soco/proposals/region_builder.h"

namespace soco {
namespace {

RegionGraph graph_of(const Image& image) {
  ColourPlanes planes;
  convert_colours(image, ColourSpace::kLab, planes);
  RegionBuilder builder;
  return builder.build(planes, 20, 0.8, 8);
}

/// One region of the plain method: what it is made of, nothing kept ready.
struct PlainRegion {
  PixelBounds bounds;
  std::uint32_t size;
  std::vector<std::uint32_t> counts;
  std::set<std::size_t> neighbours;
  bool alive = true;
};

/// Sum of min(a, b) of histograms whose bins are whole 65535ths of the part's total.
double common(const PlainRegion& a, const PlainRegion& b, std::size_t first, std::size_t n, int parts) {
  std::uint32_t sum = 0;
  for (std::size_t i = first; i < first + n; ++i) {
    const auto bin = [&](const PlainRegion& r) {
      const float total = static_cast<float>(r.size) * static_cast<float>(3 * parts);
      return static_cast<std::uint32_t>(static_cast<float>(r.counts[i]) * (65535.0f / total));
    };
    sum += std::min(bin(a), bin(b));
  }
  return sum;
}

double plain_similarity(const PlainRegion& a, const PlainRegion& b, SimilarityMix mix, double image_size) {
  const bool colour = mix == SimilarityMix::kColourTextureSizeFill;
  const bool texture = colour || mix == SimilarityMix::kTextureSizeFill;
  double sum = ((colour ? common(a, b, 0, kColourRow, 1) : 0) +
                (texture ? common(a, b, kColourRow, kTextureRow, kNumDirections) : 0)) /
               65535;
  const double size = a.size + b.size;
  if (mix != SimilarityMix::kFill) sum += 1 - size / image_size;
  if (mix != SimilarityMix::kSize) {
    sum += 1 - (static_cast<double>(area_of(joined(a.bounds, b.bounds))) - size) / image_size;
  }
  return sum;
}

/// Merges the best pair after computing all similarities anew, until one region is left.
std::vector<PixelBounds> group_plainly(const RegionGraph& graph, SimilarityMix mix, double image_size) {
  std::vector<PlainRegion> regions;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const std::uint32_t* counts = graph.counts_of(i);
    regions.push_back({graph.bounds[i], graph.num_pixels[i], {counts, counts + kHistogramRow}, {}, true});
  }
  for (const RegionPair& p : graph.pairs) {
    regions[p.a].neighbours.insert(p.b);
    regions[p.b].neighbours.insert(p.a);
  }
  std::vector<PixelBounds> merged;
  for (;;) {
    double best = -1e9;
    std::size_t best_a = 0, best_b = 0;
    for (std::size_t a = 0; a < regions.size(); ++a) {
      for (const std::size_t b : regions[a].neighbours) {
        if (b < a || !regions[a].alive || !regions[b].alive) continue;
        const double s = plain_similarity(regions[a], regions[b], mix, image_size);
        if (s > best) best = s, best_a = a, best_b = b;
      }
    }
    if (best < -1e8) return merged;
    PlainRegion joint = regions[best_a];
    joint.bounds = joined(joint.bounds, regions[best_b].bounds);
    joint.size += regions[best_b].size;
    for (std::size_t i = 0; i < kHistogramRow; ++i) joint.counts[i] += regions[best_b].counts[i];
    joint.neighbours.insert(regions[best_b].neighbours.begin(), regions[best_b].neighbours.end());
    regions[best_a].alive = regions[best_b].alive = false;
    for (const std::size_t n : joint.neighbours) regions[n].neighbours.insert(regions.size());
    merged.push_back(joint.bounds);
    regions.push_back(joint);
  }
}

class HierarchyOfMix : public ::testing::TestWithParam<SimilarityMix> {};

TEST_P(HierarchyOfMix, EqualsThePlainMethod) {
  Hierarchy hierarchy;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const Image image = testing::scene_image(50, 60, seed);
    const RegionGraph graph = graph_of(image);
    ASSERT_GT(graph.size(), 5u);
    hierarchy.start(graph, 3000);
    std::vector<PixelBounds> bounds;
    for (const GroupedRegion& r : hierarchy.group(GetParam())) bounds.push_back(r.bounds);
    EXPECT_EQ(bounds, group_plainly(graph, GetParam(), 3000)) << seed;
  }
}

TEST_P(HierarchyOfMix, EndsWithTheWholeImage) {
  const RegionGraph graph = graph_of(testing::scene_image(50, 60, 9));
  Hierarchy hierarchy;
  hierarchy.start(graph, 3000);
  const auto& merged = hierarchy.group(GetParam());
  ASSERT_EQ(merged.size(), graph.size() - 1);  // touching regions of one image make one tree
  EXPECT_EQ(merged.back().bounds, (PixelBounds{0, 0, 59, 49}));
  EXPECT_EQ(merged.back().num_pixels, 3000u);
}

INSTANTIATE_TEST_SUITE_P(AllMixes, HierarchyOfMix,
                         ::testing::Values(SimilarityMix::kColourTextureSizeFill, SimilarityMix::kTextureSizeFill,
                                           SimilarityMix::kSizeFill, SimilarityMix::kFill, SimilarityMix::kSize),
                         [](const auto& info) { return enum_name(info.param, kSimilarityMixNames); });

TEST(Ranking, KeepsOneOfEqualAndOfNearlyEqualBoxes) {
  RegionGraph graph;
  graph.bounds = {{0, 0, 99, 99}, {0, 0, 99, 99}, {0, 0, 99, 98}, {0, 0, 99, 79}};  // IoU with the first 1, 0.99, 0.8
  graph.num_pixels = {10000, 10000, 9900, 8000};
  const auto count = [&](double limit) {
    Ranking ranking(1, 200, 200);
    ranking.add(graph, {});
    return ranking.take(limit, 0).size();
  };
  EXPECT_EQ(count(1), 3u);
  EXPECT_EQ(count(0.95), 2u);
  EXPECT_EQ(count(0.75), 1u);
}

TEST(Ranking, HoldsNoTwoBoxesAboveTheLimit) {
  Rng rng(2, 0, 0, 0);
  RegionGraph graph;
  for (int i = 0; i < 1500; ++i) {
    const int x = static_cast<int>(rng.uniform_int(40)), y = static_cast<int>(rng.uniform_int(40));
    const int w = 1 + static_cast<int>(rng.uniform_int(60)), h = 1 + static_cast<int>(rng.uniform_int(60));
    graph.bounds.push_back({x, y, x + w - 1, y + h - 1});
    graph.num_pixels.push_back(static_cast<std::uint32_t>(w * h));
  }
  Ranking ranking(4, 200, 200);
  ranking.add(graph, {});
  const auto kept = ranking.take(0.7, 0);
  const auto iou = [](const PixelBounds& a, const PixelBounds& b) {
    const double w = std::min(a.max_x, b.max_x) - std::max(a.min_x, b.min_x) + 1;
    const double h = std::min(a.max_y, b.max_y) - std::max(a.min_y, b.min_y) + 1;
    const double both = w > 0 && h > 0 ? w * h : 0;
    return both / (static_cast<double>(area_of(a) + area_of(b)) - both);
  };
  for (std::size_t i = 0; i < kept.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) ASSERT_LE(iou(kept[i], kept[j]), 0.7);
  }
  for (const PixelBounds& box : graph.bounds) {  // and nothing was dropped without a reason
    ASSERT_TRUE(std::any_of(kept.begin(), kept.end(), [&](const auto& k) { return k == box || iou(k, box) > 0.7; }));
  }
}

TEST(Ranking, PutsHollowRegionsLater) {
  RegionGraph graph;  // the same position on average: a thousand of each, alternately, none alike
  for (int i = 0; i < 2000; ++i) {
    graph.bounds.push_back({20 * i + 1, 1, 20 * i + 10, 10});
    graph.num_pixels.push_back(i % 2 == 0 ? 100 : 20);
  }
  Ranking ranking(7, 12, 40100);
  ranking.add(graph, {});
  int full = 0;
  for (const PixelBounds& b : ranking.take(1, 500)) full += b.min_x % 40 == 1;
  EXPECT_GT(full, 450);  // hollow ones have a fifth of the votes, those of full ones 25 times further back
}

/// Filled regions in this order of position.
RegionGraph filled(const std::vector<PixelBounds>& boxes) {
  RegionGraph graph;
  graph.bounds = boxes;
  for (const PixelBounds& b : boxes) graph.num_pixels.push_back(static_cast<std::uint32_t>(area_of(b)));
  return graph;
}

// A vote for the region at position p lies in (1 / sqrt(p), 1 / sqrt(p / 2)].
constexpr PixelBounds kFirst{10, 10, 49, 49}, kSecond{60, 60, 99, 99}, kThird{10, 60, 49, 99};

TEST(Ranking, AddsTheVotesOfGroupingsThatAgree) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Ranking ranking(seed, 200, 200);
    ranking.add(filled({kFirst, kSecond}), {});  // the first: at most 1.42
    ranking.add(filled({{120, 10, 159, 49}, kSecond}), {});
    ranking.add(filled({kThird, {60, 60, 99, 98}}), {});  // nearly the second, which has at least 3 * 0.70
    EXPECT_EQ(ranking.take(0.9, 1)[0].min_x, kSecond.min_x) << seed;
  }
}

TEST(Ranking, HalvesTheVoteForEachBorderOfTheImage) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Ranking ranking(seed, 200, 200);
    ranking.add(filled({{0, 0, 49, 49}, kSecond}), {});  // at most 1.42 / 4; at least 0.70
    EXPECT_EQ(ranking.take(0.9, 1)[0], kSecond);
    Ranking other(seed, 100, 100);  // the last row and column
    other.add(filled({kSecond, kFirst}), {});
    EXPECT_EQ(other.take(0.9, 1)[0], kFirst);
  }
}

TEST(Ranking, PutsBoxesThatAreMuchLikeABetterOneBack) {
  const PixelBounds alike{10, 10, 49, 41};  // IoU 0.8 with the first
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Ranking ranking(seed, 200, 200);
    ranking.add(filled({kFirst, alike, kSecond}), {});  // alike: at most 1 / 4; the second: at least 0.57
    EXPECT_EQ(ranking.take(0.9, 0), (std::vector<PixelBounds>{kFirst, kSecond, alike})) << seed;
  }
}

}  // namespace
}  // namespace soco
