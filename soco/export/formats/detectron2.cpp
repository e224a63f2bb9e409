// SPDX-License-Identifier: MIT
#include "soco/export/formats/detectron2.h"

#include "soco/base/error.h"
#include "soco/export/pickle_reader.h"
#include "soco/export/pickle_writer.h"

namespace soco {
namespace {

/// The detector of SoCo-FPN has its trunk under backbone.bottom_up, that of SoCo-C4 under backbone, with res5 in the
/// RoI heads. Import goes by the first rule that fits, hence to the FPN names.
KeyMap key_map() {
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

PickleValue::Dict content(const StateDict& theirs) {
  PickleValue::Dict dict;
  set_item(dict, "model", PickleValue(dict_from_state_dict(theirs)));
  set_item(dict, "__author__", PickleValue("soco"));
  set_item(dict, "matching_heuristics", PickleValue(true));
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

constexpr std::string_view kConvention =
    "Images: RGB, 0..255. Detectron2 settings that make the same network:\n"
    "  MODEL.WEIGHTS: this file\n"
    "  MODEL.PIXEL_MEAN: [123.675, 116.28, 103.53]\n"
    "  MODEL.PIXEL_STD: [58.395, 57.12, 57.375]\n"
    "  INPUT.FORMAT: \"RGB\"\n"
    "  MODEL.BACKBONE.FREEZE_AT: 0\n"
    "  MODEL.RESNETS: {STRIDE_IN_1X1: False, NORM: \"SyncBN\"}\n"
    "with a feature pyramid:\n"
    "  MODEL.FPN.NORM: \"SyncBN\"\n"
    "  MODEL.ROI_BOX_HEAD: {NAME: \"FastRCNNConvFCHead\", NUM_CONV: 4, NUM_FC: 1, NORM: \"SyncBN\"}\n"
    "on C4:\n"
    "  MODEL.ROI_HEADS.NAME: \"Res5ROIHeads\"";

}  // namespace

const FormatPart& detectron2_pkl_format() {
  static const FormatPart part{&key_map, &write_pkl, &read, kConvention};
  return part;
}

const FormatPart& detectron2_pth_format() {
  static const FormatPart part{&key_map, &write_pth, &read, kConvention};
  return part;
}

}  // namespace soco
