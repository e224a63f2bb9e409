// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "soco/image/normalize.h"

namespace soco::kernels {

// The loops of fast views, compiled for each vector instruction set and chosen at run time. Values are int16 in 64ths
// of a level, 0 to kFastMost. Nothing beyond `n` is touched, where nothing else is said.

inline constexpr int kFastUnit = 64;
inline constexpr int kFastMost = 255 * kFastUnit;

using Planes16 = std::array<std::int16_t*, 3>;
using ConstPlanes16 = std::array<const std::int16_t*, 3>;

/// A change of colours, limited to 0..kFastMost.
struct ColourStep {
  enum class Kind {
    kBlend,       ///< pivot + factor * (value - pivot)
    kSaturation,  ///< the same about the pixel's luminance
    kHue,         ///< the hue is turned
    kSolarize     ///< values of `pivot` and above are taken from kFastMost
  };
  Kind kind;
  std::int16_t gain = 0;   ///< factor - 1 = gain * 2^(times - 14); kHue: sixths of a turn, 15 bits after the point
  std::int16_t times = 0;  ///< kHue: thirds of a turn besides, 0..2
  std::int16_t pivot = 0;
};

/// What makes stored pixels of values: value * scale + shift.
struct FastFinish {
  std::array<float, 3> scale, shift;
};

/// out[x] = the sum of rows[k][x] * weights[k] over k < count; weights have 15 bits after the point.
void fast_blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights, int count, std::size_t n,
                     std::int16_t* out);

/// Rows that are resized together: with one in each lane, all lanes have the same taps.
inline constexpr std::size_t kFastRows = 16;

/// Columns of kFastRows rows of RGB pixels: out[kFastRows * c + r][i] = the sum of rows[r][3 * (first[i] + k) + c] *
/// weights[num_taps * i + k] over k < num_taps; weights have 15 bits after the point. A row has `num_values` values, up
/// to 7 beyond them are read; taps beyond them must have weight 0. `columns`: scratch of kFastRows * (num_values + 3 *
/// num_taps + 7) values.
void fast_resize_rows(const std::int16_t* const* rows, std::size_t num_values, const std::int32_t* first,
                      const std::int16_t* weights, std::size_t num_taps, std::size_t n, std::int16_t* columns,
                      std::int16_t* const* out);

/// out[x] = taps[radius][x] * weights[0] + the sum of (taps[radius - k][x] + taps[radius + k][x]) * weights[k].
void fast_filter(const std::int16_t* const* taps, const std::int16_t* weights, std::size_t radius, std::size_t n,
                 std::int16_t* out);

void change_fast_colours(const Planes16& planes, std::size_t n, std::span<const ColourStep> steps);

/// Sum of the luminance that the steps would give, in 64ths of a level.
std::int64_t sum_fast_luminance(const ConstPlanes16& planes, std::size_t n, std::span<const ColourStep> steps);

/// One row to its place; `plane`: elements between channels (PixelLayout::kChw). uint16_t: bits of a bfloat16.
void finish_fast_row(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                     PixelLayout layout, std::size_t plane, float* out);
void finish_fast_row(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                     PixelLayout layout, std::size_t plane, std::uint16_t* out);

}  // namespace soco::kernels
