// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// The trunk with its pyramid, and of a detector the proposal network's head, as an ONNX graph for any number and size
/// of images. Input `images` [N,3,H,W], normalised RGB. Outputs `p2` .. `p5` (a trunk alone: `res2` .. `res5`; C4:
/// `res4`), of a detector also `p6` and, for each of these maps, `objectness_MAP` [N,A,h,w] (logits) and `deltas_MAP`
/// [N,4A,h,w]. Norms are nodes, with the statistics of the file; weights have our names and are not changed.
/// Errors: shapes that do not follow from each other, tensors without a place, types other than float32.
const FormatPart& onnx_format();

/// What a detector, or a pretraining, does with pooled boxes. Input `boxes` [R,C,r,r] as RoIAlign gives them; outputs
/// `vectors` [R,V], and of a detector `scores` [R,K+1] (probabilities, background last) and `deltas` [R,4K] or [R,4].
/// With a mask branch also input `mask_boxes` [M,C,r,r] and output `masks` [M,K,2r,2r] or [M,1,2r,2r] (probabilities).
const FormatPart& onnx_heads_format();

}  // namespace soco
