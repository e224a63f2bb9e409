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
/// Keeps its memory, about 70 bytes a pixel (twice that when it has one colour), from one image to the next.
class GraphSegmenter {
 public:
  /// The image must not be empty and must have fewer than 2^29 pixels. The result is valid until the next call.
  const Segmentation& segment(const Image& image, const GraphSegmentationOptions& options);

 private:
  class EdgeGrid;

  /// Writes the cost of every edge and counts the ranges they fall into.
  void measure_edges(const Image& image, double sigma, double* costs);
  /// Writes the edges' indices, those of cheaper ranges first; each range's count turns into its end.
  void divide_edges(const EdgeGrid& grid, const EdgeCosts& costs, std::uint32_t* edges);
  /// Joins sets by their edges in order of cost; gives, at the front of `edges`, those that were too dear.
  std::span<std::uint32_t> join_cheap_edges(const EdgeGrid& grid, const EdgeCosts& costs,
                                            std::span<std::uint32_t> edges);

  RowSmoother smoother_;
  Scratch<double> costs_;
  Scratch<std::uint32_t> edges_;
  Scratch<PackedEdge> dividing_, sorting_;
  std::array<std::uint32_t, kNumCostRanges> range_ends_{};
  SegmentForest forest_;
  Segmentation result_;
};

/// GraphSegmenter::segment with memory of its own.
Segmentation segment_graph(const Image& image, const GraphSegmentationOptions& options = {});

}  // namespace soco
