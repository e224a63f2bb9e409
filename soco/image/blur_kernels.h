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

/// The greatest radius of the functions below, which add up all pixels under the box anew for each output.
inline constexpr int kMaxBoxRadius = 6;

// One box blur, edges repeated, compiled for each vector instruction set and chosen at run time, with the same bits
// from all: out = (inner * sum of the pixels under the box + outer * sum of the two beyond + half) >> 24. Nothing
// beyond the last value is touched; `out` does not overlap `in`.

/// `passes` blurs (2 or more) along each row, one after the other. `lines`: 2 * (width + 2 * (box.radius + 1)) bytes of
/// scratch.
void box_blur_rows(const std::uint8_t* in, std::size_t height, std::size_t width, const Box24& box, int passes,
                   std::uint8_t* lines, std::uint8_t* out);

/// One blur down each column.
void box_blur_columns(const std::uint8_t* in, std::size_t height, std::size_t width, const Box24& box,
                      std::uint8_t* out);

}  // namespace soco::kernels
