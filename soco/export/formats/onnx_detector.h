// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// A whole Faster or Mask R-CNN, on a pyramid or on C4, with its settings: what `soco predict` finds in one image, from
/// its pixels on. Inputs `images` [1,3,H,W], normalised and padded at right and bottom, and `size` [2] int64, height
/// and width before padding. Outputs, the best first: `boxes` [D,4], xyxy, px of the padded image, within the unpadded
/// one; `scores` [D]; `classes` [D] int64, 0..K-1; with a mask branch `masks` [D,M,M], probabilities in the frame of
/// the box. Operators of version 16. Errors beside those of the layers: no proposal network or no box predictor,
/// settings that are those of another network (naming the key).
const FormatPart& onnx_detector_format();

}  // namespace soco
