// SPDX-License-Identifier: MIT
#include "soco/image/color.h"

#include <algorithm>
#include <utility>

#include "soco/base/error.h"
#include "soco/image/color_kernels.h"

namespace soco {
namespace {

std::size_t num_values(const PlanarImage& image) {
  return image.num_pixels() * static_cast<std::size_t>(image.num_planes);
}

void blend_with_grey(PlanarImage& image, int grey, double factor) {
  kernels::blend_with_constant(image.plane(0), num_values(image), static_cast<std::uint8_t>(grey),
                               static_cast<float>(factor));
}

/// Changes `image` by way of planes.
template <class Change>
void change_in_planes(Image& image, const Change& change) {
  PlanarImage planes;
  split_planes(image, planes);
  change(planes);
  join_planes(planes, image);
}

}  // namespace

void adjust_brightness(PlanarImage& image, double factor) { blend_with_grey(image, 0, factor); }

void adjust_contrast(PlanarImage& image, double factor) {
  const auto sum = kernels::sum_luminance(std::as_const(image).planes(), image.num_pixels());
  const double mean = static_cast<double>(sum) / static_cast<double>(image.num_pixels());
  blend_with_grey(image, static_cast<int>(mean + 0.5), factor);
}

void adjust_saturation(PlanarImage& image, double factor) {
  if (image.num_planes == 1) return;  // the luminance of a grey is that grey
  kernels::blend_with_luminance(image.planes(), image.num_pixels(), static_cast<float>(factor));
}

void adjust_hue(PlanarImage& image, double factor) {
  SOCO_ASSERT(factor >= -0.5 && factor <= 0.5);
  if (image.num_planes == 1) return;
  // torchvision casts factor * 255 to uint8 and lets the sum wrap.
  kernels::turn_hue(image.planes(), image.num_pixels(), static_cast<std::uint8_t>(static_cast<int>(factor * 255)));
}

void to_grayscale(PlanarImage& image) {
  if (image.num_planes == 1) return;
  kernels::luminance(std::as_const(image).planes(), image.num_pixels(), image.plane(0));
  image.num_planes = 1;
}

void solarize(PlanarImage& image, int threshold) {
  kernels::invert_from(image.plane(0), num_values(image), std::clamp(threshold, 0, 256));
}

void adjust_brightness(Image& image, double factor) {
  change_in_planes(image, [&](PlanarImage& planes) { adjust_brightness(planes, factor); });
}
void adjust_contrast(Image& image, double factor) {
  change_in_planes(image, [&](PlanarImage& planes) { adjust_contrast(planes, factor); });
}
void adjust_saturation(Image& image, double factor) {
  change_in_planes(image, [&](PlanarImage& planes) { adjust_saturation(planes, factor); });
}
void adjust_hue(Image& image, double factor) {
  change_in_planes(image, [&](PlanarImage& planes) { adjust_hue(planes, factor); });
}
void to_grayscale(Image& image) {
  change_in_planes(image, [](PlanarImage& planes) { to_grayscale(planes); });
}
void solarize(Image& image, int threshold) {
  change_in_planes(image, [&](PlanarImage& planes) { solarize(planes, threshold); });
}

}  // namespace soco
