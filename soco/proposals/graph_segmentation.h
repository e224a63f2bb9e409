// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/image/image.h"

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
/// The image must not be empty and must have fewer than 2^29 pixels.
Segmentation segment_graph(const Image& image, const GraphSegmentationOptions& options = {});

}  // namespace soco
