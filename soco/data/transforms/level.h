// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "soco/data/transforms/boxes.h"

namespace soco {

inline constexpr int kNoLevel = -1;

/// Feature level of a box by its size in the resized view: the first i with sqrt(w h) <= thresholds[i], where corners
/// are scaled from crop to view and truncated to integers first and w = x2 - x1 + 1 (the release's rule, not
/// Detectron2's log2 one). kNoLevel beyond the last; 0 when there are no thresholds (a single feature map).
/// `box` in px of the crop before any flip, `view_size` the view's height and width in px.
int level_of_box(const IdBox& box, const CropRect& crop, int view_size, const std::vector<double>& thresholds);

}  // namespace soco
