// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace soco::kernels {

// The two passes of a resize, compiled for each vector instruction set and chosen at run time. Sums are 32-bit
// integers, so all of them give the same bits.

inline constexpr int kResizePrecisionBits = 22;  // after the point of a weight

/// The weights of one axis as resize_row takes them: output i has `num_taps` pixels (an even number, the same for all:
/// the loop is then predicted) from pixel first[i] on.
struct RowWeights {
  const std::int32_t* first;   // [n]
  const std::int32_t* values;  // [n, stride]
  const std::int32_t* pairs;   // see pair_weights
  std::size_t stride, n;
  int num_taps;
};

inline constexpr int kLowBits = 11;  // of a weight in two parts

/// Vectors hold couples of outputs, i and i + 2 of each four: which couple output i is in, and its place there.
struct CouplePlace {
  std::size_t couple, member;
};
constexpr CouplePlace couple_place(std::size_t i) { return {i / 4 * 2 + i % 2, i / 2 % 2}; }
constexpr std::size_t num_couples(std::size_t n) { return (n + 3) / 4 * 2; }

/// int32 values that pair_weights writes.
constexpr std::size_t num_pair_weights(std::size_t n, int num_taps) {
  return num_couples(n) * static_cast<std::size_t>(num_taps) / 2 * 16;
}

/// Arranges weights.values for vectors that hold two taps of two outputs, as high * 2^kLowBits + low, which fit 16
/// bits: [couples, taps / 2, high or low, 2 outputs, 4 channels] pairs of int16.
void pair_weights(const RowWeights& weights, std::int32_t* pairs);

/// A weighted sum of RGB pixels in a row for each output, rounded and limited to 0..255. Reads kReadBeyond bytes beyond
/// the last pixel at the most, writes kWrittenBeyond beyond out + 3 n.
void resize_row(const std::uint8_t* in, const RowWeights& weights, std::uint8_t* out);
inline constexpr std::size_t kReadBeyond = 16, kWrittenBeyond = 11;

/// out[x] = the sum of rows[k][x] * weights[k] over k < count, rounded and limited to 0..255, for x < n.
void blend_rows(const std::uint8_t* const* rows, const std::int32_t* weights, int count, std::size_t n,
                std::uint8_t* out);

}  // namespace soco::kernels
