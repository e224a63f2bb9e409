// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx_boxes.h"

#include <algorithm>
#include <cmath>

namespace soco {
namespace {

/// Distance of a map's cells along an axis of it, float32 [1].
std::string cell_stride(OnnxSteps& steps, const AnchorOptions& options, std::int64_t axis, const OnnxLevel& level,
                        const OnnxLevel& finest) {
  if (!options.fit_stride) return steps.reals({1}, {static_cast<double>(level.stride)});
  const std::string side =
      steps.node("Mul", {steps.dimension(finest.map.name, axis), steps.integers({finest.stride})});
  return steps.to_float(steps.node("Div", {side, steps.dimension(level.map.name, axis)}));
}

/// Where the cells of an axis lie, [cells].
std::string cell_centres(OnnxSteps& steps, const AnchorOptions& options, std::int64_t axis, const OnnxLevel& level,
                         const OnnxLevel& finest) {
  const std::string count = steps.squeeze(steps.dimension(level.map.name, axis), 0);
  const std::string cells = steps.to_float(steps.node("Range", {steps.integer(0), count, steps.integer(1)}));
  return steps.node("Mul", {steps.node("Add", {cells, steps.real(options.offset)}),
                            cell_stride(steps, options, axis, level, finest)});
}

/// Which map each box [R,4] is pooled from, [R]: floor(4 + log2(sqrt(area) / canonical_size)) - 2 within 0 .. 3, told
/// by the bounds of the levels.
std::string level_numbers(OnnxSteps& steps, const std::string& boxes, double canonical_size) {
  const std::string side = steps.node("Sqrt", {steps.product(onnx_sides(steps, boxes), 1)});
  const std::string relative = steps.node("Div", {side, steps.real(canonical_size)});
  std::string number;
  for (const double bound : {0.5, 1.0, 2.0}) {
    const std::string above = steps.to_int64(steps.node("GreaterOrEqual", {relative, steps.real(bound)}));
    number = number.empty() ? above : steps.node("Add", {number, above});
  }
  return number;
}

std::string roi_align(OnnxSteps& steps, const OnnxLevel& level, const std::string& boxes, std::int64_t resolution,
                      const RoiHeadsOptions& options) {
  const std::string images = steps.expand(steps.integers({0}), steps.dimension(boxes, 0));
  const std::string mode = options.aligned ? "half_pixel" : "output_half_pixel";
  return steps.node("RoiAlign", {level.map.name, boxes, images},
                    {{"coordinate_transformation_mode", mode},
                     {"output_height", resolution},
                     {"output_width", resolution},
                     {"sampling_ratio", std::int64_t{options.sampling_ratio}},
                     {"spatial_scale", 1.0f / static_cast<float>(level.stride)}});
}

}  // namespace

std::string onnx_anchors(OnnxSteps& steps, const AnchorOptions& options, const std::vector<double>& sizes,
                         const OnnxLevel& level, const OnnxLevel& finest) {
  const std::vector<double> around = options.around_cell(sizes);
  const std::string y = cell_centres(steps, options, 2, level, finest);
  const std::string x = cell_centres(steps, options, 3, level, finest);
  const std::string shape = steps.slice(steps.node("Shape", {level.map.name}), 2, 4, 0);
  const std::string grid_y = steps.unsqueeze(steps.expand(steps.unsqueeze(y, 1), shape), 2);
  const std::string grid_x = steps.unsqueeze(steps.expand(x, shape), 2);
  const std::string centres = steps.reshape(steps.concat({grid_x, grid_y, grid_x, grid_y}, 2), {-1, 1, 4});
  const std::string cell = steps.reals({static_cast<std::int64_t>(around.size() / 4), 4}, around);
  return steps.reshape(steps.node("Add", {centres, cell}), {-1, 4});
}

std::string onnx_decoded(OnnxSteps& steps, const std::string& boxes, const std::string& deltas,
                         const std::vector<double>& weights) {
  const double kMostGrowth = std::log(1000.0 / 16);  // Detectron2's
  const std::string sides = onnx_sides(steps, boxes);
  const std::string centres =
      steps.node("Add", {steps.slice(boxes, 0, 2, -1), steps.node("Mul", {sides, steps.real(0.5)})});
  const bool plain = std::all_of(weights.begin(), weights.end(), [](double w) { return w == 1; });
  const std::string own = plain ? deltas : steps.node("Div", {deltas, steps.reals({4}, weights)});
  const std::string moved = steps.node("Add", {steps.node("Mul", {steps.slice(own, 0, 2, -1), sides}), centres});
  const std::string growth =
      steps.node("Exp", {steps.node("Min", {steps.slice(own, 2, 4, -1), steps.real(kMostGrowth)})});
  const std::string half = steps.node("Mul", {steps.node("Mul", {growth, steps.real(0.5)}), sides});
  return steps.concat({steps.node("Sub", {moved, half}), steps.node("Add", {moved, half})}, -1);
}

std::string onnx_clipped(OnnxSteps& steps, const std::string& boxes, const std::string& limits) {
  return steps.node("Min", {steps.node("Max", {boxes, steps.real(0)}), limits});
}

std::string onnx_sides(OnnxSteps& steps, const std::string& boxes) {
  return steps.node("Sub", {steps.slice(boxes, 2, 4, -1), steps.slice(boxes, 0, 2, -1)});
}

std::string onnx_suppressed(OnnxSteps& steps, const std::string& boxes, const std::string& scores, std::int64_t most,
                            double iou, double least_score) {
  // Its boxes are yxyx; overlaps are the same with both swapped.
  return steps.node("NonMaxSuppression", {boxes, scores, steps.integers({most}), steps.reals({1}, {iou}),
                                          steps.reals({1}, {least_score})});
}

OnnxValue onnx_pooled(OnnxSteps& steps, const std::vector<OnnxLevel>& levels, const std::string& boxes,
                      std::int64_t resolution, const RoiHeadsOptions& options) {
  const std::int64_t channels = levels[0].map.channels;
  if (levels.size() == 1) return {roi_align(steps, levels[0], boxes, resolution, options), channels};
  const std::string numbers = level_numbers(steps, boxes, options.canonical_size);
  std::vector<std::string> pooled, rows;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string own = steps.node("Equal", {numbers, steps.integer(static_cast<std::int64_t>(i))});
    rows.push_back(steps.squeeze(steps.node("NonZero", {own}), 0));
    pooled.push_back(roi_align(steps, levels[i], steps.gather(boxes, rows.back()), resolution, options));
  }
  // By level now. A box's place there: at its row, the number of the row. Every row is written.
  const std::string order = steps.concat(rows, 0);
  const std::string count = steps.squeeze(steps.node("Shape", {order}), 0);
  const std::string places = steps.node("Range", {steps.integer(0), count, steps.integer(1)});
  return {steps.gather(steps.concat(pooled, 0), steps.node("ScatterElements", {order, order, places})), channels};
}

}  // namespace soco
