// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "soco/proposals/colour_space.h"
#include "soco/proposals/region_graph.h"
#include "soco/proposals/scratch.h"
#include "soco/proposals/segment_forest.h"

namespace soco {

/// However busy an image is, it is cut into at most so many regions: the least size of a region grows with the image.
inline constexpr int kMaxRegions = 8192;

/// Makes the finest regions of an image in one colour space: graph segmentation (Felzenszwalb and Huttenlocher, IJCV
/// 2004) on the 8-connected grid of the smoothed planes with costs in steps of an eighth of a grey level, then size,
/// bounds, colour and texture histograms, and 4-connected adjacency. Keeps its memory from one image to the next.
class RegionBuilder {
 public:
  /// `planes`: at least one pixel, fewer than 2^29. `scale`: k, for costs in grey levels. `sigma`: px of smoothing.
  /// `min_size`: px; smaller regions are joined to a neighbour. The result is valid until the next call.
  const RegionGraph& build(const ColourPlanes& planes, double scale, double sigma, int min_size);
  /// Of the last build: the region of every pixel, [height * width].
  std::span<const std::int32_t> labels() const { return labels_; }

 private:
  void smooth(const ColourPlanes& planes, double sigma);
  const float* smoothed_row(int channel, int y) const {
    return smoothed_[channel] + static_cast<std::size_t>(y) * stride_ + 1;
  }
  void sort_edges();
  void segment(double scale, int min_size);
  void count_features(const ColourPlanes& planes);
  void find_pairs();

  int height_ = 0, width_ = 0, num_channels_ = 0;
  std::size_t stride_ = 0;            // of a smoothed row: one more pixel at each end
  std::array<float*, 3> smoothed_{};  // [height][stride]
  std::array<Scratch<float>, 3> smoothed_memory_;
  Scratch<float> line_;
  Scratch<std::uint16_t> cost_memory_, left_costs_;
  Scratch<std::uint32_t> edge_memory_;
  std::span<std::uint16_t> costs_;   // [4 blocks][height * width], see region_builder.cpp
  std::span<std::uint32_t> edges_;   // ascending by cost
  std::vector<std::uint32_t> ends_;  // of each cost's edges in edges_
  SegmentForest forest_;
  std::vector<std::int32_t> labels_;
  RegionGraph graph_;
};

}  // namespace soco
