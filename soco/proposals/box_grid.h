// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/config/options.h"
#include "soco/structures/box.h"

namespace soco {

/// A regular grid of boxes of some sizes and shapes.
struct BoxGridOptions {
  std::vector<double> sizes{0.3, 0.5, 0.7};  ///< sqrt(box area) / sqrt(image area)
  std::vector<double> ratios{0.5, 1, 2};     ///< width over height
  double stride = 0.5;                       ///< steps between boxes of one size and shape, at most, over their sides

  template <class V>
  void visit(V& v) {
    v.field("sizes", sizes, "square roots of box over image area, each 0 to 1",
            Range<double>{.min = 0, .max = 1, .min_open = true});
    v.field("ratios", ratios, "widths over heights", Range<double>{1e-3, 1e3});
    v.field("stride", stride, "distance of neighbours over their side, at most", Range<double>{0.01, 10});
  }
  /// Usage error when there is no size or no ratio.
  void validate() const;
};

/// For each size, in the order given, and each ratio: boxes of that form in rows from the top, spread evenly from edge
/// to edge of the image, no further apart than the stride. A form that the image cannot hold is left out. Whole px, x2
/// and y2 exclusive, inside the image; at least one: the whole image when none is left.
/// Error when there would be more than 2^20 boxes.
std::vector<Box> box_grid(int height, int width, const BoxGridOptions& options);

}  // namespace soco
