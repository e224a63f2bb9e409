// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/base/random.h"
#include "soco/config/options.h"
#include "soco/structures/box.h"

namespace soco {

/// Boxes by chance, for the ablation without object proposals; the defaults are the release's.
struct RandomBoxOptions {
  int num_tries = 32;           ///< boxes drawn; those that do not fit the image or are too small are left out
  double max_ratio = 3;         ///< width over height is uniform in [1 / max_ratio, max_ratio]
  double min_size_ratio = 0.3;  ///< sqrt(box area) / sqrt(image area) is uniform from here
  double max_size_ratio = 0.8;  ///< to here
  int min_side = 32;            ///< px, width and height at least
  bool from_center = false;     ///< the release's slip: the box begins at its centre and has half its sides
  std::int64_t seed = 0;

  template <class V>
  void visit(V& v) {
    v.field("num_tries", num_tries, "boxes drawn for an image; what does not fit it is left out",
            Range<int>{1, 1'000'000});
    v.field("max_ratio", max_ratio, "width over height is uniform in [1 / this, this]", Range<double>{1, 1e3});
    v.field("min_size_ratio", min_size_ratio, "square root of box over image area is uniform from here",
            Range<double>{0, 1});
    v.field("max_size_ratio", max_size_ratio, "to here", Range<double>{0, 1});
    v.field("min_side", min_side, "width and height at least, pixels", Range<int>{1, 1 << 20});
    v.field("from_center", from_center, "as the release: boxes begin at their centre and have half their sides");
    v.field("seed", seed, "seed of the boxes", Range<std::int64_t>{0, INT64_MAX});
  }
  /// Usage error when min_size_ratio exceeds max_size_ratio.
  void validate() const;
};

/// Boxes by the release's law (its `random_generate_props`): size and aspect ratio uniform in their ranges, sides
/// rounded, dropped when shorter than min_side or longer than the image's, else placed uniformly where they fit.
/// Whole px, x2 and y2 exclusive, inside the image; at least one: the whole image when none was left.
std::vector<Box> random_boxes(int height, int width, const RandomBoxOptions& options, Rng& rng);

}  // namespace soco
