// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace soco {

/// Masks in the frames of their boxes, brought into the image: masks [D,M,M] probabilities, boxes [D,4] xyxy px of an
/// image of height x width px. Returns [D,height,width] uint8 on the CPU, 1 where the mask, sampled bilinearly at the
/// pixel's centre and 0 beyond its edge, is at least `threshold`: Detectron2's rule (torchvision rounds boxes to whole
/// pixels instead). Boxes may lie partly or wholly outside. Errors: shapes that do not fit, boxes that are not finite.
torch::Tensor paste_masks(const torch::Tensor& masks, const torch::Tensor& boxes, std::int64_t height,
                          std::int64_t width, double threshold = 0.5);

}  // namespace soco
