// SPDX-License-Identifier: MIT
#include "soco/image/blur.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr int kPasses = 3;

/// The radius of a box, with fraction, whose kPasses-fold blur has the standard deviation `sigma` (Gwosdek et al., eq.
/// 7, 11, 14), in float32 where Pillow has float32.
float box_radius(float sigma) {
  const float variance = sigma * sigma / kPasses;
  const float length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const float whole = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  fraction /= 6 * (variance - (whole + 1) * (whole + 1));
  return whole + fraction;
}

/// A box of radius `radius` px with weight `inner` on each of its 2 * radius + 1 pixels and `outer` on the next one on
/// either side; 24 bits after the point.
struct Box24 {
  int radius;
  std::uint32_t inner, outer;
};

Box24 make_box(float radius) {
  Box24 box{static_cast<int>(radius), 0, 0};
  box.inner = static_cast<std::uint32_t>(static_cast<float>(1u << 24) / (radius * 2 + 1));
  box.outer = ((1u << 24) - static_cast<std::uint32_t>(box.radius * 2 + 1) * box.inner) / 2;
  return box;
}

std::uint8_t weighted(std::uint32_t sum, std::uint32_t far, const Box24& box) {
  return static_cast<std::uint8_t>((sum * box.inner + far * box.outer + (1u << 23)) >> 24);
}

/// One box blur of a row of `width` RGB pixels, edges repeated. `line` is scratch.
void blur_row(std::uint8_t* row, int width, const Box24& box, std::vector<std::uint8_t>& line) {
  const int pad = box.radius + 1;
  line.resize(static_cast<std::size_t>(width + 2 * pad) * 3);
  std::uint8_t* const center = line.data() + pad * 3;
  std::copy(row, row + width * 3, center);
  for (int i = 1; i <= pad; ++i) {
    std::copy(row, row + 3, center - i * 3);
    std::copy(row + (width - 1) * 3, row + width * 3, center + (width - 1 + i) * 3);
  }
  std::uint32_t sums[3] = {0, 0, 0};
  for (int i = -pad * 3; i < box.radius * 3; i += 3) {
    for (int c = 0; c < 3; ++c) sums[c] += center[i + c];
  }
  const int right = box.radius * 3;
  for (int i = 0; i < width * 3; i += 3) {
    for (int c = 0; c < 3; ++c) {
      const std::uint32_t before = center[i - right - 3 + c];
      sums[c] += center[i + right + c] - before;
      row[i + c] = weighted(sums[c], before + center[i + right + 3 + c], box);
    }
  }
}

/// One box blur of every column of `in`, row by row with one sum for each column, so that the inner loops vectorise.
void blur_columns(const Image& in, const Box24& box, Image& out) {
  const std::size_t row_bytes = static_cast<std::size_t>(in.width) * 3;
  const auto row = [&](int y) { return in.row(std::clamp(y, 0, in.height - 1)); };
  std::vector<std::uint32_t> sums(row_bytes);
  for (int y = -box.radius - 1; y < box.radius; ++y) {
    const std::uint8_t* values = row(y);
    for (std::size_t i = 0; i < row_bytes; ++i) sums[i] += values[i];
  }
  for (int y = 0; y < in.height; ++y) {
    const std::uint8_t *before = row(y - box.radius - 1), *last = row(y + box.radius), *after = row(y + box.radius + 1);
    std::uint8_t* to = out.row(y);
    for (std::size_t i = 0; i < row_bytes; ++i) {
      sums[i] += static_cast<std::uint32_t>(last[i]) - before[i];
      to[i] = weighted(sums[i], static_cast<std::uint32_t>(before[i]) + after[i], box);
    }
  }
}

}  // namespace

void gaussian_blur(Image& image, double radius) {
  SOCO_ASSERT(radius >= 0 && radius <= kMaxBlurRadius);
  const Box24 box = make_box(box_radius(static_cast<float>(radius)));
  std::vector<std::uint8_t> line;
  for (int y = 0; y < image.height; ++y) {
    for (int pass = 0; pass < kPasses; ++pass) blur_row(image.row(y), image.width, box, line);
  }
  Image other = make_image(image.height, image.width);
  for (int pass = 0; pass < kPasses; ++pass) {
    blur_columns(image, box, other);
    std::swap(image, other);
  }
}

}  // namespace soco
