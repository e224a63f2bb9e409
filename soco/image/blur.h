// SPDX-License-Identifier: MIT
#pragma once
#include "soco/image/image.h"

namespace soco {

inline constexpr double kMaxBlurRadius = 1000;

/// Gaussian blur as Pillow's ImageFilter.GaussianBlur, bit for bit: three extended box blurs in each direction
/// (Gwosdek et al., SSVM 2011), edges repeated. `radius` is the standard deviation in px,
/// 0 to kMaxBlurRadius. std::logic_error beyond.
void gaussian_blur(Image& image, double radius);

}  // namespace soco
