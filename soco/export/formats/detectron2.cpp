// SPDX-License-Identifier: MIT
#include "soco/export/formats/detectron2.h"

#include <algorithm>

#include "soco/base/error.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"

namespace soco {
namespace {

/// A detector keeps its names, which are Detectron2's own. Of a pretraining, the detector of SoCo-FPN has its trunk
/// under backbone.bottom_up, that of SoCo-C4 under backbone, with res5 in the RoI heads. Import goes by the first rule
/// that fits, hence to the FPN names.
KeyMap key_map(const NetworkShape& shape) {
  if (shape.detector)
    return {.rules = {{"backbone.*", "backbone.*"},
                      {"proposal_generator.*", "proposal_generator.*"},
                      {"roi_heads.*", "roi_heads.*"}},
            .skipped_prefixes = {}};
  return {.rules = {{"backbone.bottom_up.stem.*", "stem.*"},
                    {"backbone.bottom_up.res{s}.*", "res{s}.*"},
                    {"backbone.fpn_lateral{s}.*", "fpn_lateral{s}.*"},
                    {"backbone.fpn_output{s}.*", "fpn_output{s}.*"},
                    {"roi_heads.box_head.*", "box_head.*"},
                    {"backbone.stem.*", "stem.*"},
                    {"backbone.res{s}.*", "res{s}.*"},
                    {"roi_heads.res{s}.*", "res{s}.*"}},
          .skipped_prefixes = {"projector.", "predictor."}};
}

/// Full names are matched by themselves; those of a pretraining by their ends, which Detectron2 must be asked for.
PickleValue::Dict content(const StateDict& theirs) {
  const bool full_names = std::any_of(theirs.entries().begin(), theirs.entries().end(),
                                      [](const auto& entry) { return entry.first.starts_with("backbone."); });
  PickleValue::Dict dict;
  set_item(dict, "model", PickleValue(dict_from_state_dict(theirs)));
  set_item(dict, "__author__", PickleValue("soco"));
  if (!full_names) set_item(dict, "matching_heuristics", PickleValue(true));
  return dict;
}

void write_pkl(const std::filesystem::path& path, const StateDict& theirs, const std::map<std::string, std::string>&) {
  write_numpy_pickle(path, PickleValue(content(theirs)));
}

void write_pth(const std::filesystem::path& path, const StateDict& theirs, const std::map<std::string, std::string>&) {
  write_torch_file(path, PickleValue(content(theirs)));
}

StateDict read(const std::filesystem::path& path) {
  const PickleValue value = read_pickle_file(path);
  const PickleValue* model = value.find("model");
  if (model == nullptr) fail("{}: no \"model\" in it", path.string());
  return extract_state_dict(*model, path.string()).tensors;
}

std::string_view boolean(bool value) { return value ? "True" : "False"; }

std::string box_head(const NetworkShape& shape, std::string_view norm) {
  return fmt::format("  MODEL.ROI_BOX_HEAD: {{NAME: \"FastRCNNConvFCHead\", NUM_CONV: {}, NUM_FC: {}, NORM: \"{}\"}}\n",
                     shape.head_convs, shape.head_fcs, shape.head_norm ? norm : "");
}

/// What a detector has beyond a pretraining.
std::string detector_settings(const NetworkShape& shape) {
  std::string text =
      fmt::format("  MODEL.MASK_ON: {}\n  MODEL.ROI_HEADS.NUM_CLASSES: {}\n", boolean(shape.masks), shape.num_classes);
  if (shape.class_agnostic_boxes) text += "  MODEL.ROI_BOX_HEAD.CLS_AGNOSTIC_BBOX_REG: True\n";
  if (shape.masks)
    text += fmt::format("  MODEL.ROI_MASK_HEAD: {{NUM_CONV: {}, NORM: \"{}\", CLS_AGNOSTIC_MASK: {}}}\n",
                        shape.mask_convs, shape.mask_norm ? "BN" : "", boolean(shape.class_agnostic_masks));
  return text;
}

/// Settings of channels that are not Detectron2's defaults, those of ResNet-50.
std::string resnet_channels(const NetworkShape& shape) {
  std::string text;
  if (shape.width != ResNetSize::kPublishedWidth)
    text = fmt::format(", STEM_OUT_CHANNELS: {}, WIDTH_PER_GROUP: {}", shape.width, shape.width);
  if (shape.depth < 50 || !text.empty()) text += fmt::format(", RES2_OUT_CHANNELS: {}", res2_channels(shape));
  return text;
}

std::string convention(const NetworkShape& shape) {
  const std::string_view norm = shape.detector ? "BN" : "SyncBN";
  std::string text = fmt::format(
      "Images: RGB, 0..255. Detectron2 settings that make the same network:\n"
      "  MODEL.WEIGHTS: this file\n"
      "  MODEL.PIXEL_MEAN: [123.675, 116.28, 103.53]\n"
      "  MODEL.PIXEL_STD: [58.395, 57.12, 57.375]\n"
      "  INPUT.FORMAT: \"RGB\"\n"
      "  MODEL.BACKBONE.FREEZE_AT: 0\n"
      "  MODEL.RESNETS: {{DEPTH: {}, STRIDE_IN_1X1: False, NORM: \"{}\"{}}}\n",
      shape.depth, norm, resnet_channels(shape));
  if (shape.pyramid) text += fmt::format("  MODEL.FPN.NORM: \"{}\"\n", shape.pyramid_norm ? norm : "");
  if (shape.head_fcs > 0) text += box_head(shape, norm);
  if (shape.detector) text += detector_settings(shape);
  if (shape.c4)
    text += shape.extra_norm ? "  MODEL.ROI_HEADS.NAME: \"Res5ROIHeadsExtraNorm\" (of MoCo's and SoCo's releases)\n"
                             : "  MODEL.ROI_HEADS.NAME: \"Res5ROIHeads\"\n";
  text.pop_back();
  return text;
}

}  // namespace

const FormatPart& detectron2_pkl_format() {
  static const FormatPart part{&key_map, nullptr, &write_pkl, &read, &convention};
  return part;
}

const FormatPart& detectron2_pth_format() {
  static const FormatPart part{&key_map, nullptr, &write_pth, &read, &convention};
  return part;
}

}  // namespace soco
