// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx.h"

#include "soco/base/error.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/export/formats/onnx_graph.h"

namespace soco {
namespace {

constexpr float kNormEpsilon = 1e-5f;  // of layers' BatchNorm

/// A map or vector in the graph, and its channels; 0: not known.
struct Value {
  std::string name;
  std::int64_t channels = 0;
};

/// Layers of our networks as nodes. The output of each bears the layer's name with an ending.
class Layers {
 public:
  explicit Layers(const StateDict& weights) : weights_(weights), graph_(weights) {}

  OnnxGraph& graph() { return graph_; }
  bool has(const std::string& name) const { return weights_.find(name) != nullptr; }

  Value input(const std::string& name, std::int64_t channels, const std::string& count) {
    const OnnxDimension known = channels > 0 ? OnnxDimension(channels) : OnnxDimension("channels_" + name);
    graph_.input(name, {count, known, "height_" + name, "width_" + name});
    return {name, channels};
  }

  /// [count, channels, h, w], or [count, channels].
  void output(const Value& value, const std::string& name, const std::string& count, int num_dimensions = 4) {
    graph_.node("Identity", {value.name}, name);
    std::vector<OnnxDimension> dimensions{count, value.channels};
    if (num_dimensions == 4) dimensions.insert(dimensions.end(), {"height_" + name, "width_" + name});
    graph_.output(name, dimensions);
  }

  /// Convolution with its norm or its bias. `use`: put to the name where one layer stands in the graph more than once.
  Value conv(const std::string& layer, const Value& x, std::int64_t stride = 1, const std::string& use = "") {
    const HostTensor& weight = weight_of(layer, x, 1);
    const std::int64_t kernel = weight.shape[2], pad = (kernel - 1) / 2;
    if (weight.shape[3] != kernel || kernel % 2 == 0)
      fail("'{}.weight' has shape {}, expected a square kernel of odd sides", layer, shape_text(weight.shape));
    const bool norm = has(layer + ".norm.weight");
    std::vector<std::string> inputs{x.name, layer + ".weight"};
    if (!norm) inputs.push_back(bias_of(layer, weight.shape[0]));
    Value y{graph_.node("Conv", inputs, layer + ".out" + use,
                        {{"kernel_shape", std::vector<std::int64_t>{kernel, kernel}},
                         {"pads", std::vector<std::int64_t>{pad, pad, pad, pad}},
                         {"strides", std::vector<std::int64_t>{stride, stride}}}),
            weight.shape[0]};
    return norm ? this->norm(layer + ".norm", y, use) : y;
  }

  Value norm(const std::string& layer, const Value& x, const std::string& use = "") {
    std::vector<std::string> inputs{x.name};
    for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
      inputs.push_back(layer + leaf);
      if (weights_.at(inputs.back()).shape != std::vector<std::int64_t>{x.channels})
        fail("'{}' has shape {}, expected [{}]", inputs.back(), shape_text(weights_.at(inputs.back()).shape),
             x.channels);
    }
    return {graph_.node("BatchNormalization", inputs, layer + ".out" + use, {{"epsilon", kNormEpsilon}}), x.channels};
  }

  Value relu(const Value& x) { return {graph_.node("Relu", {x.name}, x.name + ".relu"), x.channels}; }

  Value sum(const Value& a, const Value& b) {
    if (a.channels != b.channels) fail("'{}' and '{}' have {} and {} channels", a.name, b.name, a.channels, b.channels);
    return {graph_.node("Add", {a.name, b.name}, a.name + ".sum"), a.channels};
  }

  Value max_pool(const Value& x, std::int64_t kernel, std::int64_t stride) {
    const std::int64_t pad = kernel / 2;
    return {graph_.node("MaxPool", {x.name}, x.name + ".pool",
                        {{"kernel_shape", std::vector<std::int64_t>{kernel, kernel}},
                         {"pads", std::vector<std::int64_t>{pad, pad, pad, pad}},
                         {"strides", std::vector<std::int64_t>{stride, stride}}}),
            x.channels};
  }

  /// The coarse map, each value repeated, as large as the fine one: number of images and of channels are alike.
  Value upsampled(const Value& coarse, const Value& fine) {
    const std::string shape = graph_.node("Shape", {fine.name}, fine.name + ".shape");
    return {graph_.node("Resize", {coarse.name, "", "", shape}, coarse.name + ".up",
                        {{"mode", std::string("nearest")},
                         {"nearest_mode", std::string("floor")},
                         {"coordinate_transformation_mode", std::string("asymmetric")}}),
            coarse.channels};
  }

  Value deconv(const std::string& layer, const Value& x) {
    const HostTensor& weight = weight_of(layer, x, 0);
    return {graph_.node("ConvTranspose", {x.name, layer + ".weight", bias_of(layer, weight.shape[1])}, layer + ".out",
                        {{"kernel_shape", std::vector<std::int64_t>{weight.shape[2], weight.shape[3]}},
                         {"strides", std::vector<std::int64_t>{2, 2}}}),
            weight.shape[1]};
  }

  /// [R,C,h,w] -> [R,C*h*w].
  Value flat(const Value& x) {
    return {graph_.node("Flatten", {x.name}, x.name + ".flat", {{"axis", std::int64_t{1}}})};
  }

  /// [R,C,h,w] -> [R,C].
  Value mean(const Value& x) {
    const Value pooled{graph_.node("GlobalAveragePool", {x.name}, x.name + ".mean"), x.channels};
    return {flat(pooled).name, x.channels};
  }

  Value linear(const std::string& layer, const Value& x) {
    const HostTensor& weight = weights_.at(layer + ".weight");
    if (weight.shape.size() != 2 || (x.channels > 0 && weight.shape[1] != x.channels))
      fail("'{}.weight' has shape {}, expected [outputs, {}]", layer, shape_text(weight.shape),
           x.channels > 0 ? std::to_string(x.channels) : "inputs");
    return {graph_.node("Gemm", {x.name, layer + ".weight", bias_of(layer, weight.shape[0])}, layer + ".out",
                        {{"transB", std::int64_t{1}}}),
            weight.shape[0]};
  }

  Value softmax(const Value& x) {
    return {graph_.node("Softmax", {x.name}, x.name + ".softmax", {{"axis", std::int64_t{1}}}), x.channels};
  }

  Value sigmoid(const Value& x) { return {graph_.node("Sigmoid", {x.name}, x.name + ".sigmoid"), x.channels}; }

  /// Residual blocks, as many as there are; the first of the second and later stages halves the map.
  Value stage(const std::string& name, Value x, std::int64_t stride, const std::string& use = "") {
    for (int i = 0; i == 0 || has(fmt::format("{}.{}.conv1.weight", name, i)); ++i)
      x = block(fmt::format("{}.{}.", name, i), x, i == 0 ? stride : 1, use);
    return x;
  }

 private:
  /// The stride is the first 3x3 convolution's.
  Value block(const std::string& at, const Value& x, std::int64_t stride, const std::string& use) {
    const bool bottleneck = has(at + "conv3.weight");
    Value y = relu(conv(at + "conv1", x, bottleneck ? 1 : stride, use));
    y = conv(at + "conv2", y, bottleneck ? stride : 1, use);
    if (bottleneck) y = conv(at + "conv3", relu(y), 1, use);
    return relu(sum(y, has(at + "shortcut.weight") ? conv(at + "shortcut", x, stride, use) : x));
  }

  /// A kernel of four dimensions whose dimension `inputs` is x's channels.
  const HostTensor& weight_of(const std::string& layer, const Value& x, std::size_t inputs) const {
    const HostTensor& weight = weights_.at(layer + ".weight");
    if (weight.shape.size() != 4 || (x.channels > 0 && weight.shape[inputs] != x.channels))
      fail("'{}.weight' has shape {}, expected a kernel for {} channels", layer, shape_text(weight.shape), x.channels);
    return weight;
  }

  std::string bias_of(const std::string& layer, std::int64_t channels) const {
    const HostTensor& bias = weights_.at(layer + ".bias");
    if (bias.shape != std::vector<std::int64_t>{channels})
      fail("'{}.bias' has shape {}, expected [{}]", layer, shape_text(bias.shape), channels);
    return layer + ".bias";
  }

  const StateDict& weights_;
  OnnxGraph graph_;
};

using Maps = std::vector<std::pair<std::string, Value>>;  // by the name of the output, finest first

Maps trunk_maps(Layers& layers, const std::string& trunk, const Value& images) {
  Value x = layers.max_pool(layers.relu(layers.conv(trunk + "stem.conv1", images, 2)), 3, 2);
  Maps maps;
  for (int stage = 2; stage <= 5; ++stage) {
    const std::string name = fmt::format("res{}", stage);
    if (stage == 5 && !layers.has(trunk + "res5.0.conv1.weight")) break;  // C4
    x = layers.stage(trunk + name, x, stage == 2 ? 1 : 2);
    maps.emplace_back(name, x);
  }
  return maps;
}

Maps pyramid_maps(Layers& layers, const Maps& trunk) {
  Maps maps;
  Value merged;
  for (std::size_t i = trunk.size(); i-- > 0;) {
    const Value lateral = layers.conv(fmt::format("backbone.fpn_lateral{}", i + 2), trunk[i].second);
    merged = merged.name.empty() ? lateral : layers.sum(lateral, layers.upsampled(merged, lateral));
    maps.insert(maps.begin(),
                {fmt::format("p{}", i + 2), layers.conv(fmt::format("backbone.fpn_output{}", i + 2), merged)});
  }
  return maps;
}

void add_rpn(Layers& layers, const Maps& maps) {
  const std::string head = "proposal_generator.rpn_head.";
  for (const auto& [name, map] : maps) {
    const std::string use = "." + name;
    const Value x = layers.relu(layers.conv(head + "conv", map, 1, use));
    layers.output(layers.conv(head + "objectness_logits", x, 1, use), "objectness_" + name, "N");
    layers.output(layers.conv(head + "anchor_deltas", x, 1, use), "deltas_" + name, "N");
  }
}

/// The metadata of the checkpoint without what is the checkpoint file's own.
std::map<std::string, std::string> properties(std::map<std::string, std::string> metadata) {
  for (const char* key : {kChecksumKey, kHeaderChecksumKey, "format"}) metadata.erase(key);
  metadata["input"] = "RGB, (x / 255 - mean) / std; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225";
  return metadata;
}

void write_features(const std::filesystem::path& path, const StateDict& weights,
                    const std::map<std::string, std::string>& metadata) {
  Layers layers(weights);
  const bool c4 = layers.has("backbone.stem.conv1.weight");
  Maps maps = trunk_maps(layers, c4 ? "backbone." : "backbone.bottom_up.", layers.input("images", 3, "N"));
  const bool pyramid = layers.has("backbone.fpn_lateral2.weight"),
             rpn = layers.has("proposal_generator.rpn_head.conv.weight");
  if (pyramid) maps = pyramid_maps(layers, maps);
  if (pyramid && rpn) maps.emplace_back("p6", layers.max_pool(maps.back().second, 1, 2));
  if (c4) maps.erase(maps.begin(), maps.end() - 1);
  for (const auto& [name, map] : maps) layers.output(map, name, "N");
  if (rpn) add_rpn(layers, maps);
  layers.graph().write(path, properties(metadata));
}

Value box_vectors(Layers& layers) {
  if (!layers.has("roi_heads.box_head.fc1.weight")) {
    Value map = layers.stage("roi_heads.res5", layers.input("boxes", 0, "R"), 2);
    if (layers.has("roi_heads.res5.norm.weight")) map = layers.norm("roi_heads.res5.norm", map);
    return layers.mean(map);
  }
  Value x = layers.input("boxes", 0, "R");
  for (int i = 1; layers.has(fmt::format("roi_heads.box_head.conv{}.weight", i)); ++i)
    x = layers.relu(layers.conv(fmt::format("roi_heads.box_head.conv{}", i), x));
  x = layers.flat(x);
  for (int i = 1; layers.has(fmt::format("roi_heads.box_head.fc{}.weight", i)); ++i)
    x = layers.relu(layers.linear(fmt::format("roi_heads.box_head.fc{}", i), x));
  return x;
}

Value mask_probabilities(Layers& layers) {
  const std::string head = "roi_heads.mask_head.", use = ".masks";
  Value x = layers.input("mask_boxes", 0, "M");
  if (layers.has("roi_heads.res5.0.conv1.weight")) {
    x = layers.stage("roi_heads.res5", x, 2, use);
    if (layers.has("roi_heads.res5.norm.weight")) x = layers.norm("roi_heads.res5.norm", x, use);
  }
  for (int i = 1; layers.has(fmt::format("{}mask_fcn{}.weight", head, i)); ++i)
    x = layers.relu(layers.conv(fmt::format("{}mask_fcn{}", head, i), x));
  return layers.sigmoid(layers.conv(head + "predictor", layers.relu(layers.deconv(head + "deconv", x))));
}

void write_heads(const std::filesystem::path& path, const StateDict& weights,
                 const std::map<std::string, std::string>& metadata) {
  Layers layers(weights);
  const Value vectors = box_vectors(layers);
  layers.output(vectors, "vectors", "R", 2);
  if (layers.has("roi_heads.box_predictor.cls_score.weight")) {
    layers.output(layers.softmax(layers.linear("roi_heads.box_predictor.cls_score", vectors)), "scores", "R", 2);
    layers.output(layers.linear("roi_heads.box_predictor.bbox_pred", vectors), "deltas", "R", 2);
  }
  if (layers.has("roi_heads.mask_head.deconv.weight")) layers.output(mask_probabilities(layers), "masks", "M");
  layers.graph().write(path, properties(metadata));
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
