// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

namespace soco {

/// Non-maximum suppression within each class: from the highest score down, a box is kept unless one kept before it, of
/// its class, overlaps it by more than `iou_threshold`. boxes [B,4] xyxy, scores [B], classes [B] int64; equal scores
/// keep the order of the input. Returns the indices of the kept boxes [M] int64 on the CPU, by descending score.
/// Computed on the CPU in float64, whatever the input, so that the result is the same everywhere.
/// Errors: shapes that do not fit; a score that is no number.
torch::Tensor batched_nms(const torch::Tensor& boxes, const torch::Tensor& scores, const torch::Tensor& classes,
                          double iou_threshold);

}  // namespace soco
