// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include "soco/image/image.h"
#include "soco/image/planar_image.h"
#include "soco/structures/pixel_format.h"

namespace soco {

inline constexpr std::array<float, 3> kImageNetMean{0.485f, 0.456f, 0.406f};  ///< RGB, of values in [0, 1]
inline constexpr std::array<float, 3> kImageNetStd{0.229f, 0.224f, 0.225f};

enum class Mirror { kNo, kYes };  ///< whether left and right change places

/// Where a view goes: [3, height, width] or [height, width, 3] elements, dense, aligned as its elements are.
struct ViewMemory {
  void* data = nullptr;
  ElementType type = ElementType::kFloat32;
  PixelLayout layout = PixelLayout::kChw;
};

/// out = (value / 255 - mean) / std, each step rounded to float32 as torchvision's ToTensor and Normalize do; bfloat16
/// is that, rounded to the nearest, halves to even. `mean`, `std`: of values in [0, 1], RGB.
void normalize(const PlanarImage& image, Mirror mirror, const std::array<float, 3>& mean,
               const std::array<float, 3>& std, const ViewMemory& out);

/// Where an image lies in a larger picture of float32 planes: its rows are `row_stride` elements apart, its channels
/// `plane_stride`.
struct PaddedMemory {
  float* data = nullptr;
  std::size_t row_stride = 0, plane_stride = 0;
};

/// The same to planes in the order given (RGB, or BGR as networks from Caffe take it); nothing beyond the image's own
/// rows is touched. `mean`, `std`: RGB in either order.
enum class ChannelOrder { kRgb, kBgr };
void normalize_padded(const PlanarImage& image, Mirror mirror, ChannelOrder order, const std::array<float, 3>& mean,
                      const std::array<float, 3>& std, const PaddedMemory& out);

/// The same of an Image to float32 [3, height, width], not mirrored.
void normalize_to_chw(const Image& image, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                      float* out);

}  // namespace soco
