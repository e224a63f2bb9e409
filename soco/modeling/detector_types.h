// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace soco {

struct ImageSize {
  std::int64_t height = 0, width = 0;  // px
};

/// Images on the detector's device.
struct DetectorImages {
  torch::Tensor pixels;  // [N,3,H,W] float32 (or the model's float64), normalised RGB, padded at right and bottom
  std::vector<ImageSize> sizes;  // [N] before padding
};

/// Mask targets of boxes [B,4] (float64, CPU, px of the padded image) of an image's objects [B] (int64, CPU): [B,side,
/// side] on the CPU, each value the share of a cell that is the object's, mostly 0 or 1. A mask of -1: its object has
/// no shape and counts nothing.
using MaskTargets =
    std::function<torch::Tensor(const torch::Tensor& boxes, const torch::Tensor& objects, std::int64_t side)>;

/// What is to be found in one image; on the CPU.
struct DetectorTarget {
  torch::Tensor boxes;   // [G,4] float32 or float64, xyxy, px of the padded image
  torch::Tensor labels;  // [G] int64, 0..K-1
  MaskTargets masks;     // null: the image has none
};

/// What was found in one image, the best first; on the CPU.
struct DetectorDetections {
  torch::Tensor boxes;   // [D,4], xyxy, px of the padded image, within the unpadded one
  torch::Tensor scores;  // [D] in [0,1]
  torch::Tensor labels;  // [D] int64, 0..K-1
  torch::Tensor masks;   // [D,M,M] probabilities in the frame of the box; undefined without a mask branch
};

/// Scalar losses by name, each with its weight, whose sum is to be made small.
using NamedLosses = std::vector<std::pair<std::string, torch::Tensor>>;

/// Figures to watch, by name.
using NamedFigures = std::vector<std::pair<std::string, double>>;

}  // namespace soco
