// SPDX-License-Identifier: MIT
#include "soco/proposals/graph_segmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

#include "soco/base/error.h"
#include "soco/proposals/edge_sort.h"
#include "soco/proposals/gaussian.h"

namespace soco {
namespace {

/// The grid's edges lie in four blocks, which is also the order among equal costs: right, down, down-right, up-right.
/// The index of an edge is block * num_pixels + the top left pixel of the 2 x 2 square it lies in.
enum EdgeBlock { kRight, kDown, kDownRight, kUpRight };
constexpr int kNumBlocks = 4;

/// Memory that is not cleared first: each image needs a hundred bytes a pixel.
template <class T>
struct Buffer {
  explicit Buffer(std::size_t n) : data(std::make_unique_for_overwrite<T[]>(n)), size(n) {}
  std::span<T> first(std::size_t n) { return {data.get(), n}; }
  std::unique_ptr<T[]> data;
  std::size_t size;
};

/// The two pixels of each block's edges, relative to the top left pixel.
struct BlockOffsets {
  std::array<std::uint32_t, kNumBlocks> a, b;
  explicit BlockOffsets(std::uint32_t width) : a{0, 0, 0, 1}, b{1, width, width + 1, width} {}
};

Planes planes_of(const Image& image) {
  Planes planes{.height = image.height, .width = image.width, .channels = {}};
  const std::size_t n = static_cast<std::size_t>(image.height) * image.width;
  std::array<double, 256> unit{};
  for (int i = 0; i < 256; ++i) unit[i] = i * (1.0 / 255.0);  // a product, not a quotient, as scikit-image has it
  for (int c = 0; c < 3; ++c) {
    planes.channels[c].resize(n);
    for (std::size_t i = 0; i < n; ++i) planes.channels[c][i] = unit[image.pixels[3 * i + c]];
  }
  return planes;
}

/// Euclidean distances in RGB of n pixels from `a` on to n pixels from `b` on.
void colour_distances(const Planes& planes, std::size_t a, std::size_t b, int n, double* out) {
  const double *a0 = planes.channels[0].data() + a, *b0 = planes.channels[0].data() + b;
  const double *a1 = planes.channels[1].data() + a, *b1 = planes.channels[1].data() + b;
  const double *a2 = planes.channels[2].data() + a, *b2 = planes.channels[2].data() + b;
  for (int x = 0; x < n; ++x) {
    const double d0 = b0[x] - a0[x], d1 = b1[x] - a1[x], d2 = b2[x] - a2[x];
    out[x] = std::sqrt(d0 * d0 + d1 * d1 + d2 * d2);
  }
}

/// Costs of all edges at their index, and the edges in ascending order of index. Gaps between rows keep no cost.
std::span<PackedEdge> grid_edges(const Planes& planes, Buffer<double>& costs, Buffer<PackedEdge>& edges) {
  const std::size_t width = static_cast<std::size_t>(planes.width);
  const std::size_t num_pixels = static_cast<std::size_t>(planes.height) * width;
  const BlockOffsets offsets(static_cast<std::uint32_t>(width));
  std::size_t num_edges = 0;
  for (int block = 0; block < kNumBlocks; ++block) {
    const int num_rows = planes.height - (block == kRight ? 0 : 1);
    const int num_columns = planes.width - (block == kDown ? 0 : 1);
    for (int y = 0; y < num_rows; ++y) {
      const std::size_t pixel = static_cast<std::size_t>(y) * width;
      const std::size_t index = static_cast<std::size_t>(block) * num_pixels + pixel;
      double* row = costs.data.get() + index;
      colour_distances(planes, pixel + offsets.a[block], pixel + offsets.b[block], num_columns, row);
      PackedEdge* out = edges.data.get() + num_edges;
      for (int x = 0; x < num_columns; ++x) out[x] = pack_edge(row[x], static_cast<std::uint32_t>(index) + x);
      num_edges += static_cast<std::size_t>(num_columns);
    }
  }
  return edges.first(num_edges);
}

/// Disjoint sets of pixels with their size and the cost below which an edge may still join them to another set.
class SegmentForest {
 public:
  SegmentForest(std::size_t num_pixels, double scale)
      : parents_(num_pixels), roots_(num_pixels, Root{1, threshold(0, 1, scale)}), scale_(scale) {
    std::iota(parents_.begin(), parents_.end(), 0u);
  }
  std::uint32_t find(std::uint32_t i) {
    while (parents_[i] != i) {
      parents_[i] = parents_[parents_[i]];
      i = parents_[i];
    }
    return i;
  }
  /// A cheap way to see that two pixels are in one set; false says nothing.
  bool have_one_parent(std::uint32_t i, std::uint32_t j) const { return parents_[i] == parents_[j]; }
  void prefetch(std::uint32_t pixel) const { __builtin_prefetch(&parents_[pixel]); }
  int size(std::uint32_t root) const { return roots_[root].size; }
  /// min(Int(C1) + k/|C1|, Int(C2) + k/|C2|), the paper's MInt.
  float min_threshold(std::uint32_t a, std::uint32_t b) const {
    return std::min(roots_[a].threshold, roots_[b].threshold);
  }
  /// `cost`: of the joining edge, the new set's internal difference, since edges come in ascending order.
  void join(std::uint32_t a, std::uint32_t b, double cost) {
    if (roots_[a].size < roots_[b].size) std::swap(a, b);
    parents_[b] = a;
    roots_[a].size += roots_[b].size;
    roots_[a].threshold = threshold(cost, roots_[a].size, scale_);
  }

 private:
  struct Root {
    std::int32_t size;
    float threshold;
  };
  /// Single precision: scikit-image keeps this sum in a C float, and comparisons come out differently in double.
  static float threshold(double internal, int size, double scale) {
    return static_cast<float>(internal + scale / size);
  }

  std::vector<std::uint32_t> parents_;
  std::vector<Root> roots_;  // meaningful where parents_[i] == i
  double scale_;
};

struct PixelPair {
  std::uint32_t a, b;
};

/// Finds the pixels of an edge from its index.
class EdgeEnds {
 public:
  EdgeEnds(std::uint32_t width, std::uint32_t num_pixels) : offsets_(width), num_pixels_(num_pixels) {}
  PixelPair operator()(PackedEdge edge) const {
    const std::uint32_t index = edge_index(edge);
    const std::uint32_t block = (index >= num_pixels_) + (index >= 2 * num_pixels_) + (index >= 3 * num_pixels_);
    const std::uint32_t pixel = index - block * num_pixels_;
    return {pixel + offsets_.a[block], pixel + offsets_.b[block]};
  }

 private:
  BlockOffsets offsets_;
  std::uint32_t num_pixels_;
};

/// Edges in order of cost lie anywhere in the image: their pixels are fetched into the cache this far ahead.
constexpr std::size_t kPrefetchDistance = 24;

/// Joins sets along edges that are cheap for both. Returns the edges whose ends were in two sets, in order, moved to
/// the front: no other can matter later.
std::span<PackedEdge> join_similar(std::span<PackedEdge> edges, std::span<const double> costs, const EdgeEnds& ends_of,
                                   SegmentForest& forest) {
  std::size_t num_left = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (i + kPrefetchDistance < edges.size()) {
      const PixelPair ahead = ends_of(edges[i + kPrefetchDistance]);
      forest.prefetch(ahead.a);
      forest.prefetch(ahead.b);
      __builtin_prefetch(&costs[edge_index(edges[i + kPrefetchDistance])]);
    }
    const PixelPair ends = ends_of(edges[i]);
    if (forest.have_one_parent(ends.a, ends.b)) continue;
    const std::uint32_t a = forest.find(ends.a), b = forest.find(ends.b);
    if (a == b) continue;
    const double cost = costs[edge_index(edges[i])];
    if (cost < forest.min_threshold(a, b)) {
      forest.join(a, b, cost);
    } else {
      edges[num_left++] = edges[i];
    }
  }
  return edges.first(num_left);
}

void join_small(std::span<const PackedEdge> edges, const EdgeEnds& ends_of, int min_size, SegmentForest& forest) {
  for (const PackedEdge edge : edges) {
    const PixelPair ends = ends_of(edge);
    const std::uint32_t a = forest.find(ends.a), b = forest.find(ends.b);
    if (a != b && std::min(forest.size(a), forest.size(b)) < min_size) forest.join(a, b, 0);
  }
}

Segmentation labelled(SegmentForest& forest, std::size_t num_pixels) {
  Segmentation result{.num_segments = 0, .labels = std::vector<std::int32_t>(num_pixels)};
  std::vector<std::int32_t> label_of_root(num_pixels, -1);
  for (std::size_t i = 0; i < num_pixels; ++i) {
    std::int32_t& label = label_of_root[forest.find(static_cast<std::uint32_t>(i))];
    if (label < 0) label = result.num_segments++;
    result.labels[i] = label;
  }
  return result;
}

}  // namespace

Segmentation segment_graph(const Image& image, const GraphSegmentationOptions& options) {
  const std::size_t num_pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  SOCO_ASSERT(num_pixels > 0 && num_pixels < (std::size_t{1} << 29));  // indices of edges have 32 bits
  SOCO_ASSERT(image.pixels.size() == 3 * num_pixels);
  Buffer<double> costs(kNumBlocks * num_pixels);
  Buffer<PackedEdge> memory(kNumBlocks * num_pixels), scratch(kNumBlocks * num_pixels);
  Planes planes = planes_of(image);
  gaussian_smooth(planes, options.sigma);
  const std::span<PackedEdge> edges = grid_edges(planes, costs, memory);
  const std::span<const double> all_costs = costs.first(costs.size);
  sort_edges(edges, scratch.first(edges.size()), all_costs);
  SegmentForest forest(num_pixels, options.scale / 255.0);
  const EdgeEnds ends_of(static_cast<std::uint32_t>(image.width), static_cast<std::uint32_t>(num_pixels));
  join_small(join_similar(edges, all_costs, ends_of, forest), ends_of, options.min_size, forest);
  return labelled(forest, num_pixels);
}

}  // namespace soco
