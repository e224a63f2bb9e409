// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <vector>

#include "soco/config/options.h"
#include "soco/data/transforms/boxes.h"

namespace soco {

inline constexpr int kNoLevel = -1;

/// How a box gets its pyramid level. kRelease: by thresholds, see level_of_box. kDetectron2: as Detectron2's pooler
/// does.
enum class LevelRule { kRelease, kDetectron2 };
inline constexpr std::array<EnumName<LevelRule>, 2> kLevelRuleNames{
    {{LevelRule::kRelease, "release"}, {LevelRule::kDetectron2, "detectron2"}}};

/// Feature level of a box by its size in the resized view: the first i with sqrt(w h) <= thresholds[i], where corners
/// are scaled from crop to view and truncated to integers first and w = x2 - x1 + 1 (the release's rule, not
/// Detectron2's log2 one). kNoLevel beyond the last; 0 when there are no thresholds (a single feature map).
/// `box` in px of the crop before any flip, `view_size` the view's height and width in px.
int level_of_box(const IdBox& box, const CropRect& crop, int view_size, const std::vector<double>& thresholds);

/// Detectron2's rule (FPN, Lin et al. 2017, eq. 1): floor(4 + log2(sqrt(w h) / 224 + 1e-8)) within P2..P5, as 0..3,
/// with w and h px of the view, not truncated. Arguments as above. Every box has a level; in views of 224 px no box is
/// on P5.
int detectron2_level_of_box(const IdBox& box, const CropRect& crop, int view_size);

}  // namespace soco
