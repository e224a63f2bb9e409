// SPDX-License-Identifier: MIT
#include "soco/export/formats/mmdetection.h"

#include "soco/base/error.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"

namespace soco {
namespace {

KeyMap backbone_map() {
  KeyMap map;
  add_torchvision_trunk(map.rules, "backbone.bottom_up.", "backbone.");
  add_torchvision_trunk(map.rules, "backbone.", "backbone.");
  add_torchvision_trunk(map.rules, "roi_heads.", "backbone.");  // res5 of C4
  map.skipped_prefixes = {"projector.", "predictor.", "backbone.fpn_", "roi_heads.box_head."};
  return map;
}

/// MMDetection counts pyramid levels and head layers from 0, and wraps convolution and norm as conv and bn.
KeyMap full_map() {
  KeyMap map = backbone_map();
  const std::vector<KeyRule> detector{
      {"backbone.fpn_lateral{s}.norm.*", "neck.lateral_convs.{s-2}.bn.*"},
      {"backbone.fpn_lateral{s}.*", "neck.lateral_convs.{s-2}.conv.*"},
      {"backbone.fpn_output{s}.norm.*", "neck.fpn_convs.{s-2}.bn.*"},
      {"backbone.fpn_output{s}.*", "neck.fpn_convs.{s-2}.conv.*"},
      {"roi_heads.box_head.conv{c}.norm.*", "roi_head.bbox_head.shared_convs.{c-1}.bn.*"},
      {"roi_heads.box_head.conv{c}.*", "roi_head.bbox_head.shared_convs.{c-1}.conv.*"},
      {"roi_heads.box_head.fc{c}.*", "roi_head.bbox_head.shared_fcs.{c-1}.*"}};
  map.rules.insert(map.rules.end(), detector.begin(), detector.end());
  map.skipped_prefixes = {"projector.", "predictor."};
  return map;
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

constexpr std::string_view kFullConvention =
    "Images: RGB, 0..255. MMDetection settings that make the same network:\n"
    "  load_from = this file\n"
    "  img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)\n"
    "  norm_cfg = dict(type='SyncBN', requires_grad=True)\n"
    "  backbone = dict(type='ResNet', style='pytorch', frozen_stages=-1, norm_eval=False, norm_cfg=norm_cfg)\n"
    "  neck = dict(type='FPN', norm_cfg=norm_cfg)\n"
    "  bbox_head = dict(type='Shared4Conv1FCBBoxHead', norm_cfg=norm_cfg)";

constexpr std::string_view kBackboneConvention =
    "Images: RGB, 0..255. MMDetection settings that make the same backbone:\n"
    "  img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)\n"
    "  backbone = dict(type='ResNet', style='pytorch', frozen_stages=-1, norm_eval=False,\n"
    "                  init_cfg=dict(type='Pretrained', checkpoint=this file, prefix='backbone.'))";

}  // namespace

const FormatPart& mmdetection_format() {
  static const FormatPart part{&full_map, &write, &read, kFullConvention};
  return part;
}

const FormatPart& mmdetection_backbone_format() {
  static const FormatPart part{&backbone_map, &write, &read, kBackboneConvention};
  return part;
}

}  // namespace soco
