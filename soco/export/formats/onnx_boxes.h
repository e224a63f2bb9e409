// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "soco/export/formats/onnx_layers.h"
#include "soco/export/formats/onnx_steps.h"
#include "soco/modeling/detector_options.h"

namespace soco {

// A detector's work on boxes as nodes, by the rules of docs/detection.md. Boxes are xyxy, px of the padded image.

/// One map of a detector, of images of count 1.
struct OnnxLevel {
  std::string name;
  OnnxValue map;
  std::int64_t stride = 1;
};

/// The anchors of a map [A,4], in the order of its proposal network's outputs. `finest`: what `fit_stride` measures.
std::string onnx_anchors(OnnxSteps& steps, const AnchorOptions& options, const std::vector<double>& sizes,
                         const OnnxLevel& level, const OnnxLevel& finest);

/// Boxes [...,4] moved and scaled by deltas [...,4] of these weights.
std::string onnx_decoded(OnnxSteps& steps, const std::string& boxes, const std::string& deltas,
                         const std::vector<double>& weights);

/// Boxes [...,4] cut off at an image; `limits` [4]: width, height, width, height.
std::string onnx_clipped(OnnxSteps& steps, const std::string& boxes, const std::string& limits);

/// [...,2]: width and height of boxes [...,4].
std::string onnx_sides(OnnxSteps& steps, const std::string& boxes);

/// The best boxes of groups that do not overlap a better one of their group by more than `iou`: rows [n,3] of batch,
/// group, box. Boxes [B,N,4], scores [B,G,N]; those not above `least_score` are left out.
std::string onnx_suppressed(OnnxSteps& steps, const std::string& boxes, const std::string& scores, std::int64_t most,
                            double iou, double least_score);

/// Boxes [R,4] pooled from the maps that fit their sizes, [R,C,r,r], in the order of the boxes.
OnnxValue onnx_pooled(OnnxSteps& steps, const std::vector<OnnxLevel>& levels, const std::string& boxes,
                      std::int64_t resolution, const RoiHeadsOptions& options);

}  // namespace soco
