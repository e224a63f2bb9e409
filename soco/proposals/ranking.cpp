// SPDX-License-Identifier: MIT
#include "soco/proposals/ranking.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace soco {
namespace {

constexpr double kAlike = 0.6, kVotesOfAlike = 4;  // chosen on COCO's training images, see docs/proposals.md

double overlap(const PixelBounds& a, const PixelBounds& b) {
  const int width = std::min(a.max_x, b.max_x) - std::max(a.min_x, b.min_x) + 1;
  const int height = std::min(a.max_y, b.max_y) - std::max(a.min_y, b.min_y) + 1;
  if (width <= 0 || height <= 0) return 0;
  const double common = static_cast<double>(width) * height;
  return common / (static_cast<double>(area_of(a) + area_of(b)) - common);
}

/// Numbered boxes in cells by the logarithms of width and height: boxes with an overlap above `limit` have widths and
/// heights within a factor of 1 / limit, so they lie in the same cell or a neighbouring one.
class BoxIndex {
 public:
  explicit BoxIndex(double limit) : limit_(limit), step_(limit < 1 ? -std::log(limit) : 1) {}
  /// The first of the boxes added that is equal to this one or overlaps it by more than the limit.
  std::optional<std::uint32_t> find(const PixelBounds& box) const {
    const auto [column, row] = cell_of(box);
    std::uint32_t first = kNone;
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        const auto found = cells_.find(key_of(column + dx, row + dy));
        if (found == cells_.end()) continue;
        for (const auto& [other, number] : found->second) {
          if (number >= first) break;  // ascending
          if (other == box || overlap(other, box) > limit_) first = number;
        }
      }
    }
    return first == kNone ? std::nullopt : std::optional(first);
  }
  void add(const PixelBounds& box) {
    const auto [column, row] = cell_of(box);
    cells_[key_of(column, row)].emplace_back(box, count_++);
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::pair<int, int> cell_of(const PixelBounds& box) const {
    const auto cell = [this](int side) { return static_cast<int>(std::log(static_cast<double>(side)) / step_); };
    return {cell(box.max_x - box.min_x + 1), cell(box.max_y - box.min_y + 1)};
  }
  static std::uint64_t key_of(int column, int row) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(column)) << 32 | static_cast<std::uint32_t>(row);
  }
  double limit_, step_;
  std::uint32_t count_ = 0;
  std::unordered_map<std::uint64_t, std::vector<std::pair<PixelBounds, std::uint32_t>>> cells_;
};

void sort_by_votes(std::vector<VotedBounds>& boxes) {
  const auto key = [](const VotedBounds& v) {
    return std::tuple(-v.votes, v.bounds.min_x, v.bounds.min_y, v.bounds.max_x, v.bounds.max_y);
  };
  std::sort(boxes.begin(), boxes.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

/// One box of those that are nearly equal, with the votes of all.
std::vector<VotedBounds> united(const std::vector<VotedBounds>& boxes, double limit) {
  BoxIndex index(limit);
  std::vector<VotedBounds> kept;
  for (const VotedBounds& box : boxes) {
    if (const auto same = index.find(box.bounds)) {
      kept[*same].votes += box.votes;
    } else {
      index.add(box.bounds);
      kept.push_back(box);
    }
  }
  return kept;
}

/// Takes votes from boxes that show much of what a better one shows.
void put_back_alike(std::vector<VotedBounds>& boxes) {
  BoxIndex index(kAlike);
  for (VotedBounds& box : boxes) {
    if (index.find(box.bounds)) {
      box.votes /= kVotesOfAlike;
    } else {
      index.add(box.bounds);
    }
  }
}

}  // namespace

void Ranking::add_region(const PixelBounds& bounds, std::uint32_t num_pixels, double position) {
  const double fill = num_pixels / static_cast<double>(area_of(bounds));
  const int borders =
      (bounds.min_x == 0) + (bounds.min_y == 0) + (bounds.max_x == width_ - 1) + (bounds.max_y == height_ - 1);
  boxes_.push_back({fill / ((1 << borders) * std::sqrt(position * rng_.uniform(0.5, 1.0))), bounds});
}

void Ranking::add(const RegionGraph& initial, const std::vector<GroupedRegion>& merged) {
  double position = 1;
  for (std::size_t i = merged.size(); i > 0; --i) {
    add_region(merged[i - 1].bounds, merged[i - 1].num_pixels, position++);
  }
  for (std::size_t i = 0; i < initial.size(); ++i) add_region(initial.bounds[i], initial.num_pixels[i], position++);
}

std::vector<PixelBounds> Ranking::take(double duplicate_iou, std::size_t max_boxes) {
  sort_by_votes(boxes_);
  boxes_ = united(boxes_, duplicate_iou);
  sort_by_votes(boxes_);
  put_back_alike(boxes_);
  sort_by_votes(boxes_);
  if (max_boxes > 0 && boxes_.size() > max_boxes) boxes_.resize(max_boxes);
  std::vector<PixelBounds> result;
  for (const VotedBounds& box : boxes_) result.push_back(box.bounds);
  boxes_.clear();
  return result;
}

}  // namespace soco
