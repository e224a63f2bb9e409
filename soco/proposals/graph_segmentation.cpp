// SPDX-License-Identifier: MIT
#include "soco/proposals/graph_segmentation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "soco/base/error.h"
#include "soco/proposals/row_kernels.h"

namespace soco {
namespace {

/// The grid's edges lie in four blocks, which is also the order among equal costs: right, down, down-right, up-right.
/// An edge's place in its block is the top left pixel of the 2 x 2 square it lies in.
enum EdgeBlock { kRight, kDown, kDownRight, kUpRight };
constexpr int kNumBlocks = 4;

/// Edges sorted at a time: with what goes with them they stay in a core's second cache.
constexpr std::size_t kEdgesAtATime = 16384;

/// So many edges ahead of their turn their pixels are fetched into the cache.
constexpr std::size_t kFilterDistance = 24;

constexpr double kAboveAllCosts = 2;

/// Sets joined ahead of their turn, see join_nearest: so small that k / size is above the rounding of a threshold below
/// k, which has 24 bits.
constexpr int kMaxNearest = 1 << 16;

RowOfThree moved(const RowOfThree& row, int by) { return {row[0] + by, row[1] + by, row[2] + by}; }

}  // namespace

/// Where the edges of a grid lie.
class GraphSegmenter::EdgeGrid {
 public:
  EdgeGrid(int height, int width)
      : height_(static_cast<std::uint32_t>(height)),
        width_(static_cast<std::uint32_t>(width)),
        offsets_{{{0, 1}, {0, width_}, {0, width_ + 1}, {1, width_}}} {}

  std::size_t height() const { return height_; }
  std::size_t width() const { return width_; }
  std::size_t num_edges() const {
    std::size_t count = 0;
    for_rows([&](EdgeBlock, std::uint32_t, std::uint32_t n) { count += n; });
    return count;
  }
  /// Calls visit(block, first place, number of edges) for the rows of each block.
  template <class Visit>
  void for_rows(const Visit& visit) const {
    for (const EdgeBlock block : {kRight, kDown, kDownRight, kUpRight}) {
      const std::uint32_t rows = block == kRight ? height_ : height_ - 1;
      for (std::uint32_t y = 0; y < rows; ++y) visit(block, y * width_, block == kDown ? width_ : width_ - 1);
    }
  }
  /// The two pixels of an edge.
  PixelPair ends(std::uint32_t index) const {
    const PixelPair offset = offsets_[index >> kPlaceBits];
    const std::uint32_t pixel = index & kPlaceMask;
    return {pixel + offset.a, pixel + offset.b};
  }

 private:
  std::uint32_t height_, width_;
  std::array<PixelPair, kNumBlocks> offsets_;
};

void GraphSegmenter::LeastCosts::start(std::size_t width) {
  width_ = width;
  rows_.resize(3 * width);
}

double* GraphSegmenter::LeastCosts::clear(std::size_t y) {
  double* const least = row(y);
  std::fill(least, least + width_, kAboveAllCosts);
  return least;
}

void GraphSegmenter::measure_edges(const Image& image, double sigma, const EdgeGrid& grid, double* costs) {
  const std::size_t width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  range_ends_.fill(0);
  least_.start(width);
  found_.take(width);
  const auto measure = [&](EdgeBlock block, std::size_t y, const RowOfThree& a, const RowOfThree& b, std::size_t n,
                           double* least_a, double* least_b) {
    double* const out = costs + (block * height + y) * width;
    kernels::distances(a.data(), b.data(), n, out);
    for (std::size_t x = 0; x < n; ++x) ++range_ends_[cost_range(out[x])];
    kernels::lower(out, n, least_a);
    kernels::lower(out, n, least_b);
  };
  smoother_.start(image, sigma);
  RowOfThree above{};
  for (std::size_t y = 0; y < height; ++y) {
    const RowOfThree row = smoother_.next();
    double *const least = least_.clear(y), *const least_above = least_.row(y + 2);
    measure(kRight, y, row, moved(row, 1), width - 1, least, least + 1);
    if (y > 0) {
      measure(kDown, y - 1, above, row, width, least_above, least);
      measure(kDownRight, y - 1, above, moved(row, 1), width - 1, least_above, least + 1);
      measure(kUpRight, y - 1, moved(above, 1), row, width - 1, least_above + 1, least);
      join_nearest(grid, costs, y - 1);
    }
    above = row;
  }
  join_nearest(grid, costs, height - 1);
}

void GraphSegmenter::join_nearest(const EdgeGrid& grid, const double* costs, std::size_t y) {
  const std::size_t width = grid.width();
  const double *const least = least_.row(y), *const above = least_.row(y + 2);
  const auto join = [&](EdgeBlock block, std::size_t row, std::size_t n, const double* least_a, const double* least_b) {
    const std::size_t first = row * width;
    const double* const in = costs + block * grid.height() * width + first;
    const std::uint32_t place = static_cast<std::uint32_t>(block) << kPlaceBits | static_cast<std::uint32_t>(first);
    const std::span<std::uint32_t> found = found_.take(width);
    const std::size_t count = kernels::find_equal(in, least_a, least_b, n, found.data());
    for (std::size_t i = 0; i < count; ++i) {
      const PixelPair pixels = grid.ends(place + found[i]);
      const std::uint32_t a = forest_.find(pixels.a), b = forest_.find(pixels.b);
      if (a != b && forest_.size(a) + forest_.size(b) <= kMaxNearest && in[found[i]] < forest_.min_threshold(a, b))
        forest_.join(a, b, in[found[i]]);
    }
  };
  join(kRight, y, width - 1, least, least + 1);
  if (y == 0) return;
  join(kDown, y - 1, width, above, least);
  join(kDownRight, y - 1, width - 1, above, least + 1);
  join(kUpRight, y - 1, width - 1, above + 1, least);
}

void GraphSegmenter::divide_edges(const EdgeGrid& grid, const EdgeCosts& costs, PackedEdge* edges) {
  std::uint32_t start = 0;
  for (std::uint32_t& count : range_ends_) start += std::exchange(count, start);
  grid.for_rows([&](EdgeBlock block, std::uint32_t place, std::uint32_t n) {
    const std::uint32_t first = static_cast<std::uint32_t>(block) << kPlaceBits | place;
    const double* const in = costs.at(first);
    for (std::uint32_t x = 0; x < n; ++x) {
      const RangedEdge ranged = ranged_edge(in[x], first + x);
      edges[range_ends_[ranged.range]++] = ranged.edge;
    }
  });
}

std::span<PackedEdge> GraphSegmenter::join_cheap_edges(const EdgeGrid& grid, const EdgeCosts& costs,
                                                       std::span<PackedEdge> edges) {
  std::size_t num_left = 0;
  for (std::size_t begin = 0, range = 0; begin < edges.size(); ++range) {
    const std::size_t first_range = range;
    while (range + 1 < kNumCostRanges && range_ends_[range] < begin + kEdgesAtATime) ++range;
    const std::size_t end = range_ends_[range];
    const CostKey key(first_range, range);
    // Most edges lie within a set by now: only the others are worth sorting.
    PackedEdge* const dividing_memory = dividing_.take(end - begin).data();
    std::size_t count = 0;
    for (std::size_t i = begin, of = first_range; of <= range; ++of) {
      for (; i < range_ends_[of]; ++i) {
        const PixelPair ahead = grid.ends(edge_index(edges[std::min(i + kFilterDistance, end - 1)]));
        forest_.prefetch(ahead.a);
        forest_.prefetch(ahead.b);
        const PixelPair pixels = grid.ends(edge_index(edges[i]));
        dividing_memory[count] = key.pack(of, edges[i]);
        count += forest_.ancestor(pixels.a) != forest_.ancestor(pixels.b);
      }
    }
    const std::span<PackedEdge> dividing(dividing_memory, count);
    sort_edges(dividing, sorting_.take(count), costs);
    for_dividing_edges(
        count, forest_, [&](std::size_t i) { return grid.ends(edge_index(dividing[i])); },
        [&](std::size_t i) { __builtin_prefetch(costs.at(edge_index(dividing[i]))); },
        [&](std::uint32_t a, std::uint32_t b, std::size_t i) {
          const double cost = *costs.at(edge_index(dividing[i]));
          if (cost < forest_.min_threshold(a, b)) {
            forest_.join(a, b, cost);
          } else {
            edges[num_left++] = dividing[i];
          }
        });
    begin = end;
  }
  return edges.first(num_left);
}

const Segmentation& GraphSegmenter::segment(const Image& image, const GraphSegmentationOptions& options) {
  const std::size_t num_pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  SOCO_ASSERT(num_pixels > 0 && num_pixels < (std::size_t{1} << 29));
  SOCO_ASSERT(image.pixels.size() == 3 * num_pixels);
  const EdgeGrid grid(image.height, image.width);
  double* const costs_memory = costs_.take(kNumBlocks * num_pixels).data();
  const EdgeCosts costs{costs_memory, num_pixels};
  const std::span<PackedEdge> edges = edges_.take(grid.num_edges());
  forest_.reset(num_pixels, options.scale / 255.0);
  measure_edges(image, options.sigma, grid, costs_memory);
  divide_edges(grid, costs, edges.data());
  // Edges that divide two sets still: no other can matter later.
  const std::span<PackedEdge> left = join_cheap_edges(grid, costs, edges);
  for_dividing_edges(
      left.size(), forest_, [&](std::size_t i) { return grid.ends(edge_index(left[i])); }, [](std::size_t) {},
      [&](std::uint32_t a, std::uint32_t b, std::size_t) {
        if (std::min(forest_.size(a), forest_.size(b)) < options.min_size) forest_.join(a, b, 0);
      });
  result_.labels.resize(num_pixels);
  result_.num_segments = forest_.label(result_.labels, [](float) {});
  return result_;
}

Segmentation segment_graph(const Image& image, const GraphSegmentationOptions& options) {
  return GraphSegmenter().segment(image, options);
}

}  // namespace soco
