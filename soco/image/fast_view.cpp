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

/// Memory is kept when less is needed.
template <class T>
void grow(std::vector<T>& memory, std::size_t size) {
  memory.resize(std::max(memory.size(), size));
}

/// A weight of 22 bits after the point with 15; the greatest, 1, does not fit 16 bits and loses 1/32768.
std::int16_t short_weight(std::int32_t weight) {
  constexpr int kDropped = 7;
  return static_cast<std::int16_t>(std::min((weight + (1 << (kDropped - 1))) >> kDropped, (1 << kWeightBits) - 1));
}

/// The columns' weights as fast_resize_rows takes them; the number of taps.
std::size_t arrange_columns(FastView& view) {
  const ResizeWeights& w = view.columns;
  const auto num_taps = static_cast<std::size_t>(*std::max_element(w.count.begin(), w.count.end()));
  view.column_weights.resize(w.first.size() * num_taps);
  std::int16_t* to = view.column_weights.data();
  for (std::size_t i = 0; i < w.first.size(); ++i)
    to = std::transform(&w.values[i * w.stride], &w.values[i * w.stride] + num_taps, to, short_weight);
  return num_taps;
}

/// The rows under output row `y`, blended into `line`, which begins at pixel `x` of the image.
void blend_rows(const Image& image, int x, int y_begin, std::size_t y, std::size_t num_values, FastView& view,
                std::int16_t* line) {
  const ResizeWeights& w = view.rows;
  const auto count = static_cast<std::size_t>(w.count[y]);
  grow(view.row_taps, count);
  grow(view.row_weights, count);
  for (std::size_t k = 0; k < count; ++k) {
    view.row_taps[k] = image.row(y_begin + w.first[y] + static_cast<int>(k)) + std::ptrdiff_t{3} * x;
    view.row_weights[k] = short_weight(w.values[y * w.stride + k]);
  }
  kernels::fast_blend_rows(view.row_taps.data(), view.row_weights.data(), w.count[y], num_values, line);
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
  std::int16_t* const line = view.lines.data();
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
  grow(view.values, 3 * view.num_pixels());
  make_resize_weights(x_end - x, window.x - x, window.width, width, Filter::kBilinear, view.columns);
  make_resize_weights(y_end - y, window.y - y, window.height, height, Filter::kBilinear, view.rows);
  const std::size_t num_taps = arrange_columns(view);
  const auto n = static_cast<std::size_t>(width), num_rows = static_cast<std::size_t>(height);
  const auto num_values = static_cast<std::size_t>(x_end - x) * 3, line_size = num_values + 7;
  using kernels::kFastRows;
  grow(view.lines, kFastRows * line_size);
  grow(view.line_columns, kFastRows * (line_size + 3 * num_taps));
  grow(view.beyond, n);
  std::array<const std::int16_t*, kFastRows> lines{};
  std::array<std::int16_t*, 3 * kFastRows> out{};
  for (std::size_t row = 0; row < num_rows; row += kFastRows) {
    for (std::size_t r = 0; r < kFastRows; ++r) {
      const bool inside = row + r < num_rows;
      std::int16_t* const line = view.lines.data() + (inside ? r : 0) * line_size;
      if (inside) blend_rows(image, x, y, row + r, num_values, view, line);
      lines[r] = line;
      for (std::size_t c = 0; c < 3; ++c)
        out[kFastRows * c + r] = inside ? view.planes()[c] + (row + r) * n : view.beyond.data();
    }
    kernels::fast_resize_rows(lines.data(), num_values, view.columns.first.data(), view.column_weights.data(), num_taps,
                              n, view.line_columns.data(), out.data());
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
  grow(view.blur_taps, 2 * reach + 1);
  grow(view.lines, width + 2 * reach);
  grow(view.blurred, view.num_pixels());
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
