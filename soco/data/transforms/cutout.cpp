// SPDX-License-Identifier: MIT
#include "soco/data/transforms/cutout.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace soco {
namespace {

int uniform_between(int low, int high, Rng& rng) {
  return low + static_cast<int>(rng.uniform_int(static_cast<std::uint64_t>(high - low) + 1));
}

}  // namespace

std::optional<CutoutRect> cutout_rect(int box_width, int box_height, double area_ratio, int center_x, int center_y,
                                      int view_size) {
  const double area = area_ratio * static_cast<double>(static_cast<std::int64_t>(box_width) * box_height);
  const int half = static_cast<int>(std::nearbyint(std::sqrt(area))) / 2;
  // The release limits to the full view's size even on the small view, then slices the tensor, which limits to the
  // view after all: the view's last pixel is the same limit.
  const CutoutRect rect{std::max(center_x - half, 0), std::max(center_y - half, 0),
                        std::min(center_x + half, view_size - 1), std::min(center_y + half, view_size - 1)};
  if (rect.x1 > rect.x2 || rect.y1 > rect.y2) return std::nullopt;
  return rect;
}

std::optional<CutoutRect> draw_cutout(const Box& box, int view_size, const ViewPlan& plan, Rng& rng) {
  // The release draws integers between floats, which Python refuses; its own earlier form has integer boxes.
  const int x1 = static_cast<int>(box.x1 * static_cast<float>(view_size));
  const int y1 = static_cast<int>(box.y1 * static_cast<float>(view_size));
  const int x2 = std::max(x1, static_cast<int>(box.x2 * static_cast<float>(view_size)));
  const int y2 = std::max(y1, static_cast<int>(box.y2 * static_cast<float>(view_size)));
  const bool active = rng.bernoulli(plan.cutout_prob);
  const double area_ratio = rng.uniform(plan.cutout_min_area, plan.cutout_max_area);
  const int center_x = uniform_between(x1, x2, rng);
  const int center_y = uniform_between(y1, y2, rng);
  if (!active) return std::nullopt;
  return cutout_rect(x2 - x1 + 1, y2 - y1 + 1, area_ratio, center_x, center_y, view_size);
}

void apply_cutout(const CutoutRect& rect, int view_size, const ViewMemory& view) {
  const bool planes = view.layout == PixelLayout::kChw;
  const std::size_t pixel_bytes = element_bytes(view.type) * (planes ? 1 : 3);
  const auto size = static_cast<std::size_t>(view_size);
  auto* const bytes = static_cast<std::byte*>(view.data);
  for (std::size_t plane = 0; plane < (planes ? 3u : 1u); ++plane) {
    for (int y = rect.y1; y <= rect.y2; ++y) {
      const std::size_t first = (plane * size + static_cast<std::size_t>(y)) * size + static_cast<std::size_t>(rect.x1);
      std::memset(bytes + first * pixel_bytes, 0, static_cast<std::size_t>(rect.x2 - rect.x1 + 1) * pixel_bytes);
    }
  }
}

}  // namespace soco
