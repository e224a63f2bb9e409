// SPDX-License-Identifier: MIT
#include "soco/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "soco/base/error.h"

namespace soco {
namespace {

// Pillow's weights have 32 - 8 - 2 bits after the point: 8 for the pixel, 2 for overshoot of negative lobes.
constexpr int kPrecisionBits = 22;
constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

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

/// Fixed-point weights of each output position: inputs first[i] .. first[i] + count[i], `stride` weights apart.
struct Weights {
  int stride = 0;
  std::vector<int> first, count;
  std::vector<std::int32_t> values;
};

Weights make_weights(int in_size, int out_size, Kernel kernel) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kernel.support * filter_scale;
  Weights weights;
  weights.stride = static_cast<int>(std::ceil(support)) * 2 + 1;
  weights.first.resize(static_cast<std::size_t>(out_size));
  weights.count.resize(static_cast<std::size_t>(out_size));
  weights.values.assign(static_cast<std::size_t>(out_size) * static_cast<std::size_t>(weights.stride), 0);
  std::vector<double> real(static_cast<std::size_t>(weights.stride));
  for (int i = 0; i < out_size; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int count = std::min(in_size, static_cast<int>(center + support + 0.5)) - first;
    double sum = 0;
    for (int k = 0; k < count; ++k)
      sum += real[static_cast<std::size_t>(k)] = kernel.value((k + first - center + 0.5) * (1.0 / filter_scale));
    for (int k = 0; k < count; ++k) {
      const double value = (sum != 0.0 ? real[static_cast<std::size_t>(k)] / sum : real[static_cast<std::size_t>(k)]) *
                           (1 << kPrecisionBits);
      weights.values[static_cast<std::size_t>(i) * static_cast<std::size_t>(weights.stride) +
                     static_cast<std::size_t>(k)] = static_cast<std::int32_t>(value < 0 ? value - 0.5 : value + 0.5);
    }
    weights.first[static_cast<std::size_t>(i)] = first;
    weights.count[static_cast<std::size_t>(i)] = count;
  }
  return weights;
}

std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

/// Scales the rows of `image` inside `crop` to `out_width`; the result has the crop's height.
Image resize_rows(const Image& image, const CropRect& crop, int out_width, Kernel kernel) {
  const Weights weights = make_weights(crop.width, out_width, kernel);
  Image out = make_image(crop.height, out_width);
  for (int y = 0; y < crop.height; ++y) {
    const std::uint8_t* in = image.row(crop.y + y) + static_cast<std::ptrdiff_t>(crop.x) * 3;
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < out_width; ++x) {
      const std::int32_t* weight =
          &weights.values[static_cast<std::size_t>(x) * static_cast<std::size_t>(weights.stride)];
      const std::uint8_t* pixel = in + static_cast<std::ptrdiff_t>(weights.first[static_cast<std::size_t>(x)]) * 3;
      std::int32_t r = kHalf, g = kHalf, b = kHalf;
      for (int k = 0; k < weights.count[static_cast<std::size_t>(x)]; ++k, pixel += 3) {
        r += pixel[0] * weight[k];
        g += pixel[1] * weight[k];
        b += pixel[2] * weight[k];
      }
      *to++ = to_byte(r);
      *to++ = to_byte(g);
      *to++ = to_byte(b);
    }
  }
  return out;
}

/// Scales the columns of `image` to `out_height`. Row by row over whole rows, so that the inner loop vectorises.
Image resize_columns(const Image& image, int out_height, Kernel kernel) {
  const Weights weights = make_weights(image.height, out_height, kernel);
  Image out = make_image(out_height, image.width);
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::int32_t> sums(row_bytes);
  for (int y = 0; y < out_height; ++y) {
    const std::int32_t* weight =
        &weights.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(weights.stride)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (int k = 0; k < weights.count[static_cast<std::size_t>(y)]; ++k) {
      const std::uint8_t* in = image.row(weights.first[static_cast<std::size_t>(y)] + k);
      const std::int32_t w = weight[k];
      for (std::size_t i = 0; i < row_bytes; ++i) sums[i] += in[i] * w;
    }
    std::uint8_t* to = out.row(y);
    for (std::size_t i = 0; i < row_bytes; ++i) to[i] = to_byte(sums[i]);
  }
  return out;
}

Image cut(const Image& image, const CropRect& crop) {
  Image out = make_image(crop.height, crop.width);
  for (int y = 0; y < crop.height; ++y)
    std::memcpy(out.row(y), image.row(crop.y + y) + static_cast<std::ptrdiff_t>(crop.x) * 3,
                static_cast<std::size_t>(crop.width) * 3);
  return out;
}

}  // namespace

Image make_image(int height, int width) {
  SOCO_ASSERT(height > 0 && width > 0);
  return {height, width,
          std::vector<std::uint8_t>(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3)};
}

Image crop_and_resize(const Image& image, const CropRect& crop, int out_height, int out_width, Filter filter) {
  SOCO_ASSERT(crop.x >= 0 && crop.y >= 0 && crop.width > 0 && crop.height > 0);
  SOCO_ASSERT(crop.x <= image.width - crop.width && crop.y <= image.height - crop.height);
  SOCO_ASSERT(out_height > 0 && out_width > 0);
  const Kernel kernel = kernel_of(filter);
  // Pillow leaves out a pass that would not change the size.
  const Image rows = out_width != crop.width ? resize_rows(image, crop, out_width, kernel) : cut(image, crop);
  return out_height != crop.height ? resize_columns(rows, out_height, kernel) : rows;
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
