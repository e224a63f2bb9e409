// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// MMDetection's `load_from`: {"state_dict": {name: tensor}, "meta": {}} with backbone.*, neck.* and
/// roi_head.bbox_head.*, names as the release's converter writes them; of a detector also rpn_head.*,
/// roi_head.mask_head.* and (C4) roi_head.shared_head.*, with the anchors of C4 in MMDetection's order.
const FormatPart& mmdetection_format();

/// The backbone alone, for detectors with another neck and head: the same file with backbone.* only.
const FormatPart& mmdetection_backbone_format();

}  // namespace soco
