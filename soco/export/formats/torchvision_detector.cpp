// SPDX-License-Identifier: MIT
#include "soco/export/formats/torchvision_detector.h"

#include <algorithm>
#include <string>

#include "soco/base/error.h"
#include "soco/export/formats/detector_rows.h"
#include "soco/export/formats/torchvision.h"

namespace soco {
namespace {

constexpr int kMaxFcs = 16;  // of DetectorOptions

/// torchvision's names of the layers of a box head: fc6, fc7 alone; with convolutions, places in a Sequential, where
/// one place after the convolutions flattens and every second one after that is a ReLU.
void add_box_head(std::vector<KeyRule>& rules, int num_convs) {
  if (num_convs == 0) {
    rules.push_back({"roi_heads.box_head.fc{i}.*", "roi_heads.box_head.fc{i+5}.*"});
    return;
  }
  rules.push_back({"roi_heads.box_head.conv{i}.norm.*", "roi_heads.box_head.{i-1}.1.*"});
  rules.push_back({"roi_heads.box_head.conv{i}.*", "roi_heads.box_head.{i-1}.0.*"});
  for (int fc = 1; fc <= kMaxFcs; ++fc)
    for (const char* leaf : {"weight", "bias"})
      rules.push_back({fmt::format("roi_heads.box_head.fc{}.{}", fc, leaf),
                       fmt::format("roi_heads.box_head.{}.{}", num_convs + 2 * fc - 1, leaf)});
}

/// Names of before torchvision 0.13, in reading alone: rules above give the others when writing.
void add_old_names(std::vector<KeyRule>& rules) {
  rules.push_back({"backbone.fpn_lateral{s}.*", "backbone.fpn.inner_blocks.{s-2}.*"});
  rules.push_back({"backbone.fpn_output{s}.*", "backbone.fpn.layer_blocks.{s-2}.*"});
  rules.push_back({"proposal_generator.rpn_head.conv.*", "rpn.head.conv.*"});
  rules.push_back({"roi_heads.mask_head.mask_fcn{i}.*", "roi_heads.mask_head.mask_fcn{i}.*"});
}

KeyMap key_map(const NetworkShape& shape) {
  if (shape.c4)
    fail(
        "torchvision's detectors stand on a pyramid, this network is on C4; use --format torchvision for its trunk, or "
        "detectron2 or mmdetection");
  if (shape.head_convs == 0 && shape.head_fcs > 2)
    fail("torchvision's box head without convolutions has two linear layers, this network's has {}", shape.head_fcs);
  KeyMap map = torchvision_detector_map(shape.head_convs);
  map.skipped_prefixes = {"projector.", "predictor."};
  return map;
}

StateDict arrange(const StateDict& ours, const NetworkShape&) { return with_background_first(ours); }

std::string convention(const NetworkShape& shape) {
  const std::string classes =
      shape.detector ? fmt::format("num_classes={} (background is class 0), ", shape.num_classes + 1) : "";
  return fmt::format(
             "Images: RGB, 0..1; torchvision's detectors normalise them themselves, with the same mean and std.\n"
             "  {}ResNet-{}{}{}\n"
             "  model.load_state_dict(torch.load(this file, weights_only=True), strict={})\n"
             "  torchvision pools without half-pixel alignment and rounds its anchors: docs/detection.md",
             classes, shape.depth, shape.pyramid_norm ? ", norm_layer of the pyramid: BatchNorm2d" : "",
             shape.head_convs > 0 ? ", box_head: FastRCNNConvFCHead" : "", shape.detector ? "True" : "False") +
         width_warning(shape, "torchvision");
}

}  // namespace

KeyMap torchvision_detector_map(int num_convs) {
  std::vector<KeyRule> rules;
  add_torchvision_trunk(rules, "backbone.bottom_up.", "backbone.body.");
  const std::vector<KeyRule> others{{"backbone.fpn_lateral{s}.norm.*", "backbone.fpn.inner_blocks.{s-2}.1.*"},
                                    {"backbone.fpn_lateral{s}.*", "backbone.fpn.inner_blocks.{s-2}.0.*"},
                                    {"backbone.fpn_output{s}.norm.*", "backbone.fpn.layer_blocks.{s-2}.1.*"},
                                    {"backbone.fpn_output{s}.*", "backbone.fpn.layer_blocks.{s-2}.0.*"},
                                    {"proposal_generator.rpn_head.conv.*", "rpn.head.conv.0.0.*"},
                                    {"proposal_generator.rpn_head.objectness_logits.*", "rpn.head.cls_logits.*"},
                                    {"proposal_generator.rpn_head.anchor_deltas.*", "rpn.head.bbox_pred.*"},
                                    {"roi_heads.box_predictor.*", "roi_heads.box_predictor.*"},
                                    {"roi_heads.mask_head.mask_fcn{i}.norm.*", "roi_heads.mask_head.{i-1}.1.*"},
                                    {"roi_heads.mask_head.mask_fcn{i}.*", "roi_heads.mask_head.{i-1}.0.*"},
                                    {"roi_heads.mask_head.deconv.*", "roi_heads.mask_predictor.conv5_mask.*"},
                                    {"roi_heads.mask_head.predictor.*", "roi_heads.mask_predictor.mask_fcn_logits.*"}};
  rules.insert(rules.end(), others.begin(), others.end());
  add_box_head(rules, num_convs);
  add_old_names(rules);
  return {.rules = std::move(rules), .skipped_prefixes = {}};
}

int torchvision_head_convs(const std::vector<std::string>& theirs) {
  return static_cast<int>(std::count_if(theirs.begin(), theirs.end(), [](const std::string& name) {
    return match_pattern("roi_heads.box_head.{i}.0.weight", name).has_value();
  }));
}

StateDict torchvision_detector_from_ours(const StateDict& ours) {
  const KeyMap map = torchvision_detector_map(network_shape(ours).head_convs);
  return map_state_dict(with_background_first(ours), map, "torchvision detector").tensors;
}

StateDict ours_from_torchvision_detector(const StateDict& theirs) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : theirs.entries()) names.push_back(name);
  const std::vector<KeyRule> rules = torchvision_detector_map(torchvision_head_convs(names)).rules;
  StateDict ours;
  for (const auto& [name, tensor] : theirs.entries()) {
    const auto own = ours_from_theirs(rules, name);
    if (!own) fail("'{}' is no tensor of torchvision's Faster or Mask R-CNN with a pyramid", name);
    ours.add(*own, with_background_last(*own, tensor));
    constexpr std::string_view kLast = ".running_var";
    const std::string counter =
        name.ends_with(kLast) ? name.substr(0, name.size() - kLast.size()) + ".num_batches_tracked" : "";
    if (!counter.empty() && theirs.find(counter) == nullptr)
      ours.add(own->substr(0, own->size() - kLast.size()) + ".num_batches_tracked",
               HostTensor::from<std::int64_t>({}, std::vector<std::int64_t>{0}));
  }
  check_rows(ours, "torchvision's detector");
  return ours;
}

const FormatPart& torchvision_detector_format() {
  static const FormatPart part{&key_map, &arrange, &write_torchvision_file, &read_torchvision_file, &convention};
  return part;
}

}  // namespace soco
