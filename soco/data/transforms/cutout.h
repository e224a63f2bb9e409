// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "soco/base/random.h"
#include "soco/data/view_plan.h"
#include "soco/image/normalize.h"
#include "soco/structures/box.h"
#include "soco/structures/view_changes.h"

namespace soco {

/// A square of the given area share of the box, centred at (center_x, center_y) px, cut at the view's border. Its side
/// is 2 floor(round(sqrt(area)) / 2) + 1. Empty when nothing of it lies in the view.
std::optional<CutoutRect> cutout_rect(int box_width, int box_height, double area_ratio, int center_x, int center_y,
                                      int view_size);

/// With probability plan.cutout_prob, a square of plan.cutout_min_area..cutout_max_area of the box, centred uniformly
/// on its pixels. `box` in [0, 1] of the view as it is seen (after the flip); corners are truncated to integers.
std::optional<CutoutRect> draw_cutout(const Box& box, int view_size, const ViewPlan& plan, Rng& rng);

/// Sets the rectangle to 0 in all channels. `view`: view_size px high and wide, normalised.
void apply_cutout(const CutoutRect& rect, int view_size, const ViewMemory& view);

}  // namespace soco
