// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "soco/config/options.h"
#include "soco/structures/box.h"

namespace soco {

/// Which proposals are worth training on; the defaults are the release's `ratio3size0308`. Sides are the release's
/// (one pixel shorter than the box, see release_box.h).
struct FilterOptions {
  bool enabled = true;          ///< false: keep every box
  double max_ratio = 3;         ///< longer side over shorter side, at most
  double min_size_ratio = 0.3;  ///< sqrt(box area) / sqrt(image area), at least
  double max_size_ratio = 0.8;  ///< the same, at most
  int min_side = 32;            ///< px, width and height at least
  bool deduplicate = false;     ///< drop exact repeats, keeping the first; the release keeps them

  template <class V>
  void visit(V& v) {
    v.field("enabled", enabled, "false keeps every proposal");
    v.field("max_ratio", max_ratio, "longer side over shorter side, at most", Range<double>{1, 1e6});
    v.field("min_size_ratio", min_size_ratio, "square root of the box area over the image area, at least",
            Range<double>{0, 1});
    v.field("max_size_ratio", max_size_ratio, "square root of the box area over the image area, at most",
            Range<double>{0, 1});
    v.field("min_side", min_side, "width and height at least, pixels", Range<int>{0, 1 << 20});
    v.field("deduplicate", deduplicate, "drop exact repeats (the release keeps them: half of all boxes)");
  }
  /// Usage error when min_size_ratio exceeds max_size_ratio.
  void validate() const;
  bool operator==(const FilterOptions&) const = default;
};

/// Keeps the boxes that fit `options`, in their order. Fallbacks, as in the release: when none fits, those of
/// sufficient sides and ratio; then those of sufficient sides; then the whole image. Never empty, and applying it twice
/// changes nothing. `height`, `width`: px of the image, positive; boxes: px of the image, exclusive bounds.
std::vector<Box> filter_proposals(const std::vector<Box>& boxes, int height, int width, const FilterOptions& options);

/// Reads "none" or a comma-separated list of ratio=R, size=MIN:MAX, min=SIDE, dedup (keys not given keep the release's
/// value). Usage error naming the offending part.
FilterOptions parse_filter(std::string_view text);

/// The text that parse_filter reads back to the same options.
std::string to_string(const FilterOptions& options);

}  // namespace soco
