// SPDX-License-Identifier: MIT
#include "soco/image/normalize.h"

namespace soco {

void normalize_to_chw(const Image& image, const std::array<float, 3>& mean, const std::array<float, 3>& std,
                      float* out) {
  const std::size_t plane = image.pixels.size() / 3;
  for (std::size_t c = 0; c < 3; ++c) {
    float table[256];
    for (int value = 0; value < 256; ++value) table[value] = (static_cast<float>(value) / 255.0f - mean[c]) / std[c];
    const std::uint8_t* in = image.pixels.data() + c;
    float* to = out + c * plane;
    for (std::size_t i = 0; i < plane; ++i) to[i] = table[in[i * 3]];
  }
}

}  // namespace soco
