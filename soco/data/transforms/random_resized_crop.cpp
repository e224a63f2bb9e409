// SPDX-License-Identifier: MIT
#include "soco/data/transforms/random_resized_crop.h"

#include <cmath>

namespace soco {
namespace {

constexpr int kTries = 10;  // torchvision's

// std::nearbyint rounds half to even, as Python's round does.
int rounded(double value) { return static_cast<int>(std::nearbyint(value)); }

}  // namespace

std::optional<CropSize> crop_size_from_draw(int height, int width, double area_ratio, double aspect) {
  const double area = area_ratio * static_cast<double>(static_cast<std::int64_t>(height) * width);
  const double crop_width = std::nearbyint(std::sqrt(area * aspect));
  const double crop_height = std::nearbyint(std::sqrt(area / aspect));
  const bool fits = crop_width > 0 && crop_width <= width && crop_height > 0 && crop_height <= height;
  if (!fits) return std::nullopt;
  return CropSize{static_cast<int>(crop_height), static_cast<int>(crop_width)};
}

CropRect central_crop(int height, int width, double min_aspect, double max_aspect) {
  const double aspect = static_cast<double>(width) / height;
  int crop_height = height, crop_width = width;
  if (aspect < min_aspect) crop_height = std::max(1, rounded(width / min_aspect));
  if (aspect > max_aspect) crop_width = std::max(1, rounded(height * max_aspect));
  return {(width - crop_width) / 2, (height - crop_height) / 2, crop_width, crop_height};
}

RandomCrop draw_random_crop(int height, int width, const ViewOptions& options, Rng& rng) {
  CropDraw draw;
  for (int i = 0; i < kTries; ++i) {
    draw.area_ratio = rng.uniform(options.min_scale, options.max_scale);
    draw.aspect = std::exp(rng.uniform(std::log(options.min_aspect), std::log(options.max_aspect)));
    if (const auto size = crop_size_from_draw(height, width, draw.area_ratio, draw.aspect)) {
      const int y = static_cast<int>(rng.uniform_int(height - size->height + 1));
      const int x = static_cast<int>(rng.uniform_int(width - size->width + 1));
      return {{x, y, size->width, size->height}, draw};
    }
  }
  draw.fallback = true;
  return {central_crop(height, width, options.min_aspect, options.max_aspect), draw};
}

}  // namespace soco
