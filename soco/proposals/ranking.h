// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "soco/base/random.h"
#include "soco/proposals/hierarchy.h"
#include "soco/proposals/region_graph.h"

namespace soco {

/// A box with its rank; small is good.
struct RankedBounds {
  double rank = 0;
  PixelBounds bounds;
};

/// Gathers the boxes of several groupings and ranks them. As in Uijlings et al., section 4.4, a region's rank is its
/// position in its hierarchy, 1 for the whole, times a random number in [0, 1); here it is also divided by the square
/// of the share of its box that the region fills, since regions that wind through their box are seldom objects, and
/// multiplied by a weight of the grouping. Random numbers hang on the seed and the order of add() alone.
class Ranking {
 public:
  explicit Ranking(std::uint64_t seed) : rng_(seed, 0, 0, purpose::kRanking) {}

  /// The regions of one hierarchy: the merged ones in order of merging, and those they were made from.
  void add(const RegionGraph& initial, const std::vector<GroupedRegion>& merged, double weight);

  /// All boxes, best first. Of equal boxes, and of those with an intersection over union above `duplicate_iou` (1:
  /// none), the best is kept. `max_boxes`: at most so many; 0: all.
  std::vector<PixelBounds> take(double duplicate_iou, std::size_t max_boxes);

 private:
  void add_region(const PixelBounds& bounds, std::uint32_t num_pixels, double factor);

  Rng rng_;
  std::vector<RankedBounds> boxes_;
};

}  // namespace soco
