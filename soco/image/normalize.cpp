// SPDX-License-Identifier: MIT
#include "soco/image/normalize.h"

#include <hwy/cache_control.h>

#include "soco/image/normalize_kernels.h"

namespace soco {
namespace {

/// Rows of planes, one channel after the other.
template <class T>
void normalize_planes(const PlanarImage& image, Mirror mirror, const std::array<float, 3>& mean,
                      const std::array<float, 3>& std, T* out) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::uint8_t* in = image.plane(static_cast<int>(c));
    for (std::size_t y = 0; y < height; ++y, in += width, out += width) {
      kernels::normalize_row(in, width, mean[c], std[c], mirror, out);
    }
  }
}

/// Rows of pixels.
template <class T>
void normalize_pixels(const PlanarImage& image, Mirror mirror, const std::array<float, 3>& mean,
                      const std::array<float, 3>& std, T* out) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  auto in = image.planes();
  for (std::size_t y = 0; y < height; ++y, out += width * 3) {
    kernels::normalize_pixel_row(in, width, mean, std, mirror, out);
    for (const std::uint8_t*& plane : in) plane += width;
  }
}

template <class T>
void normalize_to(const PlanarImage& image, Mirror mirror, const std::array<float, 3>& mean,
                  const std::array<float, 3>& std, PixelLayout layout, T* out) {
  return layout == PixelLayout::kChw ? normalize_planes(image, mirror, mean, std, out)
                                     : normalize_pixels(image, mirror, mean, std, out);
}

}  // namespace

void normalize(const PlanarImage& image, Mirror mirror, const std::array<float, 3>& mean,
               const std::array<float, 3>& std, const ViewMemory& out) {
  out.type == ElementType::kFloat32
      ? normalize_to(image, mirror, mean, std, out.layout, static_cast<float*>(out.data))
      : normalize_to(image, mirror, mean, std, out.layout, static_cast<std::uint16_t*>(out.data));
  hwy::FlushStream();
}

void normalize_padded(const PlanarImage& image, Mirror mirror, ChannelOrder order, const std::array<float, 3>& mean,
                      const std::array<float, 3>& std, const PaddedMemory& out) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::uint8_t* in = image.plane(static_cast<int>(c));
    float* row = out.data + (order == ChannelOrder::kRgb ? c : 2 - c) * out.plane_stride;
    for (std::size_t y = 0; y < height; ++y, in += width, row += out.row_stride) {
      kernels::normalize_row(in, width, mean[c], std[c], mirror, row);
    }
  }
  hwy::FlushStream();
}

void normalize_to_chw(const Image& image, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                      float* out) {
  PlanarImage planes;
  split_planes(image, planes);
  normalize(planes, Mirror::kNo, mean, std, {out});
}

}  // namespace soco
