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

RowOfThree moved(const RowOfThree& row, int by) { return {row[0] + by, row[1] + by, row[2] + by}; }

/// Writes costs and packed edges row by row, each block in its own part of the memory.
class EdgeWriter {
 public:
  EdgeWriter(const Image& image, double* costs, PackedEdge* edges)
      : width_(static_cast<std::size_t>(image.width)),
        num_pixels_(static_cast<std::size_t>(image.height) * width_),
        costs_(costs) {
    const std::size_t rows = static_cast<std::size_t>(image.height);
    const std::array<std::size_t, kNumBlocks> sizes{rows * (width_ - 1), (rows - 1) * width_, (rows - 1) * (width_ - 1),
                                                    (rows - 1) * (width_ - 1)};
    for (int block = 0; block < kNumBlocks; ++block) {
      next_[block] = edges;
      edges += sizes[block];
    }
  }
  void write(EdgeBlock block, std::size_t y, const RowOfThree& a, const RowOfThree& b, std::size_t n) {
    const std::size_t pixel = y * width_;
    const std::uint32_t index = static_cast<std::uint32_t>(block) << kPlaceBits | static_cast<std::uint32_t>(pixel);
    kernels::distance_edges(a.data(), b.data(), n, index, costs_ + block * num_pixels_ + pixel, next_[block]);
    next_[block] += n;
  }
  PackedEdge* end() const { return next_[kNumBlocks - 1]; }

 private:
  std::size_t width_, num_pixels_;
  double* costs_;
  std::array<PackedEdge*, kNumBlocks> next_{};
};

}  // namespace

/// Finds the pixels of an edge.
class GraphSegmenter::EdgeEnds {
 public:
  explicit EdgeEnds(std::uint32_t width) : offsets_{{{0, 1}, {0, width}, {0, width + 1}, {1, width}}} {}
  PixelPair operator()(PackedEdge edge) const {
    const PixelPair offset = offsets_[edge_index(edge) >> kPlaceBits];
    const std::uint32_t pixel = edge_index(edge) & kPlaceMask;
    return {pixel + offset.a, pixel + offset.b};
  }

 private:
  std::array<PixelPair, kNumBlocks> offsets_;
};

std::span<PackedEdge> GraphSegmenter::grid_edges(const Image& image, double sigma, double* costs, PackedEdge* edges) {
  const std::size_t width = static_cast<std::size_t>(image.width);
  EdgeWriter writer(image, costs, edges);
  smoother_.start(image, sigma);
  RowOfThree above{};
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
    const RowOfThree row = smoother_.next();
    writer.write(kRight, y, row, moved(row, 1), width - 1);
    if (y > 0) {
      writer.write(kDown, y - 1, above, row, width);
      writer.write(kDownRight, y - 1, above, moved(row, 1), width - 1);
      writer.write(kUpRight, y - 1, moved(above, 1), row, width - 1);
    }
    above = row;
  }
  return {edges, writer.end()};
}

std::span<PackedEdge> GraphSegmenter::join_cheap_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch,
                                                       const EdgeCosts& costs, const EdgeEnds& ends_of) {
  const auto range_ends = divide_edges(edges, scratch);
  PackedEdge* const left = edges.data();  // all edges are in scratch now
  std::size_t num_left = 0;
  for (std::size_t begin = 0, range = 0; begin < edges.size();) {
    while (range < kNumCostRanges && range_ends[range] < begin + kEdgesAtATime) ++range;
    const std::size_t end = range < kNumCostRanges ? range_ends[range] : edges.size();
    // Most of a range's edges lie within a set by now: only the others are worth sorting.
    std::size_t num_kept = begin;
    for (std::size_t i = begin; i < end; ++i) {
      const PixelPair pixels = ends_of(scratch[i]);
      scratch[num_kept] = scratch[i];
      num_kept += forest_.ancestor(pixels.a) != forest_.ancestor(pixels.b);
    }
    const std::span<PackedEdge> kept = scratch.subspan(begin, num_kept - begin);
    sort_edges(kept, sorting_.take(kept.size()), costs);
    for_dividing_edges(
        kept.size(), forest_, [&](std::size_t i) { return ends_of(kept[i]); },
        [&](std::size_t i) { __builtin_prefetch(costs.at(edge_index(kept[i]))); },
        [&](std::uint32_t a, std::uint32_t b, std::size_t i) {
          const double cost = *costs.at(edge_index(kept[i]));
          if (cost < forest_.min_threshold(a, b)) {
            forest_.join(a, b, cost);
          } else {
            left[num_left++] = kept[i];
          }
        });
    begin = end;
  }
  return {left, num_left};
}

const Segmentation& GraphSegmenter::segment(const Image& image, const GraphSegmentationOptions& options) {
  const std::size_t num_pixels = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  SOCO_ASSERT(num_pixels > 0 && num_pixels < (std::size_t{1} << 29));
  SOCO_ASSERT(image.pixels.size() == 3 * num_pixels);
  double* const costs_memory = costs_.take(kNumBlocks * num_pixels).data();
  const std::span<PackedEdge> edges =
      grid_edges(image, options.sigma, costs_memory, edges_.take(kNumBlocks * num_pixels).data());
  forest_.reset(num_pixels, options.scale / 255.0);
  const EdgeEnds ends_of(static_cast<std::uint32_t>(image.width));
  // Edges that divide two sets still: no other can matter later.
  const std::span<PackedEdge> left =
      join_cheap_edges(edges, divided_.take(edges.size()), {costs_memory, num_pixels}, ends_of);
  for_dividing_edges(
      left.size(), forest_, [&](std::size_t i) { return ends_of(left[i]); }, [](std::size_t) {},
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
