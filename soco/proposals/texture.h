// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/image/image.h"

namespace soco {

/// Local binary pattern (Ojala et al., PAMI 2002) of one channel (0..2) of an image: 8 points on a circle of radius
/// 1 px, code bit i set when point i (from the right, counter-clockwise) is at least the centre. Points outside the
/// image count as 0. Bit for bit as scikit-image's `local_binary_pattern(channel, 8, 1)` in float64, rounding errors in
/// flat areas included. Returns [height * width] codes.
std::vector<std::uint8_t> local_binary_pattern(const Image& image, int channel);

}  // namespace soco
