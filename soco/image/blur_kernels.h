// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace soco::kernels {

/// A box of radius `radius` px with weight `inner` on each of its 2 * radius + 1 pixels and `outer` on the next one on
/// either side; 24 bits after the point.
struct Box24 {
  int radius;
  std::uint32_t inner, outer;
};

/// out[x] = (outer * (taps[0][x] + taps[last][x]) + inner * the sum of the other taps[k][x] + half) >> 24 for 0..n-1:
/// tap k of the 2 * radius + 3 begins k - radius - 1 pixels from `out`. Compiled for each vector instruction set and
/// chosen at run time, with the same bits from all; nothing beyond `n` is touched. `out` overlaps no tap.
void box_filter(const std::uint8_t* const* taps, const Box24& box, std::size_t n, std::uint8_t* out);

}  // namespace soco::kernels
