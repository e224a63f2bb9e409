// SPDX-License-Identifier: MIT
#include "soco/export/formats/mmdetection.h"

#include "soco/base/error.h"
#include "soco/export/formats/detector_rows.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"

namespace soco {
namespace {

KeyMap backbone_map(const NetworkShape&) {
  KeyMap map;
  add_torchvision_trunk(map.rules, "backbone.bottom_up.", "backbone.");
  add_torchvision_trunk(map.rules, "backbone.", "backbone.");
  add_torchvision_trunk(map.rules, "roi_heads.", "backbone.");  // res5 of C4
  map.skipped_prefixes = {"projector.",           "predictor.",          "backbone.fpn_",
                          "proposal_generator.",  "roi_heads.box_head.", "roi_heads.box_predictor.",
                          "roi_heads.mask_head.", "roi_heads.res5.norm"};
  return map;
}

/// MMDetection counts pyramid levels and head layers from 0, and wraps convolution and norm as conv and bn. A detector
/// on C4 has res5 in the RoI heads; what a pretraining gives is a backbone.
KeyMap full_map(const NetworkShape& shape) {
  KeyMap map;
  if (shape.detector) add_torchvision_trunk(map.rules, "roi_heads.", "roi_head.shared_head.");
  const KeyMap backbone = backbone_map(shape);
  map.rules.insert(map.rules.end(), backbone.rules.begin(), backbone.rules.end());
  const std::vector<KeyRule> detector{
      {"backbone.fpn_lateral{s}.norm.*", "neck.lateral_convs.{s-2}.bn.*"},
      {"backbone.fpn_lateral{s}.*", "neck.lateral_convs.{s-2}.conv.*"},
      {"backbone.fpn_output{s}.norm.*", "neck.fpn_convs.{s-2}.bn.*"},
      {"backbone.fpn_output{s}.*", "neck.fpn_convs.{s-2}.conv.*"},
      {"proposal_generator.rpn_head.conv.*", "rpn_head.rpn_conv.*"},
      {"proposal_generator.rpn_head.objectness_logits.*", "rpn_head.rpn_cls.*"},
      {"proposal_generator.rpn_head.anchor_deltas.*", "rpn_head.rpn_reg.*"},
      {"roi_heads.box_head.conv{c}.norm.*", "roi_head.bbox_head.shared_convs.{c-1}.bn.*"},
      {"roi_heads.box_head.conv{c}.*", "roi_head.bbox_head.shared_convs.{c-1}.conv.*"},
      {"roi_heads.box_head.fc{c}.*", "roi_head.bbox_head.shared_fcs.{c-1}.*"},
      {"roi_heads.box_predictor.cls_score.*", "roi_head.bbox_head.fc_cls.*"},
      {"roi_heads.box_predictor.bbox_pred.*", "roi_head.bbox_head.fc_reg.*"},
      {"roi_heads.mask_head.mask_fcn{c}.norm.*", "roi_head.mask_head.convs.{c-1}.bn.*"},
      {"roi_heads.mask_head.mask_fcn{c}.*", "roi_head.mask_head.convs.{c-1}.conv.*"},
      {"roi_heads.mask_head.deconv.*", "roi_head.mask_head.upsample.*"},
      {"roi_heads.mask_head.predictor.*", "roi_head.mask_head.conv_logits.*"}};
  map.rules.insert(map.rules.end(), detector.begin(), detector.end());
  map.skipped_prefixes = {"projector.", "predictor."};
  return map;
}

StateDict arrange(const StateDict& ours, const NetworkShape& shape) {
  if (!shape.c4) return ours;  // one size a level: both orders are the same
  StateDict result;
  for (const auto& [name, tensor] : ours.entries()) result.add(name, with_ratios_outside(name, tensor));
  return result;
}

void write(const std::filesystem::path& path, const StateDict& theirs, const std::map<std::string, std::string>&) {
  PickleValue::Dict dict;
  set_item(dict, "state_dict", PickleValue(dict_from_state_dict(theirs)));
  set_item(dict, "meta", PickleValue(PickleValue::Dict{}));
  write_torch_file(path, PickleValue(std::move(dict)));
}

StateDict read(const std::filesystem::path& path) {
  const PickleValue value = read_pickle_file(path);
  const PickleValue* state = value.find("state_dict");
  if (state == nullptr) fail("{}: no \"state_dict\" in it", path.string());
  return extract_state_dict(*state, path.string()).tensors;
}

constexpr std::string_view kImages =
    "Images: RGB, 0..255. MMDetection settings that make the same {}:\n"
    "{}  img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)\n";

std::string norm_setting(bool norm) { return norm ? "norm_cfg=norm_cfg" : "norm_cfg=None"; }

/// Its own channels, where they are not the published ones.
std::string width_setting(const NetworkShape& shape) {
  if (shape.width == ResNetSize::kPublishedWidth) return "";
  return fmt::format("stem_channels={}, base_channels={}, ", shape.width, shape.width);
}

std::string box_head(const NetworkShape& shape) {
  std::string text = "  bbox_head = dict(";
  if (shape.c4)
    text += "type='BBoxHead', with_avg_pool=True";
  else
    text += fmt::format("type='ConvFCBBoxHead', num_shared_convs={}, num_shared_fcs={}, {}", shape.head_convs,
                        shape.head_fcs, norm_setting(shape.head_norm));
  if (!shape.detector) return text + ")\n";
  return text + fmt::format(", num_classes={}, reg_class_agnostic={})\n", shape.num_classes,
                            shape.class_agnostic_boxes ? "True" : "False");
}

std::string mask_head(const NetworkShape& shape) {
  return fmt::format("  mask_head = dict(type='FCNMaskHead', num_convs={}, num_classes={}, class_agnostic={}, {})\n",
                     shape.mask_convs, shape.num_classes, shape.class_agnostic_masks ? "True" : "False",
                     norm_setting(shape.mask_norm));
}

/// Detectron2's ways of boxes, masks and anchors are MMDetection's defaults.
std::string full_convention(const NetworkShape& shape) {
  std::string text = fmt::format(kImages, "network", "  load_from = this file\n");
  text += "  norm_cfg = dict(type='SyncBN', requires_grad=True)\n";
  text += fmt::format(
      "  backbone = dict(type='ResNet', depth={}, {}{}style='pytorch', frozen_stages=-1, norm_eval=False, "
      "norm_cfg=norm_cfg)\n",
      shape.depth, width_setting(shape), shape.detector && shape.c4 ? "num_stages=3, out_indices=(2,), " : "");
  if (shape.pyramid) {
    const int finest = res2_channels(shape);
    text += fmt::format("  neck = dict(type='FPN', in_channels=[{}, {}, {}, {}], {})\n", finest, 2 * finest, 4 * finest,
                        8 * finest, norm_setting(shape.pyramid_norm));
  }
  if (shape.detector && shape.c4)
    text += fmt::format("  shared_head = dict(type='ResLayer', depth={}, style='pytorch', norm_cfg=norm_cfg)\n",
                        shape.depth);
  if (shape.head_fcs > 0 || (shape.detector && shape.c4)) text += box_head(shape);
  if (shape.masks) text += mask_head(shape);
  text.pop_back();
  if (shape.detector && shape.c4) text += width_warning(shape, "MMDetection's ResLayer");
  return text;
}

std::string backbone_convention(const NetworkShape& shape) {
  return fmt::format(kImages, "backbone", "") +
         fmt::format(
             "  backbone = dict(type='ResNet', depth={}, {}style='pytorch', frozen_stages=-1, norm_eval=False,\n"
             "                  init_cfg=dict(type='Pretrained', checkpoint=this file, prefix='backbone.'))",
             shape.depth, width_setting(shape));
}

}  // namespace

const FormatPart& mmdetection_format() {
  static const FormatPart part{&full_map, &arrange, &write, &read, &full_convention};
  return part;
}

const FormatPart& mmdetection_backbone_format() {
  static const FormatPart part{&backbone_map, nullptr, &write, &read, &backbone_convention};
  return part;
}

}  // namespace soco
