// SPDX-License-Identifier: MIT
#include "soco/proposals/region_builder.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "proposals/test_images.h"

namespace soco {
namespace {

using testing::fill_rectangle;
using testing::flat_image;
using testing::scene_image;

struct Built {
  RegionBuilder builder;
  RegionGraph graph;
  explicit Built(const Image& image, double scale = 50, double sigma = 0, int min_size = 5) {
    ColourPlanes planes;
    convert_colours(image, ColourSpace::kRgb, planes);
    graph = builder.build(planes, scale, sigma, min_size);
  }
};

/// Pairs of labels of pixels side by side, the plainest way.
std::set<std::pair<std::uint32_t, std::uint32_t>> touching(const Image& image, std::span<const std::int32_t> labels) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  const auto add = [&](int i, int j) {
    if (labels[i] != labels[j]) pairs.insert({std::min(labels[i], labels[j]), std::max(labels[i], labels[j])});
  };
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int i = y * image.width + x;
      if (x + 1 < image.width) add(i, i + 1);
      if (y + 1 < image.height) add(i, i + image.width);
    }
  }
  return pairs;
}

TEST(RegionBuilder, CutsAnObjectFromItsGround) {
  Image image = flat_image(20, 30, {20, 40, 60});
  fill_rectangle(image, 10, 5, 18, 15, {220, 30, 10});
  const Built built(image);
  ASSERT_EQ(built.graph.size(), 2u);
  EXPECT_EQ(built.graph.bounds[1], (PixelBounds{10, 5, 17, 14}));
  EXPECT_EQ(built.graph.num_pixels[1], 80u);
  ASSERT_EQ(built.graph.pairs.size(), 1u);
  EXPECT_EQ(built.graph.pairs[0].cost, 206.375f);  // sqrt(200^2 + 10^2 + 50^2) = 206.40, in steps of an eighth
}

TEST(RegionBuilder, MeasuresWhatAPlainScanMeasures) {
  const Image image = scene_image(60, 80, 5);
  const Built built(image, 30, 0.8, 10);
  const auto labels = built.builder.labels();
  ASSERT_GT(built.graph.size(), 3u);
  std::vector<std::uint32_t> sizes(built.graph.size(), 0), reds(built.graph.size() * kGroupColourBins, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++sizes[labels[i]];
    ++reds[labels[i] * kGroupColourBins + image.pixels[3 * i] * kGroupColourBins / 256];
  }
  EXPECT_EQ(built.graph.num_pixels, sizes);
  for (std::size_t r = 0; r < built.graph.size(); ++r) {
    for (int k = 0; k < kGroupColourBins; ++k) EXPECT_EQ(built.graph.counts_of(r)[k], reds[r * kGroupColourBins + k]);
    const std::uint32_t* texture = built.graph.counts_of(r) + kColourRow;
    EXPECT_EQ(std::accumulate(texture, texture + kTextureRow, 0u), 12 * sizes[r]);  // 3 channels, 4 directions
    EXPECT_GE(sizes[r], 10u);
  }
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (const RegionPair& p : built.graph.pairs) pairs.insert({p.a, p.b});
  EXPECT_EQ(pairs, touching(image, labels));
  EXPECT_EQ(pairs.size(), built.graph.pairs.size());
}

TEST(RegionBuilder, LimitsTheNumberOfRegionsOfNoise) {
  Image image = flat_image(400, 400, {0, 0, 0});
  Rng rng(3, 0, 0, 0);
  for (auto& v : image.pixels) v = static_cast<std::uint8_t>(rng.uniform_int(256));
  const Built built(image, 0, 0, 1);  // k = 0 joins nothing by itself
  EXPECT_LE(built.graph.size(), static_cast<std::size_t>(kMaxRegions));
  EXPECT_GT(built.graph.size(), 1000u);
}

TEST(RegionBuilder, ForgetsTheLastImage) {
  const Image large = scene_image(90, 70, 2), small = scene_image(30, 40, 3);
  Built built(large, 30, 0.8, 10);
  ColourPlanes planes;
  convert_colours(small, ColourSpace::kRgb, planes);
  const RegionGraph again = built.builder.build(planes, 30, 0.8, 10);
  const Built fresh(small, 30, 0.8, 10);
  EXPECT_EQ(again.counts, fresh.graph.counts);
  EXPECT_EQ(again.bounds, fresh.graph.bounds);
}

TEST(Coarsened, JoinsRegionsThatALargerScaleLetsJoin) {
  // Steps of 10 and 40 grey levels (costs 17.25 and 69.25 in eighths) between stripes of 100 pixels: a step c is taken
  // when c < Int + k / 100 with Int 0.
  Image image = flat_image(10, 30, {0, 0, 0});
  fill_rectangle(image, 10, 0, 20, 10, {10, 10, 10});
  fill_rectangle(image, 20, 0, 30, 10, {50, 50, 50});
  const Built built(image, 100);
  ASSERT_EQ(built.graph.size(), 3u);
  const RegionGraph two = coarsened(built.graph, 1800), three = coarsened(built.graph, 1700);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(three.size(), 3u);
  EXPECT_EQ(two.bounds[0], (PixelBounds{0, 0, 19, 9}));
  EXPECT_EQ(two.num_pixels, (std::vector<std::uint32_t>{200, 100}));
  EXPECT_EQ(two.internal[0], 17.25f);
  ASSERT_EQ(two.pairs.size(), 1u);
  EXPECT_EQ(two.pairs[0].cost, 69.25f);
  for (std::size_t k = 0; k < kHistogramRow; ++k) {
    EXPECT_EQ(two.counts[k], built.graph.counts[k] + built.graph.counts[kHistogramRow + k]);
  }
}

}  // namespace
}  // namespace soco
