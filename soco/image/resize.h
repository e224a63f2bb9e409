// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

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

/// A part of an image whose sides may lie between pixels.
struct CropWindow {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

/// Fixed-point weights along one axis: output i takes count[i] inputs from first[i] on, its weights `stride` apart.
struct ResizeWeights {
  std::size_t stride = 0;
  std::vector<std::int32_t> first, count, values;
  std::vector<double> real;  // of one output, before they are rounded
};

/// Memory of crop_and_resize, kept between calls by one thread.
struct ResizeScratch {
  ResizeWeights columns, rows;
  std::vector<std::int32_t> pairs;        // the columns' weights as kernels::pair_weights arranges them
  std::vector<std::uint8_t> ring;         // rows scaled to the output's width
  std::vector<std::uint8_t> line;         // a row with a byte behind it
  std::vector<const std::uint8_t*> taps;  // the rows under one output row
};

/// The weights of `out_size` outputs over `extent` px from `begin` on, of `size` px that may be looked at.
void make_resize_weights(int size, double begin, double extent, int out_size, Filter filter, ResizeWeights& weights);

/// Gives `image` a size; its content is undefined. Memory is kept when it becomes smaller.
void reshape(Image& image, int height, int width);

/// Cuts `crop` out and scales it, bit for bit as Pillow's crop().resize(): antialiased, separable, 22-bit fixed-point
/// weights, rows before columns with 8 bits between. std::logic_error when the crop leaves the image.
Image crop_and_resize(const Image& image, const CropRect& crop, int out_height, int out_width,
                      Filter filter = Filter::kBilinear);

/// The same to the size that `out` has. Allocates nothing once `scratch` has grown.
void crop_and_resize(const Image& image, const CropRect& crop, Image& out, Filter filter, ResizeScratch& scratch);

/// Of a window of an image, as Pillow's crop().resize(box=...): pixels that the window touches take part. Equal to the
/// above for whole numbers.
void crop_and_resize(const Image& image, const CropWindow& window, Image& out, Filter filter, ResizeScratch& scratch);

/// Mirrors left and right.
Image flip_horizontal(const Image& image);

}  // namespace soco
