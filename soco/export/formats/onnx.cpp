// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx.h"

#include "soco/export/formats/onnx_layers.h"

namespace soco {
namespace {

void write_features(const std::filesystem::path& path, const StateDict& weights,
                    const std::map<std::string, std::string>& metadata) {
  OnnxLayers layers(weights);
  const OnnxMaps maps = onnx_feature_maps(layers, layers.input("images", 3, "N"));
  for (const auto& [name, map] : maps) layers.output(map, name, "N");
  if (layers.has("proposal_generator.rpn_head.conv.weight"))
    for (const auto& [name, map] : maps) {
      const OnnxRpnOutputs rpn = onnx_rpn_head(layers, name, map);
      layers.output(rpn.objectness, "objectness_" + name, "N");
      layers.output(rpn.deltas, "deltas_" + name, "N");
    }
  layers.graph().write(path, onnx_properties(metadata));
}

void write_heads(const std::filesystem::path& path, const StateDict& weights,
                   const std::map<std::string, std::string>& metadata) {
  OnnxLayers layers(weights);
  const OnnxValue vectors = onnx_box_vectors(layers, layers.input("boxes", 0, "R"));
  layers.output(vectors, "vectors", "R", 2);
  if (layers.has("roi_heads.box_predictor.cls_score.weight")) {
    layers.output(onnx_class_probabilities(layers, vectors), "scores", "R", 2);
    layers.output(onnx_box_deltas(layers, vectors), "deltas", "R", 2);
  }
  if (layers.has("roi_heads.mask_head.deconv.weight"))
    layers.output(layers.sigmoid(onnx_mask_logits(layers, layers.input("mask_boxes", 0, "M"))), "masks", "M");
  layers.graph().write(path, onnx_properties(metadata));
}

constexpr const char* kCounter = ".num_batches_tracked";

KeyMap features_map(const NetworkShape&) {
  return {.rules = {{"backbone.*", "backbone.*"}, {"proposal_generator.*", "proposal_generator.*"}},
          .skipped_prefixes = {"roi_heads.", "projector.", "predictor."},
          .skipped_suffix = kCounter};
}

KeyMap heads_map(const NetworkShape&) {
  return {.rules = {{"roi_heads.*", "roi_heads.*"}},
          .skipped_prefixes = {"backbone.", "proposal_generator.", "projector.", "predictor."},
          .skipped_suffix = kCounter};
}

std::string features_convention(const NetworkShape& shape) {
  return "Images: RGB, scaled to 0..1, then (x - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, "
         "0.225;\n  input \"images\" [N,3,H,W] float32, padded with zeros behind that. Outputs: " +
         std::string(shape.c4        ? "res4"
                     : shape.pyramid ? (shape.detector ? "p2 .. p6" : "p2 .. p5")
                                     : "res2 .. res5") +
         (shape.detector ? ", and of each map objectness_* (logits) and deltas_*" : "");
}

std::string heads_convention(const NetworkShape& shape) {
  return "Images: RGB, as of the format onnx.\n  Input \"boxes\" [R,C,r,r]: what RoIAlign (half-pixel aligned) pools "
         "from "
         "its maps. Outputs: vectors" +
         std::string(shape.detector ? ", scores (background last), deltas" : "") +
         (shape.masks ? "\n  Input \"mask_boxes\" [M,C,r,r], output masks; either input may have no rows" : "");
}

}  // namespace

const FormatPart& onnx_format() {
  static const FormatPart part{&features_map, nullptr, &write_features, &read_onnx_weights, &features_convention};
  return part;
}

const FormatPart& onnx_heads_format() {
  static const FormatPart part{&heads_map, nullptr, &write_heads, &read_onnx_weights, &heads_convention};
  return part;
}

}  // namespace soco
