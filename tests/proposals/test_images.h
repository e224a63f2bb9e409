// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "soco/base/random.h"
#include "soco/image/image.h"

namespace soco::testing {

inline Image flat_image(int height, int width, std::array<std::uint8_t, 3> colour) {
  Image image{.height = height, .width = width, .pixels = {}};
  image.pixels.resize(3 * static_cast<std::size_t>(height) * width);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = colour[i % 3];
  return image;
}

/// Grey image from rows of values.
inline Image grey_image(const std::vector<std::vector<int>>& rows) {
  Image image{.height = static_cast<int>(rows.size()), .width = static_cast<int>(rows[0].size()), .pixels = {}};
  for (const auto& row : rows) {
    for (const int value : row) image.pixels.insert(image.pixels.end(), 3, static_cast<std::uint8_t>(value));
  }
  return image;
}

/// Fills columns x1..x2-1 of rows y1..y2-1.
inline void fill_rectangle(Image& image, int x1, int y1, int x2, int y2, std::array<std::uint8_t, 3> colour) {
  for (int y = y1; y < y2; ++y) {
    for (int x = x1; x < x2; ++x) std::copy(colour.begin(), colour.end(), image.row(y) + 3 * x);
  }
}

/// Coloured rectangles on a coloured ground; the same for the same seed.
inline Image scene_image(int height, int width, std::uint64_t seed) {
  Rng rng(seed, 0, 0, 0);
  const auto colour = [&] {
    return std::array<std::uint8_t, 3>{static_cast<std::uint8_t>(rng.uniform_int(256)),
                                       static_cast<std::uint8_t>(rng.uniform_int(256)),
                                       static_cast<std::uint8_t>(rng.uniform_int(256))};
  };
  Image image = flat_image(height, width, colour());
  for (int i = 0; i < 12; ++i) {
    const int x = static_cast<int>(rng.uniform_int(width - 10)), y = static_cast<int>(rng.uniform_int(height - 10));
    const int x2 = x + 5 + static_cast<int>(rng.uniform_int(width - x - 5));
    const int y2 = y + 5 + static_cast<int>(rng.uniform_int(height - y - 5));
    fill_rectangle(image, x, y, x2, y2, colour());
  }
  return image;
}

}  // namespace soco::testing
