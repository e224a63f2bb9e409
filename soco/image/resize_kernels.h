// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace soco::kernels {

// The two passes of a resize, compiled for each vector instruction set and chosen at run time. Sums are 32-bit
// integers, so all of them give the same bits.

inline constexpr int kResizePrecisionBits = 22;  // after the point of a weight

/// For each of `n` outputs a weighted sum of RGB pixels in a row, rounded and limited to 0..255: output i takes
/// `num_taps` pixels (an even number, the same for all: the loop is then predicted) from pixel first[i] on, with the
/// weights from weights + i * stride. Reads one byte beyond the last pixel, writes one byte beyond out + 3 n.
void resize_row(const std::uint8_t* in, const std::int32_t* first, const std::int32_t* weights, int num_taps,
                std::size_t stride, std::size_t n, std::uint8_t* out);

/// out[x] = the sum of rows[k][x] * weights[k] over k < count, rounded and limited to 0..255, for x < n.
void blend_rows(const std::uint8_t* const* rows, const std::int32_t* weights, int count, std::size_t n,
                std::uint8_t* out);

}  // namespace soco::kernels
