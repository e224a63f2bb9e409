// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace soco::kernels {

// Single-precision and integer loops of the grouping strategies, compiled for each vector instruction set and chosen at
// run time. All give the same bits on every machine: each lane does what the plain loop would, sums are of integers.

/// As `symmetric_filter` (row_kernels.h), in float32.
void symmetric_filter(const float* const* taps, const float* weights, int radius, std::size_t n, float* out);

/// out[x] = min(max_cost, floor(steps_per_level * Euclidean distance of a[.][x] and b[.][x])) over `num_channels`.
void quantized_distances(const float* const* a, const float* const* b, int num_channels, std::size_t n,
                         float steps_per_level, int max_cost, std::uint16_t* out);

/// Gradients of `row` in four directions, 0, 45, 90 and 135 degrees, by central differences (not halved), each rounded,
/// clamped to -128..127 and raised by 128.
void gradient_codes(const float* above, const float* row, const float* below, std::size_t n,
                    std::uint8_t* const codes[4]);

/// out[i] = floor(counts[i] * factor). `n`: a multiple of 16.
void scale_counts(const std::uint32_t* counts, std::size_t n, float factor, std::uint16_t* out);

/// Sum of min(a[i], b[i]), which must not exceed 65535. `n`: a multiple of 16.
std::uint32_t histogram_intersection(const std::uint16_t* a, const std::uint16_t* b, std::size_t n);

}  // namespace soco::kernels
