// SPDX-License-Identifier: MIT
#include "soco/image/fast_view.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"
#include "soco/image/blur.h"

namespace soco {
namespace {

constexpr int kWeightBits = 15;

/// A weight of 22 bits after the point with 15; the greatest, 1, does not fit 16 bits and loses 1/32768.
std::int32_t short_weight(std::int32_t weight) {
  constexpr int kDropped = 7;
  return std::min((weight + (1 << (kDropped - 1))) >> kDropped, (1 << kWeightBits) - 1);
}

/// The columns' weights as fast_resize_row takes them; the number of taps.
int arrange_columns(FastView& view) {
  const ResizeWeights& w = view.columns;
  const std::size_t n = w.first.size();
  const auto num_taps = static_cast<std::size_t>(*std::max_element(w.count.begin(), w.count.end()) + 1) / 2 * 2;
  view.pairs.assign((n + 1) / 2 * num_taps / 2 * 8, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < num_taps; k += 2) {
      const std::int32_t* values = &w.values[i * w.stride + k];
      const std::int32_t pair = short_weight(values[0]) | short_weight(values[1]) << 16;
      std::fill_n(&view.pairs[(i / 2 * num_taps / 2 + k / 2) * 8 + i % 2 * 4], 4, pair);
    }
  }
  return static_cast<int>(num_taps);
}

/// The rows under output row `y`, blended into view.line, which begins at pixel `x` of the image.
void blend_rows(const Image& image, int x, int y_begin, std::size_t y, std::size_t line_values, FastView& view) {
  const ResizeWeights& w = view.rows;
  const auto count = static_cast<std::size_t>(w.count[y]);
  view.row_taps.resize(std::max(view.row_taps.size(), count));
  view.row_weights.resize(std::max(view.row_weights.size(), count));
  for (std::size_t k = 0; k < count; ++k) {
    view.row_taps[k] = image.row(y_begin + w.first[y] + static_cast<int>(k)) + std::ptrdiff_t{3} * x;
    view.row_weights[k] = static_cast<std::int16_t>(short_weight(w.values[y * w.stride + k]));
  }
  kernels::fast_blend_rows(view.row_taps.data(), view.row_weights.data(), w.count[y], line_values, view.line.data());
}

/// One side of the threefold box of gaussian_blur, from the centre on, to view.blur_weights; their sum over both sides
/// is 1. Returns how many there are beside the centre.
std::size_t fold_boxes(double radius, FastView& view) {
  const float box = box_blur_radius(static_cast<float>(radius));
  const auto whole = static_cast<std::size_t>(box);
  const float inner = 1.0f / (2 * box + 1), outer = (1 - static_cast<float>(2 * whole + 1) * inner) / 2;
  const std::size_t reach = whole + 1, all = 3 * reach;
  view.kernel.assign(2 * all + 1, 0);
  view.kernel[all] = 1;
  for (int pass = 0; pass < 3; ++pass) {
    view.folded.assign(2 * all + 1, 0);
    for (std::size_t i = reach; i + reach <= 2 * all; ++i) {
      for (std::size_t k = 0; k <= 2 * reach; ++k)
        view.folded[i + k - reach] += view.kernel[i] * (k == 0 || k == 2 * reach ? outer : inner);
    }
    std::swap(view.kernel, view.folded);
  }
  view.blur_weights.resize(all + 1);
  int rest = 1 << kWeightBits;
  for (std::size_t k = 1; k <= all; ++k) {
    const auto weight = static_cast<int>(std::lround(view.kernel[all + k] * (1 << kWeightBits)));
    view.blur_weights[k] = static_cast<std::int16_t>(weight);
    rest -= 2 * weight;
  }
  view.blur_weights[0] = static_cast<std::int16_t>(std::min(rest, (1 << kWeightBits) - 1));
  return all;
}

void blur_columns(const std::int16_t* in, int height, int width, std::size_t reach, FastView& view, std::int16_t* out) {
  for (int y = 0; y < height; ++y) {
    for (std::size_t k = 0; k <= 2 * reach; ++k) {
      const int row = std::clamp(y + static_cast<int>(k) - static_cast<int>(reach), 0, height - 1);
      view.blur_taps[k] = in + static_cast<std::ptrdiff_t>(row) * width;
    }
    kernels::fast_filter(view.blur_taps.data(), view.blur_weights.data(), reach, static_cast<std::size_t>(width),
                         out + static_cast<std::ptrdiff_t>(y) * width);
  }
}

void blur_rows(const std::int16_t* in, int height, int width, std::size_t reach, FastView& view, std::int16_t* out) {
  const auto n = static_cast<std::size_t>(width);
  std::int16_t* const line = view.line.data();
  for (std::size_t k = 0; k <= 2 * reach; ++k) view.blur_taps[k] = line + k;
  for (int y = 0; y < height; ++y, in += n, out += n) {
    std::fill_n(line, reach, in[0]);
    std::copy_n(in, n, line + reach);
    std::fill_n(line + reach + n, reach, in[n - 1]);
    kernels::fast_filter(view.blur_taps.data(), view.blur_weights.data(), reach, n, out);
  }
}

template <class T>
void finish_rows(const FastView& view, const kernels::FastFinish& finish, Mirror mirror, PixelLayout layout, T* out) {
  const auto width = static_cast<std::size_t>(view.width);
  auto in = view.planes();
  for (int y = 0; y < view.height; ++y, out += layout == PixelLayout::kChw ? width : 3 * width) {
    kernels::finish_fast_row(in, width, finish, mirror, layout, view.num_pixels(), out);
    for (const std::int16_t*& plane : in) plane += width;
  }
  hwy::FlushStream();
}

/// Distances from `level` (kSaturation: from the luminance) times `factor`.
kernels::ColourStep scaling_step(kernels::ColourStep::Kind kind, double factor, int level) {
  kernels::ColourStep step{kind, 0, 0, static_cast<std::int16_t>(level * kernels::kFastUnit)};
  double gain = factor - 1;
  for (; std::abs(gain) >= 2; gain /= 2) ++step.times;
  step.gain = static_cast<std::int16_t>(std::clamp(std::lround(gain * (1 << 14)), -32767L, 32767L));
  return step;
}

}  // namespace

void fast_resize(const Image& image, const CropWindow& window, int height, int width, FastView& view) {
  const int x = static_cast<int>(std::floor(window.x)), y = static_cast<int>(std::floor(window.y));
  const int x_end = std::min(image.width, static_cast<int>(std::ceil(window.x + window.width)));
  const int y_end = std::min(image.height, static_cast<int>(std::ceil(window.y + window.height)));
  SOCO_ASSERT(x >= 0 && y >= 0 && x < x_end && y < y_end && height > 0 && width > 0);
  view.height = height;
  view.width = width;
  view.values.resize(std::max(view.values.size(), 3 * view.num_pixels()));
  make_resize_weights(x_end - x, window.x - x, window.width, width, Filter::kBilinear, view.columns);
  make_resize_weights(y_end - y, window.y - y, window.height, height, Filter::kBilinear, view.rows);
  const int num_taps = arrange_columns(view);
  const auto n = static_cast<std::size_t>(width), line_values = static_cast<std::size_t>(x_end - x) * 3;
  // Taps of weight zero and the last load may reach beyond the line.
  view.line.resize(std::max(view.line.size(), line_values + static_cast<std::size_t>(num_taps) * 3 + 8));
  view.pixels.resize(std::max(view.pixels.size(), 4 * (n + 1)));
  auto out = view.planes();
  for (std::size_t row = 0; row < static_cast<std::size_t>(height); ++row) {
    blend_rows(image, x, y, row, line_values, view);
    kernels::fast_resize_row(view.line.data(), view.columns.first.data(), view.pairs.data(), num_taps, n,
                             view.pixels.data());
    kernels::split_fast_pixels(view.pixels.data(), n, out);
    for (std::int16_t*& plane : out) plane += n;
  }
}

kernels::ColourStep fast_blend(int level, double factor) {
  return scaling_step(kernels::ColourStep::Kind::kBlend, factor, level);
}

kernels::ColourStep fast_saturation(double factor) {
  return scaling_step(kernels::ColourStep::Kind::kSaturation, factor, 0);
}

kernels::ColourStep fast_hue(double sixths) {
  SOCO_ASSERT(std::abs(sixths) <= 3);
  const long thirds = std::lround(sixths / 2);
  const long rest = std::lround((sixths - 2.0 * static_cast<double>(thirds)) * (1 << 15));
  return {kernels::ColourStep::Kind::kHue, static_cast<std::int16_t>(std::clamp(rest, -32767L, 32767L)),
          static_cast<std::int16_t>((thirds + 3) % 3)};
}

kernels::ColourStep fast_solarize(int threshold) {
  // A level counts as the threshold from half a level below it on, as it would after rounding.
  const int from = std::min(threshold * kernels::kFastUnit - kernels::kFastUnit / 2, kernels::kFastMost + 1);
  return {kernels::ColourStep::Kind::kSolarize, 0, 0, static_cast<std::int16_t>(from)};
}

void fast_colours(FastView& view, std::span<const kernels::ColourStep> steps) {
  kernels::change_fast_colours(view.planes(), view.num_pixels(), steps);
}

double fast_mean(const FastView& view, std::span<const kernels::ColourStep> steps) {
  constexpr int kStride = 4;
  const auto width = static_cast<std::size_t>(view.width);
  std::int64_t sum = 0;
  std::size_t num_rows = 0;
  for (int y = view.height < kStride ? 0 : kStride / 2; y < view.height; y += kStride, ++num_rows) {
    kernels::ConstPlanes16 row = view.planes();
    for (const std::int16_t*& plane : row) plane += static_cast<std::size_t>(y) * width;
    sum += kernels::sum_fast_luminance(row, width, steps);
  }
  return static_cast<double>(sum) / (static_cast<double>(num_rows * width) * kernels::kFastUnit);
}

void fast_blur(FastView& view, double radius) {
  SOCO_ASSERT(radius >= 0 && radius <= kMaxBlurRadius);
  const std::size_t reach = fold_boxes(radius, view), width = static_cast<std::size_t>(view.width);
  view.blur_taps.resize(std::max(view.blur_taps.size(), 2 * reach + 1));
  view.line.resize(std::max(view.line.size(), width + 2 * reach));
  view.blurred.resize(std::max(view.blurred.size(), view.num_pixels()));
  for (std::int16_t* plane : view.planes()) {
    blur_columns(plane, view.height, view.width, reach, view, view.blurred.data());
    blur_rows(view.blurred.data(), view.height, view.width, reach, view, plane);
  }
}

void fast_finish(const FastView& view, Mirror mirror, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                 const ViewMemory& out) {
  kernels::FastFinish finish;
  for (std::size_t c = 0; c < 3; ++c) {
    finish.scale[c] = 1.0f / (static_cast<float>(kernels::kFastMost) * std[c]);
    finish.shift[c] = -mean[c] / std[c];
  }
  return out.type == ElementType::kFloat32
             ? finish_rows(view, finish, mirror, out.layout, static_cast<float*>(out.data))
             : finish_rows(view, finish, mirror, out.layout, static_cast<std::uint16_t*>(out.data));
}

}  // namespace soco
