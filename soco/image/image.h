// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace soco {

/// An RGB picture of 8 bits a channel: rows from the top, pixels from the left, three bytes a pixel without padding.
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  ///< [height, width, 3]

  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3; }
  const std::uint8_t* row(int y) const {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3;
  }

  bool operator==(const Image&) const = default;
};

/// An image of one colour (black). `height`, `width` at least 1.
Image make_image(int height, int width);

}  // namespace soco
