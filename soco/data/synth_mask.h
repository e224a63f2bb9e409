// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace soco {

/// A binary picture, row-major, one byte per pixel: 0 or 1.
struct BinaryMask {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;

  bool at(int y, int x) const { return pixels[static_cast<std::size_t>(y) * width + x] != 0; }
};

/// Smallest rectangle of whole pixels around the set pixels; all zero when there are none.
struct PixelBounds {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const PixelBounds&) const = default;
};

PixelBounds mask_bounds(const BinaryMask& mask);
std::int64_t mask_area(const BinaryMask& mask);

/// Run lengths in column-major order, background first (the first count is 0 when the first pixel is set): COCO's
/// uncompressed RLE. The counts sum to height * width.
std::vector<std::uint32_t> rle_counts(const BinaryMask& mask);

/// COCO's compressed form: each count (from the fourth on, its difference to the count two before) in 5-bit groups,
/// lowest first, bit 5 telling that more follow, 48 added to give printable characters.
std::string compress_rle(std::span<const std::uint32_t> counts);

/// The closed outlines of the mask along pixel edges, as x0, y0, x1, y1, ... corners in px without the repeated first
/// one. Pixels that touch at a corner only belong to different outlines; a hole has an outline of its own. A mask with
/// exactly one outline is a simple piece, and filling that polygon gives the mask back exactly.
std::vector<std::vector<int>> mask_outlines(const BinaryMask& mask);

}  // namespace soco
