// SPDX-License-Identifier: MIT
#include "soco/proposals/ranking.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>

namespace soco {
namespace {

double overlap(const PixelBounds& a, const PixelBounds& b) {
  const int width = std::min(a.max_x, b.max_x) - std::max(a.min_x, b.min_x) + 1;
  const int height = std::min(a.max_y, b.max_y) - std::max(a.min_y, b.min_y) + 1;
  if (width <= 0 || height <= 0) return 0;
  const double common = static_cast<double>(width) * height;
  return common / (static_cast<double>(area_of(a) + area_of(b)) - common);
}

/// Boxes kept so far, in cells by the logarithms of width and height: boxes with an overlap above `limit` have widths
/// and heights within a factor of 1 / limit, so they lie in the same cell or a neighbouring one.
class KeptBoxes {
 public:
  explicit KeptBoxes(double limit) : limit_(limit), step_(limit < 1 ? -std::log(limit) : 1) {}
  /// Adds the box unless it is too much like one that is there.
  bool add(const PixelBounds& box) {
    const int column = cell_of(box.max_x - box.min_x + 1), row = cell_of(box.max_y - box.min_y + 1);
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        const auto found = cells_.find(key_of(column + dx, row + dy));
        if (found == cells_.end()) continue;
        for (const PixelBounds& kept : found->second) {
          if (kept == box || overlap(kept, box) > limit_) return false;
        }
      }
    }
    cells_[key_of(column, row)].push_back(box);
    return true;
  }

 private:
  int cell_of(int side) const { return static_cast<int>(std::log(static_cast<double>(side)) / step_); }
  static std::uint64_t key_of(int column, int row) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(column)) << 32 | static_cast<std::uint32_t>(row);
  }
  double limit_, step_;
  std::unordered_map<std::uint64_t, std::vector<PixelBounds>> cells_;
};

bool before(const RankedBounds& a, const RankedBounds& b) {
  const auto key = [](const RankedBounds& r) {
    return std::tuple(r.rank, r.bounds.min_x, r.bounds.min_y, r.bounds.max_x, r.bounds.max_y);
  };
  return key(a) < key(b);
}

}  // namespace

void Ranking::add_region(const PixelBounds& bounds, std::uint32_t num_pixels, double factor) {
  const double hollow = static_cast<double>(area_of(bounds)) / num_pixels;
  boxes_.push_back({factor * rng_.uniform() * hollow * hollow, bounds});
}

void Ranking::add(const RegionGraph& initial, const std::vector<GroupedRegion>& merged, double weight) {
  double position = 1;
  for (std::size_t i = merged.size(); i > 0; --i) {
    add_region(merged[i - 1].bounds, merged[i - 1].num_pixels, weight * position++);
  }
  for (std::size_t i = 0; i < initial.size(); ++i) {
    add_region(initial.bounds[i], initial.num_pixels[i], weight * position++);
  }
}

std::vector<PixelBounds> Ranking::take(double duplicate_iou, std::size_t max_boxes) {
  std::sort(boxes_.begin(), boxes_.end(), before);
  KeptBoxes kept(duplicate_iou);
  std::vector<PixelBounds> result;
  for (const RankedBounds& box : boxes_) {
    if (max_boxes > 0 && result.size() >= max_boxes) break;
    if (kept.add(box.bounds)) result.push_back(box.bounds);
  }
  boxes_.clear();
  return result;
}

}  // namespace soco
