// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "soco/image/image.h"

namespace soco {

/// out [3, height, width] float32 = (pixel / 255 - mean) / std, each step rounded to float32 as torchvision's ToTensor
/// and Normalize do. `mean`, `std`: of values in [0, 1].
void normalize_to_chw(const Image& image, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                      float* out);

}  // namespace soco
