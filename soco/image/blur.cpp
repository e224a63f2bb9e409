// SPDX-License-Identifier: MIT
#include "soco/image/blur.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "soco/base/error.h"
#include "soco/image/blur_kernels.h"

namespace soco {
namespace {

using kernels::Box24;

std::uint8_t weighted(std::uint32_t sum, std::uint32_t far, const Box24& box) {
  return static_cast<std::uint8_t>((sum * box.inner + far * box.outer + (1u << 23)) >> 24);
}

/// out[x] for a box over the pixels around in[x], which has box.radius + 1 more on either side.
void slide_along_row(const std::uint8_t* in, int width, const Box24& box, std::uint8_t* out) {
  std::uint32_t sum = 0;
  for (int x = -box.radius - 1; x < box.radius; ++x) sum += in[x];
  for (int x = 0; x < width; ++x) {
    const std::uint32_t before = in[x - box.radius - 1];
    sum += in[x + box.radius] - before;
    out[x] = weighted(sum, before + in[x + box.radius + 1], box);
  }
}

/// As kernels::box_blur_rows, for any radius: the sum under the box slides.
void slide_along_rows(const std::uint8_t* in, int height, int width, const Box24& box, std::uint8_t* lines,
                      std::uint8_t* out) {
  const int pad = box.radius + 1;
  std::uint8_t *line = lines + pad, *next = line + width + 2 * pad;
  for (int y = 0; y < height; ++y, in += width, out += width) {
    std::copy_n(in, width, line);
    for (int pass = 0; pass < kBlurPasses; ++pass) {
      std::fill_n(line - pad, pad, line[0]);
      std::fill_n(line + width, pad, line[width - 1]);
      slide_along_row(line, width, box, pass + 1 < kBlurPasses ? next : out);
      std::swap(line, next);
    }
  }
}

/// As kernels::box_blur_columns, for any radius: row by row with one sliding sum for each column.
void slide_down_columns(const std::uint8_t* in, int height, int width, const Box24& box,
                        std::vector<std::uint32_t>& sums, std::uint8_t* out) {
  const auto columns = static_cast<std::size_t>(width);
  const auto row = [&](int y) { return in + static_cast<std::size_t>(std::clamp(y, 0, height - 1)) * columns; };
  sums.assign(columns, 0);
  for (int y = -box.radius - 1; y < box.radius; ++y) {
    for (std::size_t x = 0; x < columns; ++x) sums[x] += row(y)[x];
  }
  for (int y = 0; y < height; ++y, out += width) {
    const std::uint8_t *before = row(y - box.radius - 1), *last = row(y + box.radius), *after = row(y + box.radius + 1);
    for (std::size_t x = 0; x < columns; ++x) {
      sums[x] += static_cast<std::uint32_t>(last[x]) - before[x];
      out[x] = weighted(sums[x], static_cast<std::uint32_t>(before[x]) + after[x], box);
    }
  }
}

/// All passes over a plane: along the rows to `other`, then down the columns, back and forth.
void blur_plane(std::uint8_t* plane, int height, int width, const Box24& box, BlurScratch& scratch) {
  scratch.lines.resize(std::max(
      scratch.lines.size(), 2 * (static_cast<std::size_t>(width) + 2 * (static_cast<std::size_t>(box.radius) + 1))));
  const auto rows = static_cast<std::size_t>(height), columns = static_cast<std::size_t>(width);
  std::uint8_t *from = scratch.plane.data(), *to = plane;
  const bool narrow = box.radius <= kernels::kMaxBoxRadius;
  if (narrow) {
    kernels::box_blur_rows(plane, rows, columns, box, kBlurPasses, scratch.lines.data(), from);
  } else {
    slide_along_rows(plane, height, width, box, scratch.lines.data(), from);
  }
  static_assert(kBlurPasses % 2 == 1, "the last pass ends in the plane");
  for (int pass = 0; pass < kBlurPasses; ++pass) {
    if (narrow) {
      kernels::box_blur_columns(from, rows, columns, box, to);
    } else {
      slide_down_columns(from, height, width, box, scratch.sums, to);
    }
    std::swap(from, to);
  }
}

}  // namespace

float box_blur_radius(float sigma) {
  const float variance = sigma * sigma / kBlurPasses;
  const float length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const float whole = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float fraction = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  fraction /= 6 * (variance - (whole + 1) * (whole + 1));
  return whole + fraction;
}

Box24 gaussian_box(double radius) {
  SOCO_ASSERT(radius >= 0 && radius <= kMaxBlurRadius);
  const float length = box_blur_radius(static_cast<float>(radius));
  Box24 box{static_cast<int>(length), 0, 0};
  box.inner = static_cast<std::uint32_t>(static_cast<float>(1u << 24) / (length * 2 + 1));
  box.outer = ((1u << 24) - static_cast<std::uint32_t>(box.radius * 2 + 1) * box.inner) / 2;
  return box;
}

void gaussian_blur(PlanarImage& image, double radius, BlurScratch& scratch) {
  const Box24 box = gaussian_box(radius);
  scratch.plane.resize(std::max(scratch.plane.size(), image.num_pixels()));
  for (int c = 0; c < image.num_planes; ++c) blur_plane(image.plane(c), image.height, image.width, box, scratch);
}

void gaussian_blur(Image& image, double radius) {
  PlanarImage planes;
  BlurScratch scratch;
  split_planes(image, planes);
  gaussian_blur(planes, radius, scratch);
  join_planes(planes, image);
}

}  // namespace soco
