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

constexpr int kPasses = 3;
constexpr int kMaxTapsRadius = 6;  // of a box that is summed anew for each pixel; a wider one's sum slides

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

Box24 make_box(float radius) {
  Box24 box{static_cast<int>(radius), 0, 0};
  box.inner = static_cast<std::uint32_t>(static_cast<float>(1u << 24) / (radius * 2 + 1));
  box.outer = ((1u << 24) - static_cast<std::uint32_t>(box.radius * 2 + 1) * box.inner) / 2;
  return box;
}

/// A plane while it is blurred.
struct Plane {
  int height, width;
  std::uint8_t* values;
  std::uint8_t* row(int y) const { return values + static_cast<std::size_t>(y) * static_cast<std::size_t>(width); }
};

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

void filter_row(const std::uint8_t* in, int width, const Box24& box, BlurScratch& scratch, std::uint8_t* out) {
  if (box.radius > kMaxTapsRadius) return slide_along_row(in, width, box, out);
  const int num_taps = 2 * box.radius + 3;
  scratch.taps.resize(static_cast<std::size_t>(num_taps));
  for (int k = 0; k < num_taps; ++k) scratch.taps[static_cast<std::size_t>(k)] = in + k - box.radius - 1;
  kernels::box_filter(scratch.taps.data(), box, static_cast<std::size_t>(width), out);
}

void blur_rows(const Plane& in, const Box24& box, BlurScratch& scratch, const Plane& out) {
  const int pad = box.radius + 1;
  std::uint8_t* line[2];
  for (int i = 0; i < 2; ++i) {
    scratch.lines[i].resize(static_cast<std::size_t>(in.width) + 2 * static_cast<std::size_t>(pad));
    line[i] = scratch.lines[i].data() + pad;
  }
  for (int y = 0; y < in.height; ++y) {
    std::copy_n(in.row(y), in.width, line[0]);
    for (int pass = 0; pass < kPasses; ++pass) {
      std::fill_n(line[0] - pad, pad, line[0][0]);
      std::fill_n(line[0] + in.width, pad, line[0][in.width - 1]);
      filter_row(line[0], in.width, box, scratch, pass + 1 < kPasses ? line[1] : out.row(y));
      std::swap(line[0], line[1]);
    }
  }
}

/// Row by row with one sum for each column.
void slide_down_columns(const Plane& in, const Box24& box, std::vector<std::uint32_t>& sums, const Plane& out) {
  const auto width = static_cast<std::size_t>(in.width);
  const auto row = [&](int y) -> const std::uint8_t* { return in.row(std::clamp(y, 0, in.height - 1)); };
  sums.assign(width, 0);
  for (int y = -box.radius - 1; y < box.radius; ++y) {
    const std::uint8_t* values = row(y);
    for (std::size_t x = 0; x < width; ++x) sums[x] += values[x];
  }
  for (int y = 0; y < in.height; ++y) {
    const std::uint8_t *before = row(y - box.radius - 1), *last = row(y + box.radius), *after = row(y + box.radius + 1);
    std::uint8_t* to = out.row(y);
    for (std::size_t x = 0; x < width; ++x) {
      sums[x] += static_cast<std::uint32_t>(last[x]) - before[x];
      to[x] = weighted(sums[x], static_cast<std::uint32_t>(before[x]) + after[x], box);
    }
  }
}

/// One pass over every column.
void blur_columns(const Plane& in, const Box24& box, BlurScratch& scratch, const Plane& out) {
  if (box.radius > kMaxTapsRadius) return slide_down_columns(in, box, scratch.sums, out);
  const int num_taps = 2 * box.radius + 3;
  scratch.taps.resize(static_cast<std::size_t>(num_taps));
  for (int y = 0; y < in.height; ++y) {
    for (int k = 0; k < num_taps; ++k) {
      scratch.taps[static_cast<std::size_t>(k)] = in.row(std::clamp(y + k - box.radius - 1, 0, in.height - 1));
    }
    kernels::box_filter(scratch.taps.data(), box, static_cast<std::size_t>(in.width), out.row(y));
  }
}

}  // namespace

void gaussian_blur(PlanarImage& image, double radius, BlurScratch& scratch) {
  SOCO_ASSERT(radius >= 0 && radius <= kMaxBlurRadius);
  const Box24 box = make_box(box_radius(static_cast<float>(radius)));
  scratch.plane.resize(std::max(scratch.plane.size(), image.num_pixels()));
  for (int c = 0; c < image.num_planes; ++c) {
    const Plane plane{image.height, image.width, image.plane(c)},
        other{image.height, image.width, scratch.plane.data()};
    blur_rows(plane, box, scratch, other);
    blur_columns(other, box, scratch, plane);
    blur_columns(plane, box, scratch, other);
    blur_columns(other, box, scratch, plane);
  }
}

void gaussian_blur(Image& image, double radius) {
  PlanarImage planes;
  BlurScratch scratch;
  split_planes(image, planes);
  gaussian_blur(planes, radius, scratch);
  join_planes(planes, image);
}

}  // namespace soco
