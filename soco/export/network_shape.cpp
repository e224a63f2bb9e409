// SPDX-License-Identifier: MIT
#include "soco/export/network_shape.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "soco/base/format.h"
#include "soco/export/formats/key_rules.h"

namespace soco {
namespace {

bool has(const StateDict& ours, std::string_view prefix) {
  return std::any_of(ours.entries().begin(), ours.entries().end(),
                     [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

/// How many names match.
int count(const StateDict& ours, std::string_view pattern) {
  return static_cast<int>(std::count_if(ours.entries().begin(), ours.entries().end(), [&](const auto& entry) {
    return match_pattern(pattern, entry.first).has_value();
  }));
}

int depth(const StateDict& ours, const std::string& trunk) {
  const int blocks = count(ours, trunk + "res4.{b}.conv1.weight");
  const bool bottleneck = has(ours, trunk + "res4.0.conv3.");
  if (blocks == 23) return 101;
  if (blocks == 6 && !bottleneck) return 34;
  return blocks == 2 ? 18 : 50;
}

/// Rows of a tensor; 0 when it is not there.
std::int64_t rows(const StateDict& ours, std::string_view name) {
  const HostTensor* tensor = ours.find(name);
  return tensor == nullptr || tensor->shape.empty() ? 0 : tensor->shape[0];
}

}  // namespace

NetworkShape network_shape(const StateDict& ours) {
  NetworkShape shape;
  shape.c4 = has(ours, "backbone.stem.");
  shape.depth = depth(ours, shape.c4 ? "backbone." : "backbone.bottom_up.");
  if (const std::int64_t stem =
          rows(ours, shape.c4 ? "backbone.stem.conv1.weight" : "backbone.bottom_up.stem.conv1.weight"))
    shape.width = static_cast<int>(stem);
  shape.pyramid = has(ours, "backbone.fpn_");
  shape.pyramid_norm = has(ours, "backbone.fpn_lateral2.norm.");
  shape.head_convs = count(ours, "roi_heads.box_head.conv{n}.weight");
  shape.head_fcs = count(ours, "roi_heads.box_head.fc{n}.weight");
  shape.head_norm = has(ours, "roi_heads.box_head.conv1.norm.");
  shape.extra_norm = has(ours, "roi_heads.res5.norm.");
  shape.masks = has(ours, "roi_heads.mask_head.");
  shape.mask_convs = count(ours, "roi_heads.mask_head.mask_fcn{n}.weight");
  shape.mask_norm = has(ours, "roi_heads.mask_head.mask_fcn1.norm.");
  shape.num_classes = std::max<std::int64_t>(rows(ours, "roi_heads.box_predictor.cls_score.weight") - 1, 0);
  shape.detector = shape.num_classes > 0 || has(ours, "proposal_generator.");
  const auto one_for_all = [&](std::int64_t rows) { return shape.num_classes > 1 && rows == 1; };
  shape.class_agnostic_boxes = one_for_all(rows(ours, "roi_heads.box_predictor.bbox_pred.weight") / 4);
  shape.class_agnostic_masks = one_for_all(rows(ours, "roi_heads.mask_head.predictor.weight"));
  return shape;
}

int res2_channels(const NetworkShape& shape) { return shape.depth >= 50 ? 4 * shape.width : shape.width; }

std::string width_warning(const NetworkShape& shape, std::string_view framework) {
  if (shape.width == ResNetSize::kPublishedWidth) return "";
  return fmt::format("\n  Its stem has {} channels, {} has {} and does not load it as it is.", shape.width, framework,
                     ResNetSize::kPublishedWidth);
}

}  // namespace soco
