// SPDX-License-Identifier: MIT
#pragma once
#include "soco/image/image.h"

namespace soco {

enum class Filter { kBilinear, kBicubic, kLanczos };

/// A part of an image in whole pixels.
struct CropRect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  bool operator==(const CropRect&) const = default;
};

/// Cuts `crop` out and scales it, bit for bit as Pillow's crop().resize(): antialiased, separable, 22-bit fixed-point
/// weights, rows before columns with 8 bits between. Std::logic_error when the crop leaves the image.
Image crop_and_resize(const Image& image, const CropRect& crop, int out_height, int out_width,
                      Filter filter = Filter::kBilinear);

/// Mirrors left and right.
Image flip_horizontal(const Image& image);

}  // namespace soco
