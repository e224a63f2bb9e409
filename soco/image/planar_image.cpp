// SPDX-License-Identifier: MIT
#include "soco/image/planar_image.h"

#include <algorithm>

#include "soco/base/error.h"
#include "soco/image/color_kernels.h"

namespace soco {

void PlanarImage::reshape(int new_height, int new_width) {
  SOCO_ASSERT(new_height > 0 && new_width > 0);
  height = new_height;
  width = new_width;
  num_planes = 3;
  values.resize(std::max(values.size(), num_pixels() * 3));
}

void split_planes(const Image& image, PlanarImage& out) {
  out.reshape(image.height, image.width);
  kernels::split_planes(image.pixels.data(), out.num_pixels(), out.planes());
}

void join_planes(const PlanarImage& planes, Image& out) {
  SOCO_ASSERT(planes.height == out.height && planes.width == out.width);
  kernels::join_planes(planes.planes(), planes.num_pixels(), out.pixels.data());
}

}  // namespace soco
