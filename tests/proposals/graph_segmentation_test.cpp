// SPDX-License-Identifier: MIT
#include "soco/proposals/graph_segmentation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "proposals/test_images.h"

namespace soco {
namespace {

using testing::fill_rectangle;
using testing::flat_image;
using testing::grey_image;
using testing::scene_image;

/// The method step by step, without smoothing: all edges in stable order of cost, sets as lists of labels.
std::vector<std::int32_t> plain_segments(const Image& image, double scale, int min_size) {
  const int height = image.height, width = image.width;
  struct Edge {
    int a, b;
    double cost;
  };
  std::vector<Edge> edges;
  const auto add = [&](int y, int x, int y2, int x2) {
    double sum = 0;
    for (int c = 0; c < 3; ++c) {
      const double d = image.row(y2)[3 * x2 + c] * (1.0 / 255) - image.row(y)[3 * x + c] * (1.0 / 255);
      sum += d * d;
    }
    edges.push_back({y * width + x, y2 * width + x2, std::sqrt(sum)});
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x + 1 < width; ++x) add(y, x, y, x + 1);
  for (int y = 0; y + 1 < height; ++y)
    for (int x = 0; x < width; ++x) add(y, x, y + 1, x);
  for (int y = 0; y + 1 < height; ++y)
    for (int x = 0; x + 1 < width; ++x) add(y, x, y + 1, x + 1);
  for (int y = 0; y + 1 < height; ++y)
    for (int x = 0; x + 1 < width; ++x) add(y, x + 1, y + 1, x);
  std::stable_sort(edges.begin(), edges.end(), [](const Edge& p, const Edge& q) { return p.cost < q.cost; });
  std::vector<std::int32_t> set(static_cast<std::size_t>(height * width));
  std::iota(set.begin(), set.end(), 0);
  std::vector<int> size(set.size(), 1);
  const double k = scale / 255.0;
  std::vector<float> threshold(set.size(), static_cast<float>(k));
  const auto join = [&](int a, int b) {
    for (std::int32_t& s : set)
      if (s == b) s = a;
    size[a] += size[b];
  };
  for (const Edge& e : edges) {
    const int a = set[e.a], b = set[e.b];
    if (a == b || e.cost >= std::min(threshold[a], threshold[b])) continue;
    join(a, b);
    threshold[a] = static_cast<float>(e.cost + k / size[a]);
  }
  for (const Edge& e : edges) {
    const int a = set[e.a], b = set[e.b];
    if (a != b && std::min(size[a], size[b]) < min_size) join(a, b);
  }
  std::vector<std::int32_t> label_of(set.size(), -1);
  std::int32_t count = 0;
  for (std::int32_t& s : set) {
    if (label_of[s] < 0) label_of[s] = count++;
    s = label_of[s];
  }
  return set;
}

TEST(SegmentGraph, EqualsThePlainMethodWhereManyCostsAreEqual) {
  Rng rng(11, 0, 0, 0);
  int num_segments = 0;
  for (int i = 0; i < 300; ++i) {
    const int height = 1 + static_cast<int>(rng.uniform_int(14)), width = 1 + static_cast<int>(rng.uniform_int(14));
    const std::uint64_t num_levels = 2 + rng.uniform_int(i % 3 == 0 ? 250 : 6), step = 1 + rng.uniform_int(4);
    Image image = make_image(height, width);
    for (std::uint8_t& v : image.pixels) v = static_cast<std::uint8_t>(rng.uniform_int(num_levels) * step % 256);
    const double scale = rng.uniform(0.5, 300);
    const int min_size = 1 + static_cast<int>(rng.uniform_int(8));
    const Segmentation s = segment_graph(image, {.scale = scale, .sigma = 0, .min_size = min_size});
    ASSERT_EQ(s.labels, plain_segments(image, scale, min_size)) << i;
    num_segments = std::max(num_segments, s.num_segments);
  }
  EXPECT_GT(num_segments, 3);
}

TEST(SegmentGraph, GivesOneSegmentWhenTheImageIsFlat) {
  const Segmentation s = segment_graph(flat_image(20, 30, {10, 200, 30}));
  EXPECT_EQ(s.num_segments, 1);
  EXPECT_EQ(s.labels, std::vector<std::int32_t>(600, 0));
}

TEST(SegmentGraph, JoinsTwoPixelsWhenTheirDistanceIsBelowK) {
  // Grey 0 and 1: distance sqrt(3)/255; a lone pixel's threshold is scale/255. So the limit is sqrt(3) = 1.732.
  const Image image = grey_image({{0, 1}});
  EXPECT_EQ(segment_graph(image, {.scale = 1.733, .sigma = 0, .min_size = 1}).num_segments, 1);
  EXPECT_EQ(segment_graph(image, {.scale = 1.731, .sigma = 0, .min_size = 1}).num_segments, 2);
}

TEST(SegmentGraph, AsksForMoreLikenessOfLargerSegments) {
  // Six equal pixels join at cost 0, then their threshold is scale/255/6: with a step of 1 (cost sqrt(3)/255) the limit
  // is scale = 6 sqrt(3) = 10.39.
  const Image image = grey_image({{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}});
  EXPECT_EQ(segment_graph(image, {.scale = 10.5, .sigma = 0, .min_size = 1}).num_segments, 1);
  EXPECT_EQ(segment_graph(image, {.scale = 10.3, .sigma = 0, .min_size = 1}).num_segments, 2);
}

TEST(SegmentGraph, AddsTheInternalDifferenceToTheThreshold) {
  // Grey 0 2 | 5: the pair joins at cost 2 (units of sqrt(3)/255) when scale > 2u with u = sqrt(3); then its threshold
  // is 2u + scale/2 and the lone pixel's is scale. A cost of 3u passes both when scale > 3u.
  const Image image = grey_image({{0, 2, 5}});
  EXPECT_EQ(segment_graph(image, {.scale = 3.01 * 1.7320508, .sigma = 0, .min_size = 1}).num_segments, 1);
  EXPECT_EQ(segment_graph(image, {.scale = 2.99 * 1.7320508, .sigma = 0, .min_size = 1}).num_segments, 2);
}

TEST(SegmentGraph, ConnectsDiagonally) {
  const Image image = grey_image({{0, 255}, {255, 0}});
  const Segmentation s = segment_graph(image, {.scale = 1, .sigma = 0, .min_size = 1});
  EXPECT_EQ(s.labels, (std::vector<std::int32_t>{0, 1, 1, 0}));
}

TEST(SegmentGraph, LabelsInRasterOrderOfFirstAppearance) {
  const Image image = grey_image({{9, 9, 200, 200}, {100, 100, 9, 9}, {100, 100, 9, 9}});
  const Segmentation s = segment_graph(image, {.scale = 1, .sigma = 0, .min_size = 1});
  EXPECT_EQ(s.labels, (std::vector<std::int32_t>{0, 0, 1, 1, 2, 2, 0, 0, 2, 2, 0, 0}));
}

TEST(SegmentGraph, JoinsSmallSegmentsAlongTheirCheapestEdge) {
  // The middle column (150) is nearer to 200 than to 0.
  std::vector<std::vector<int>> rows(10, std::vector<int>{0, 0, 0, 0, 150, 200, 200, 200, 200});
  const Segmentation s = segment_graph(grey_image(rows), {.scale = 1, .sigma = 0, .min_size = 11});
  ASSERT_EQ(s.num_segments, 2);
  EXPECT_EQ(s.labels[3], 0);
  EXPECT_EQ(s.labels[4], 1);
  EXPECT_EQ(s.labels[5], 1);
}

TEST(SegmentGraph, LeavesNoSegmentBelowTheMinimum) {
  const Segmentation s = segment_graph(scene_image(90, 120, 7), {.scale = 5, .sigma = 0.9, .min_size = 60});
  ASSERT_GT(s.num_segments, 3);
  std::vector<int> sizes(s.num_segments, 0);
  for (const std::int32_t label : s.labels) ++sizes[label];
  for (const int size : sizes) EXPECT_GE(size, 60);
}

TEST(SegmentGraph, WorksOnOneRowOneColumnAndOnePixel) {
  EXPECT_EQ(segment_graph(grey_image({{3}})).num_segments, 1);
  const GraphSegmentationOptions options{.scale = 1, .sigma = 0, .min_size = 1};
  EXPECT_EQ(segment_graph(grey_image({{0, 0, 255}}), options).labels, (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(segment_graph(grey_image({{0}, {255}, {255}}), options).labels, (std::vector<std::int32_t>{0, 1, 1}));
}

TEST(SegmentGraph, IsMirroredWithTheImageWhenNoCostsAreEqual) {
  // Distinct costs leave the order no choice, so the partition must not hang on where the pixels lie.
  Image image{.height = 12, .width = 12, .pixels = {}};
  Rng rng(5, 0, 0, 0);
  for (int i = 0; i < 12 * 12 * 3; ++i) image.pixels.push_back(static_cast<std::uint8_t>(rng.uniform_int(256)));
  Image turned = image;
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 12; ++x) std::copy_n(image.row(y) + 3 * x, 3, turned.row(11 - y) + 3 * (11 - x));
  }
  const GraphSegmentationOptions options{.scale = 20, .sigma = 0.9, .min_size = 5};
  const Segmentation a = segment_graph(image, options), b = segment_graph(turned, options);
  ASSERT_GT(a.num_segments, 1);
  ASSERT_EQ(a.num_segments, b.num_segments);
  for (int i = 0; i < 144; ++i) {
    for (int j = 0; j < 144; ++j) {
      ASSERT_EQ(a.labels[i] == a.labels[j], b.labels[143 - i] == b.labels[143 - j]) << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace soco
