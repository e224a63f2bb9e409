// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "soco/base/random.h"
#include "soco/proposals/region_graph.h"

namespace soco {

/// A box with its rank; small is good.
struct RankedBounds {
  double rank = 0;
  PixelBounds bounds;
};

/// Gathers the boxes of several groupings and ranks them (Uijlings et al., section 4.4): a region's rank is its
/// position in its hierarchy, 1 for the whole, times a random number in [0, 1). Random numbers hang on the seed and the
/// order of add() alone.
class Ranking {
 public:
  explicit Ranking(std::uint64_t seed) : rng_(seed, 0, 0, purpose::kRanking) {}

  /// The regions of one hierarchy, from the whole downward: `merged` in order of merging, then the `initial` ones.
  void add(const std::vector<PixelBounds>& initial, const std::vector<PixelBounds>& merged);

  /// All boxes, best first. Of equal boxes, and of those with an intersection over union above `duplicate_iou` (1:
  /// none), the best is kept. `max_boxes`: at most so many; 0: all.
  std::vector<PixelBounds> take(double duplicate_iou, std::size_t max_boxes);

 private:
  Rng rng_;
  std::vector<RankedBounds> boxes_;
};

}  // namespace soco
