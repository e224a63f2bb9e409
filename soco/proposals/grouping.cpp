// SPDX-License-Identifier: MIT
#include "soco/proposals/grouping.h"

#include <algorithm>
#include <cstddef>
#include <queue>
#include <utility>

namespace soco {
namespace {

/// One end's view of a pair of neighbours; `order` counts pairs as they are made.
struct Link {
  std::uint64_t order;
  std::uint32_t other;
};

struct Candidate {
  double similarity;
  std::uint64_t order;
  std::uint32_t a, b;
  bool operator<(const Candidate& o) const {
    return similarity != o.similarity ? similarity < o.similarity : order < o.order;
  }
};

/// Regions, their live pairs, and the pairs by similarity. A pair is live while both its regions are; dead ones are
/// left in place and skipped when met.
class Grouping {
 public:
  Grouping(std::vector<Region> regions, std::int64_t image_size)
      : regions_(std::move(regions)), image_size_(image_size) {
    const std::size_t n = regions_.size();
    regions_.reserve(2 * n);
    links_.resize(n);
    alive_.assign(n, true);
    linked_to_.assign(n, 0);
    std::vector<Candidate> initial;
    // Labels in raster order come by ascending top row: no later region has a corner above the last row of this one.
    const auto higher = [](const Region& a, const Region& b) { return a.min_y < b.min_y; };
    const bool by_row = std::is_sorted(regions_.begin(), regions_.end(), higher);
    for (std::uint32_t a = 0; a < n; ++a) {
      for (std::uint32_t b = a + 1; b < n; ++b) {
        if (by_row && regions_[b].min_y >= regions_[a].max_y) break;
        if (has_corner_inside(regions_[a], regions_[b])) initial.push_back(link(a, b));
      }
    }
    queue_ = std::priority_queue<Candidate>({}, std::move(initial));
  }

  std::vector<Region> run() {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      if (alive_[best.a] && alive_[best.b]) merge(best.a, best.b);
    }
    return std::move(regions_);
  }

 private:
  Candidate link(std::uint32_t a, std::uint32_t b) {
    const std::uint64_t order = num_links_++;
    links_[a].push_back({order, b});
    links_[b].push_back({order, a});
    return {similarity(regions_[a], regions_[b], image_size_), order, a, b};
  }

  void merge(std::uint32_t a, std::uint32_t b) {
    const auto merged = static_cast<std::uint32_t>(regions_.size());
    regions_.push_back(merge_regions(regions_[a], regions_[b]));
    links_.emplace_back();
    alive_.push_back(true);
    linked_to_.push_back(0);
    alive_[a] = alive_[b] = false;
    inherit_links(std::exchange(links_[a], {}), std::exchange(links_[b], {}), merged);
  }

  /// Links `merged` to the live neighbours of its parts in the order in which their pairs were made.
  void inherit_links(const std::vector<Link>& of_a, const std::vector<Link>& of_b, std::uint32_t merged) {
    for (std::size_t i = 0, j = 0; i < of_a.size() || j < of_b.size();) {
      const bool take_a = j == of_b.size() || (i < of_a.size() && of_a[i].order < of_b[j].order);
      const std::uint32_t other = take_a ? of_a[i++].other : of_b[j++].other;
      if (!alive_[other] || linked_to_[other] == merged) continue;
      linked_to_[other] = merged;  // a neighbour of both parts is linked once, at its first place
      queue_.push(link(merged, other));
    }
  }

  std::vector<Region> regions_;
  std::int64_t image_size_;
  std::vector<std::vector<Link>> links_;  // per region, ascending order
  std::vector<bool> alive_;
  std::vector<std::uint32_t> linked_to_;  // per region, the last merged region it was linked to (0: none, never merged)
  std::uint64_t num_links_ = 0;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

std::vector<Region> group_regions(std::vector<Region> regions, std::int64_t image_size) {
  return Grouping(std::move(regions), image_size).run();
}

}  // namespace soco
