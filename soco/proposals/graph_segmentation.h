// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "soco/image/image.h"
#include "soco/proposals/edge_sort.h"
#include "soco/proposals/gaussian.h"
#include "soco/proposals/scratch.h"
#include "soco/proposals/segment_forest.h"

namespace soco {

/// A partition of an image into connected segments.
struct Segmentation {
  int num_segments = 0;
  std::vector<std::int32_t> labels;  // [height * width], 0..num_segments-1 in raster order of first appearance
};

/// Parameters of the graph segmentation, see SelectiveSearchOptions.
struct GraphSegmentationOptions {
  double scale = 300;
  double sigma = 0.9;
  int min_size = 100;
};

/// Efficient graph-based image segmentation (Felzenszwalb and Huttenlocher, IJCV 2004) on the 8-connected grid of the
/// smoothed RGB image in [0, 1], label for label as scikit-image 0.19's `felzenszwalb` when its edge sort is stable.
/// Keeps its memory, about 90 bytes a pixel (twice that when it has one colour), from one image to the next.
class GraphSegmenter {
 public:
  /// The image must not be empty and must have fewer than 2^29 pixels. The result is valid until the next call.
  const Segmentation& segment(const Image& image, const GraphSegmentationOptions& options);

 private:
  class EdgeGrid;

  /// The least cost of the edges of each pixel, for three rows.
  class LeastCosts {
   public:
    void start(std::size_t width);
    double* row(std::size_t y) { return rows_.data() + y % 3 * width_; }
    /// The row, all above any cost.
    double* clear(std::size_t y);

   private:
    std::size_t width_ = 0;
    std::vector<double> rows_;
  };

  /// Writes the cost of every edge, counts the ranges they fall into, and joins nearest pixels.
  void measure_edges(const Image& image, double sigma, const EdgeGrid& grid, double* costs);
  /// Joins the pixels of row y, and of it and the row above, whose edge is the cheapest of both. None of their other
  /// edges can come before it, and those as cheap join their sets whenever they come, so that it may be taken ahead of
  /// its turn, while it lies in the cache and without having been sorted.
  void join_nearest(const EdgeGrid& grid, const double* costs, std::size_t y);
  /// Writes the edges, those of cheaper ranges first; each range's count turns into its end. What sorting needs of the
  /// costs goes with them: they would be fetched from all over the image otherwise.
  void divide_edges(const EdgeGrid& grid, const EdgeCosts& costs, PackedEdge* edges);
  /// Joins sets by their edges in order of cost; gives, at the front of `edges`, those that were too dear.
  std::span<PackedEdge> join_cheap_edges(const EdgeGrid& grid, const EdgeCosts& costs, std::span<PackedEdge> edges);

  RowSmoother smoother_;
  LeastCosts least_;
  Scratch<double> costs_;
  Scratch<std::uint32_t> found_;
  Scratch<PackedEdge> edges_, dividing_, sorting_;
  std::array<std::uint32_t, kNumCostRanges> range_ends_{};
  SegmentForest forest_;
  Segmentation result_;
};

/// GraphSegmenter::segment with memory of its own.
Segmentation segment_graph(const Image& image, const GraphSegmentationOptions& options = {});

}  // namespace soco
