// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <vector>

#include "soco/base/random.h"
#include "soco/image/resize.h"
#include "soco/structures/box.h"
#include "soco/structures/proposal_set.h"

namespace soco {

/// A box by the release's inclusive corners (x2 = x + w - 1) with its id. Frame and unit by context: px of the image,
/// then px of a crop. Doubles, as the release computes.
struct IdBox {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  int id = 0;
  bool operator==(const IdBox&) const = default;
};

/// The proposals as id boxes, px of the image; ids count from 1 in the given order. No proposals: one box, the image.
std::vector<IdBox> id_boxes_from_proposals(const ProposalSet& proposals);

/// The crop as an id box by the same inclusive corners; id 0.
IdBox corners_of_crop(const CropRect& crop);

/// Common region of two boxes; empty when they do not overlap strictly.
std::optional<IdBox> overlap_of(const IdBox& a, const IdBox& b);

/// The boxes that overlap strictly with both crops' common region, in order. Empty when the crops are apart.
std::vector<IdBox> boxes_in_both_crops(const std::vector<IdBox>& boxes, const CropRect& a, const CropRect& b);

/// `count` of the boxes at random without replacement, in the order drawn; all of them in order if there are fewer.
std::vector<IdBox> select_boxes(const std::vector<IdBox>& boxes, int count, Rng& rng);

/// Relative changes of one box; applied only when `active`.
struct BoxJitter {
  bool active = false;
  double dx = 0, dy = 0, dw = 0, dh = 0;  ///< shares of the box's width and height
};

/// One independent draw: active with probability `prob`, each share uniform in [-ratio, ratio].
BoxJitter draw_box_jitter(double prob, double ratio, Rng& rng);

/// Shifts the corner by (dx w, dy h) and makes the size ((1 + dw) w, (1 + dh) h), where w = x2 - x1 + 1.
IdBox jitter_box(const IdBox& box, const BoxJitter& jitter);

/// The boxes clipped to the crop, in px of the crop; those outside are dropped. When none is left: the whole crop,
/// id 1 (so that two views left with nothing still match each other).
std::vector<IdBox> clip_boxes(const std::vector<IdBox>& boxes, const CropRect& crop);

/// Rows of `boxes` that are repeated to reach `count`: drawn with replacement among those whose id is in `other` too.
/// When no id is in both (the release stops there with an error), among all: the extra rows then match nothing.
std::vector<int> draw_padding(const std::vector<IdBox>& boxes, const std::vector<IdBox>& other, int count, Rng& rng);

/// `boxes` followed by copies of the given rows.
std::vector<IdBox> pad_boxes(std::vector<IdBox> boxes, const std::vector<int>& rows);

/// Inclusive corners over the crop's width and height, as the release does (x2 / width, not (x2 + 1) / width), in
/// float32.
Box normalized_box(const IdBox& box, const CropRect& crop);

/// The box in the mirrored view: x -> 1 - x. `box` in [0, 1] of the view.
Box flip_box(const Box& box);

}  // namespace soco
