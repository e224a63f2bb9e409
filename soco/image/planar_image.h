// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "soco/image/image.h"

namespace soco {

/// An RGB picture of 8 bits a channel as one plane a channel, the form in which colours are changed: neighbours in
/// memory take the same arithmetic. Memory grows and is kept when a smaller picture follows.
struct PlanarImage {
  int height = 0;
  int width = 0;
  int num_planes = 3;                ///< 1: a grey picture, whose channels all are the first plane
  std::vector<std::uint8_t> values;  ///< at least [3, height, width]

  std::size_t num_pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  std::uint8_t* plane(int channel) { return values.data() + (num_planes == 1 ? 0 : channel) * num_pixels(); }
  const std::uint8_t* plane(int channel) const {
    return values.data() + (num_planes == 1 ? 0 : channel) * num_pixels();
  }
  std::array<std::uint8_t*, 3> planes() { return {plane(0), plane(1), plane(2)}; }
  std::array<const std::uint8_t*, 3> planes() const { return {plane(0), plane(1), plane(2)}; }

  /// Gives it a size and three planes; their content is undefined.
  void reshape(int new_height, int new_width);
};

/// Copies `image` into planes.
void split_planes(const Image& image, PlanarImage& out);

/// Copies planes into an image of the same size.
void join_planes(const PlanarImage& planes, Image& out);

}  // namespace soco
