// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/image/blur_kernels.h"
#include "soco/image/image.h"
#include "soco/image/planar_image.h"

namespace soco {

inline constexpr double kMaxBlurRadius = 1000;
inline constexpr int kBlurPasses = 3;

/// Memory of gaussian_blur, kept between calls by one thread.
struct BlurScratch {
  std::vector<std::uint8_t> plane;  // the other plane of a pass
  std::vector<std::uint8_t> lines;  // two rows with their edges repeated
  std::vector<std::uint32_t> sums;  // of a wide box, one a column
};

/// The radius of a box, with fraction, whose threefold blur has the standard deviation `sigma` (Gwosdek et al., eq.
/// 7, 11, 14), in float32 where Pillow has float32.
float box_blur_radius(float sigma);

/// The box that gaussian_blur takes kBlurPasses times in each direction. `radius` as of gaussian_blur.
kernels::Box24 gaussian_box(double radius);

/// Gaussian blur as Pillow's ImageFilter.GaussianBlur, bit for bit: three extended box blurs in each direction
/// (Gwosdek et al., SSVM 2011), edges repeated. `radius` is the standard deviation in px,
/// 0 to kMaxBlurRadius. std::logic_error beyond. Allocates nothing once `scratch` has grown.
void gaussian_blur(PlanarImage& image, double radius, BlurScratch& scratch);
void gaussian_blur(Image& image, double radius);

}  // namespace soco
