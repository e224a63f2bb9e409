// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "soco/base/random.h"
#include "soco/proposals/hierarchy.h"
#include "soco/proposals/region_graph.h"

namespace soco {

/// A box with the votes of the regions that have it.
struct VotedBounds {
  double votes = 0;
  PixelBounds bounds;
};

/// Gathers the boxes of several groupings and orders them by votes. A region votes for its box with
///   fill / (2^borders * sqrt(position * u)):
/// position is its place in its hierarchy, 1 for the whole, and u a random number, in [0.5, 1), as in Uijlings et al.,
/// section 4.4; fill is the share of its box that it covers, since regions that wind through their box are seldom
/// objects; borders is how many of the image's borders its box touches, since what is cut off is seldom one. Votes of
/// nearly equal boxes add up: what several groupings find is an object more often. Random numbers hang on the seed and
/// the order of add() alone.
class Ranking {
 public:
  /// `height`, `width`: of the image.
  Ranking(std::uint64_t seed, int height, int width)
      : rng_(seed, 0, 0, purpose::kRanking), height_(height), width_(width) {}

  /// The regions of one hierarchy: the merged ones in order of merging, and those they were made from.
  void add(const RegionGraph& initial, const std::vector<GroupedRegion>& merged);

  /// All boxes, best first. Equal boxes, and those with an intersection over union above `duplicate_iou` (1: none), are
  /// one: that with the greatest single vote. Of boxes with more than 0.6, all but the best have their votes divided by
  /// 4, so that different objects come first. `max_boxes`: at most so many; 0: all.
  std::vector<PixelBounds> take(double duplicate_iou, std::size_t max_boxes);

 private:
  void add_region(const PixelBounds& bounds, std::uint32_t num_pixels, double position);

  Rng rng_;
  int height_, width_;
  std::vector<VotedBounds> boxes_;
};

}  // namespace soco
