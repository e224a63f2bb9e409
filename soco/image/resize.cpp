// SPDX-License-Identifier: MIT
#include "soco/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "soco/base/error.h"
#include "soco/image/resize_kernels.h"

namespace soco {
namespace {

// Pillow's weights have 32 - 8 - 2 bits after the point: 8 for the pixel, 2 for overshoot of negative lobes.
static_assert(kernels::kResizePrecisionBits == 32 - 8 - 2);

double bilinear(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double bicubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

struct Kernel {
  double (*value)(double);
  double support;
};

Kernel kernel_of(Filter filter) {
  switch (filter) {
    case Filter::kBilinear:
      return {bilinear, 1.0};
    case Filter::kBicubic:
      return {bicubic, 2.0};
    case Filter::kLanczos:
      return {lanczos, 3.0};
  }
  return {bilinear, 1.0};
}

/// What is read along one axis: `extent` px from `begin` on, of `size` px that may be looked at.
struct Span {
  int size;
  double begin, extent;
};

std::int32_t fixed_point(double value) {
  value *= 1 << kernels::kResizePrecisionBits;
  return static_cast<std::int32_t>(value < 0 ? value - 0.5 : value + 0.5);
}

void make_weights(const Span& in, int out_size, Kernel kernel, ResizeWeights& weights) {
  const double scale = in.extent / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kernel.support * filter_scale;
  const auto num_out = static_cast<std::size_t>(out_size);
  weights.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 2;  // one more than can be used: see num_taps_
  weights.first.resize(num_out);
  weights.count.resize(num_out);
  weights.values.assign(num_out * weights.stride, 0);
  weights.real.resize(weights.stride);
  for (std::size_t i = 0; i < num_out; ++i) {
    const double center = in.begin + (static_cast<double>(i) + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int count = std::min(in.size, static_cast<int>(center + support + 0.5)) - first;
    double* const real = weights.real.data();
    double sum = 0;
    for (int k = 0; k < count; ++k) sum += real[k] = kernel.value((k + first - center + 0.5) * (1.0 / filter_scale));
    std::int32_t* const values = &weights.values[i * weights.stride];
    for (int k = 0; k < count; ++k) values[k] = fixed_point(sum != 0.0 ? real[k] / sum : real[k]);
    weights.first[i] = first;
    weights.count[i] = count;
  }
}

int most(const std::vector<std::int32_t>& counts) { return *std::max_element(counts.begin(), counts.end()); }

/// One resize: rows are scaled to the output's width when the columns above them need them, and kept in a ring.
class Resizer {
 public:
  Resizer(const Image& image, const CropRect& crop, const Image& out, bool scales_width, ResizeScratch& scratch)
      : image_(image),
        crop_(crop),
        out_bytes_(static_cast<std::size_t>(out.width) * 3),
        num_taps_(scales_width ? (most(scratch.columns.count) + 1) / 2 * 2 : 0),
        scratch_(scratch) {
    if (!scales_width) return;
    scratch.pairs.resize(kernels::num_pair_weights(scratch.columns.first.size(), num_taps_));
    kernels::pair_weights(row_weights(), scratch.pairs.data());
  }

  /// The row `y` of the crop at the output's width, to `out` (kWrittenBeyond bytes more may be written).
  void scale_row(int y, std::uint8_t* out) {
    const std::uint8_t* in = crop_row(y);
    const auto row_bytes = static_cast<std::size_t>(crop_.width) * 3;
    // Taps of weight zero may lie behind the row: harmless but at the image's end.
    const std::size_t behind = static_cast<std::size_t>(num_taps_) * 3 + kernels::kReadBeyond;
    if (static_cast<std::size_t>(image_.pixels.data() + image_.pixels.size() - in) < row_bytes + behind) {
      scratch_.line.assign(in, in + row_bytes);
      scratch_.line.resize(row_bytes + behind);
      in = scratch_.line.data();
    }
    kernels::resize_row(in, row_weights(), out);
  }

  const std::uint8_t* crop_row(int y) const {
    return image_.row(crop_.y + y) + static_cast<std::ptrdiff_t>(crop_.x) * 3;
  }

  /// All output rows; `scales_width` tells whether rows are scaled or taken as they are.
  void scale_columns(bool scales_width, Image& out) {
    const ResizeWeights& w = scratch_.rows;
    const int ring_rows = most(w.count);
    const std::size_t ring_stride = out_bytes_ + kernels::kWrittenBeyond;
    scratch_.ring.resize(static_cast<std::size_t>(ring_rows) * ring_stride);
    scratch_.taps.resize(static_cast<std::size_t>(ring_rows));
    const auto ring_row = [&](int y) {
      return scratch_.ring.data() + static_cast<std::size_t>(y % ring_rows) * ring_stride;
    };
    int next = w.first[0];
    for (int y = 0; y < out.height; ++y) {
      const auto at = static_cast<std::size_t>(y);
      for (; scales_width && next < w.first[at] + w.count[at]; ++next) scale_row(next, ring_row(next));
      for (int k = 0; k < w.count[at]; ++k)
        scratch_.taps[static_cast<std::size_t>(k)] =
            scales_width ? ring_row(w.first[at] + k) : crop_row(w.first[at] + k);
      kernels::blend_rows(scratch_.taps.data(), &w.values[at * w.stride], w.count[at], out_bytes_, out.row(y));
    }
  }

  /// For outputs of the crop's height.
  void scale_rows(bool scales_width, Image& out) {
    scratch_.ring.resize(out_bytes_ + kernels::kWrittenBeyond);
    for (int y = 0; y < out.height; ++y) {
      if (scales_width) scale_row(y, scratch_.ring.data());
      std::memcpy(out.row(y), scales_width ? scratch_.ring.data() : crop_row(y), out_bytes_);
    }
  }

 private:
  kernels::RowWeights row_weights() const {
    const ResizeWeights& w = scratch_.columns;
    return {w.first.data(), w.values.data(), scratch_.pairs.data(), w.stride, w.first.size(), num_taps_};
  }

  const Image& image_;
  const CropRect crop_;
  const std::size_t out_bytes_;
  const int num_taps_;  // of a row's outputs: the most that one takes, made even; those beyond its own weigh nothing
  ResizeScratch& scratch_;
};

/// `inside`: the window, in px of the crop.
void resize_window(const Image& image, const CropRect& crop, const CropWindow& inside, Image& out, Filter filter,
                   ResizeScratch& scratch) {
  SOCO_ASSERT(crop.x >= 0 && crop.y >= 0 && crop.width > 0 && crop.height > 0);
  SOCO_ASSERT(crop.x <= image.width - crop.width && crop.y <= image.height - crop.height);
  SOCO_ASSERT(out.height > 0 && out.width > 0 && &image != &out);
  const Kernel kernel = kernel_of(filter);
  // Pillow leaves out a pass that would change nothing.
  const bool scales_width = out.width != crop.width || inside.width != crop.width;
  const bool scales_height = out.height != crop.height || inside.height != crop.height;
  if (scales_width) make_weights({crop.width, inside.x, inside.width}, out.width, kernel, scratch.columns);
  if (scales_height) make_weights({crop.height, inside.y, inside.height}, out.height, kernel, scratch.rows);
  Resizer resizer(image, crop, out, scales_width, scratch);
  scales_height ? resizer.scale_columns(scales_width, out) : resizer.scale_rows(scales_width, out);
}

}  // namespace

void make_resize_weights(int size, double begin, double extent, int out_size, Filter filter, ResizeWeights& weights) {
  make_weights({size, begin, extent}, out_size, kernel_of(filter), weights);
}

Image make_image(int height, int width) {
  SOCO_ASSERT(height > 0 && width > 0);
  return {height, width,
          std::vector<std::uint8_t>(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3)};
}

void reshape(Image& image, int height, int width) {
  SOCO_ASSERT(height > 0 && width > 0);
  image.height = height;
  image.width = width;
  image.pixels.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
}

Image crop_and_resize(const Image& image, const CropRect& crop, int out_height, int out_width, Filter filter) {
  ResizeScratch scratch;
  Image out = make_image(out_height, out_width);
  crop_and_resize(image, crop, out, filter, scratch);
  return out;
}

void crop_and_resize(const Image& image, const CropRect& crop, Image& out, Filter filter, ResizeScratch& scratch) {
  resize_window(image, crop, {0, 0, static_cast<double>(crop.width), static_cast<double>(crop.height)}, out, filter,
                scratch);
}

void crop_and_resize(const Image& image, const CropWindow& window, Image& out, Filter filter, ResizeScratch& scratch) {
  const int x = static_cast<int>(std::floor(window.x)), y = static_cast<int>(std::floor(window.y));
  const int x_end = std::min(image.width, static_cast<int>(std::ceil(window.x + window.width)));
  const int y_end = std::min(image.height, static_cast<int>(std::ceil(window.y + window.height)));
  resize_window(image, {x, y, x_end - x, y_end - y}, {window.x - x, window.y - y, window.width, window.height}, out,
                filter, scratch);
}

Image flip_horizontal(const Image& image) {
  Image out = make_image(image.height, image.width);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* in = image.row(y);
    std::uint8_t* to = out.row(y) + static_cast<std::ptrdiff_t>(image.width - 1) * 3;
    for (int x = 0; x < image.width; ++x, in += 3, to -= 3) std::memcpy(to, in, 3);
  }
  return out;
}

}  // namespace soco
