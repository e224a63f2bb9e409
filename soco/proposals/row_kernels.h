// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace soco::kernels {

// Loops over one image row, compiled for each vector instruction set and chosen at run time. All give the same bits on
// every machine: each lane does what the plain loop would, in its order. Rows may overlap where they are only read.

/// Splits `n` RGB pixels into three rows of channel / 255 (a product with 1.0 / 255, as scikit-image has it).
void unit_rows(const std::uint8_t* rgb, std::size_t n, double* const out[3]);

/// A symmetric filter of 2 * radius + 1 taps: tap k holds the row (or the shifted line) at offset k - radius.
/// out[x] = tap[radius][x] * weights[radius], plus (tap[radius - k][x] + tap[radius + k][x]) * weights[radius - k] from
/// k = radius down to 1: scipy's order of operations.
void symmetric_filter(const double* const* taps, const double* weights, int radius, std::size_t n, double* out);

/// out[x]: Euclidean distance of pixels a[.][x] and b[.][x], three channels each.
void distances(const double* const a[3], const double* const b[3], std::size_t n, double* out);

/// least[x] = min(least[x], values[x]).
void lower(const double* values, std::size_t n, double* least);

/// Writes each x, ascending, for which values[x] equals both a[x] and b[x]; returns how many there are. `found`: room
/// for n.
std::size_t find_equal(const double* values, const double* a, const double* b, std::size_t n, std::uint32_t* found);

/// left[x] = (1 - f) p[x - 1] + f p[x] with f = minus[x]; right[x] = (1 - f) p[x] + f p[x + 1] with f = plus[x].
void interpolate_sideways(const double* p, const double* minus, const double* plus, std::size_t n, double* left,
                          double* right);

/// A row with its interpolations, see `interpolate_sideways`.
struct PatternRow {
  const double *pixels, *left, *right;
};

/// Local binary pattern codes of `centre`; `up`, `down`: the fractions of the diagonal points' rows.
void pattern_codes(const PatternRow& above, const PatternRow& centre, const PatternRow& below, double up, double down,
                   std::size_t n, std::uint8_t* codes);

}  // namespace soco::kernels
