// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "soco/modeling/detector_options.h"

namespace soco {

/// The cells of a feature map, and how far apart they lie in the image, px.
struct AnchorGrid {
  std::int64_t height = 0, width = 0;
  std::int64_t stride_y = 1, stride_x = 1;
};

/// The anchors of one feature map: boxes of all `sizes` and ratios around each cell, as Detectron2 orders them: cell
/// after cell, row by row; in a cell size after size, in a size ratio after ratio.
/// [height * width * sizes * ratios, 4] float64 on the CPU, xyxy, px of the image.
torch::Tensor make_anchors(const AnchorOptions& options, const std::vector<double>& sizes, const AnchorGrid& grid);

}  // namespace soco
