// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx_layers.h"

#include "soco/base/error.h"
#include "soco/checkpoint/safetensors.h"

namespace soco {
namespace {

constexpr float kNormEpsilon = 1e-5f;  // of layers' BatchNorm
constexpr const char* kRpnHead = "proposal_generator.rpn_head.";

OnnxMaps trunk_maps(OnnxLayers& layers, const std::string& trunk, const OnnxValue& images) {
  OnnxValue x = layers.max_pool(layers.relu(layers.conv(trunk + "stem.conv1", images, 2)), 3, 2);
  OnnxMaps maps;
  for (int stage = 2; stage <= 5; ++stage) {
    const std::string name = fmt::format("res{}", stage);
    if (stage == 5 && !layers.has(trunk + "res5.0.conv1.weight")) break;  // C4
    x = layers.stage(trunk + name, x, stage == 2 ? 1 : 2);
    maps.emplace_back(name, x);
  }
  return maps;
}

OnnxMaps pyramid_maps(OnnxLayers& layers, const OnnxMaps& trunk) {
  OnnxMaps maps;
  OnnxValue merged;
  for (std::size_t i = trunk.size(); i-- > 0;) {
    const OnnxValue lateral = layers.conv(fmt::format("backbone.fpn_lateral{}", i + 2), trunk[i].second);
    merged = merged.name.empty() ? lateral : layers.sum(lateral, layers.upsampled(merged, lateral));
    maps.insert(maps.begin(),
                {fmt::format("p{}", i + 2), layers.conv(fmt::format("backbone.fpn_output{}", i + 2), merged)});
  }
  return maps;
}

std::vector<OnnxAttribute> window(std::int64_t kernel, std::int64_t pad, std::int64_t stride) {
  return {{"kernel_shape", std::vector<std::int64_t>{kernel, kernel}},
          {"pads", std::vector<std::int64_t>{pad, pad, pad, pad}},
          {"strides", std::vector<std::int64_t>{stride, stride}}};
}

}  // namespace

std::int64_t OnnxLayers::rows(const std::string& name) const {
  const HostTensor* tensor = weights_.find(name);
  return tensor == nullptr || tensor->shape.empty() ? 0 : tensor->shape[0];
}

OnnxValue OnnxLayers::input(const std::string& name, std::int64_t channels, const OnnxDimension& count) {
  const OnnxDimension known = channels > 0 ? OnnxDimension(channels) : OnnxDimension("channels_" + name);
  graph_.input(name, {count, known, "height_" + name, "width_" + name});
  return {name, channels};
}

void OnnxLayers::output(const OnnxValue& value, const std::string& name, const std::string& count,
                        int num_dimensions) {
  graph_.node("Identity", {value.name}, name);
  std::vector<OnnxDimension> dimensions{count, value.channels};
  if (num_dimensions == 4) dimensions.insert(dimensions.end(), {"height_" + name, "width_" + name});
  graph_.output(name, dimensions);
}

OnnxValue OnnxLayers::conv(const std::string& layer, const OnnxValue& x, std::int64_t stride, const std::string& use) {
  const HostTensor& weight = weight_of(layer, x, 1);
  const std::int64_t kernel = weight.shape[2];
  if (weight.shape[3] != kernel || kernel % 2 == 0)
    fail("'{}.weight' has shape {}, expected a square kernel of odd sides", layer, shape_text(weight.shape));
  const bool norm = has(layer + ".norm.weight");
  std::vector<std::string> inputs{x.name, layer + ".weight"};
  if (!norm) inputs.push_back(bias_of(layer, weight.shape[0]));
  const OnnxValue y{graph_.node("Conv", inputs, layer + ".out" + use, window(kernel, (kernel - 1) / 2, stride)),
                    weight.shape[0]};
  return norm ? this->norm(layer + ".norm", y, use) : y;
}

OnnxValue OnnxLayers::norm(const std::string& layer, const OnnxValue& x, const std::string& use) {
  std::vector<std::string> inputs{x.name};
  for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
    inputs.push_back(layer + leaf);
    if (weights_.at(inputs.back()).shape != std::vector<std::int64_t>{x.channels})
      fail("'{}' has shape {}, expected [{}]", inputs.back(), shape_text(weights_.at(inputs.back()).shape), x.channels);
  }
  return {graph_.node("BatchNormalization", inputs, layer + ".out" + use, {{"epsilon", kNormEpsilon}}), x.channels};
}

OnnxValue OnnxLayers::relu(const OnnxValue& x) { return {graph_.node("Relu", {x.name}, x.name + ".relu"), x.channels}; }

OnnxValue OnnxLayers::sum(const OnnxValue& a, const OnnxValue& b) {
  if (a.channels != b.channels) fail("'{}' and '{}' have {} and {} channels", a.name, b.name, a.channels, b.channels);
  return {graph_.node("Add", {a.name, b.name}, a.name + ".sum"), a.channels};
}

OnnxValue OnnxLayers::max_pool(const OnnxValue& x, std::int64_t kernel, std::int64_t stride) {
  return {graph_.node("MaxPool", {x.name}, x.name + ".pool", window(kernel, kernel / 2, stride)), x.channels};
}

OnnxValue OnnxLayers::upsampled(const OnnxValue& coarse, const OnnxValue& fine) {
  const std::string shape = graph_.node("Shape", {fine.name}, fine.name + ".shape");
  return {graph_.node("Resize", {coarse.name, "", "", shape}, coarse.name + ".up",
                      {{"mode", std::string("nearest")},
                       {"nearest_mode", std::string("floor")},
                       {"coordinate_transformation_mode", std::string("asymmetric")}}),
          coarse.channels};
}

OnnxValue OnnxLayers::deconv(const std::string& layer, const OnnxValue& x) {
  const HostTensor& weight = weight_of(layer, x, 0);
  return {graph_.node("ConvTranspose", {x.name, layer + ".weight", bias_of(layer, weight.shape[1])}, layer + ".out",
                      {{"kernel_shape", std::vector<std::int64_t>{weight.shape[2], weight.shape[3]}},
                       {"strides", std::vector<std::int64_t>{2, 2}}}),
          weight.shape[1]};
}

OnnxValue OnnxLayers::flat(const OnnxValue& x, std::int64_t cells) {
  return {graph_.node("Flatten", {x.name}, x.name + ".flat", {{"axis", std::int64_t{1}}}), x.channels * cells};
}

OnnxValue OnnxLayers::mean(const OnnxValue& x) {
  return flat({graph_.node("GlobalAveragePool", {x.name}, x.name + ".mean"), x.channels}, 1);
}

OnnxValue OnnxLayers::linear(const std::string& layer, const OnnxValue& x) {
  const HostTensor& weight = weights_.at(layer + ".weight");
  if (weight.shape.size() != 2 || (x.channels > 0 && weight.shape[1] != x.channels))
    fail("'{}.weight' has shape {}, expected [outputs, {}]", layer, shape_text(weight.shape),
         x.channels > 0 ? std::to_string(x.channels) : "inputs");
  return {graph_.node("Gemm", {x.name, layer + ".weight", bias_of(layer, weight.shape[0])}, layer + ".out",
                      {{"transB", std::int64_t{1}}}),
          weight.shape[0]};
}

OnnxValue OnnxLayers::softmax(const OnnxValue& x) {
  return {graph_.node("Softmax", {x.name}, x.name + ".softmax", {{"axis", std::int64_t{1}}}), x.channels};
}

OnnxValue OnnxLayers::sigmoid(const OnnxValue& x) {
  return {graph_.node("Sigmoid", {x.name}, x.name + ".sigmoid"), x.channels};
}

OnnxValue OnnxLayers::stage(const std::string& name, OnnxValue x, std::int64_t stride, const std::string& use) {
  for (int i = 0; i == 0 || has(fmt::format("{}.{}.conv1.weight", name, i)); ++i)
    x = block(fmt::format("{}.{}.", name, i), x, i == 0 ? stride : 1, use);
  return x;
}

/// The stride is the first 3x3 convolution's.
OnnxValue OnnxLayers::block(const std::string& at, const OnnxValue& x, std::int64_t stride, const std::string& use) {
  const bool bottleneck = has(at + "conv3.weight");
  OnnxValue y = relu(conv(at + "conv1", x, bottleneck ? 1 : stride, use));
  y = conv(at + "conv2", y, bottleneck ? stride : 1, use);
  if (bottleneck) y = conv(at + "conv3", relu(y), 1, use);
  return relu(sum(y, has(at + "shortcut.weight") ? conv(at + "shortcut", x, stride, use) : x));
}

/// A kernel of four dimensions whose dimension `inputs` is x's channels.
const HostTensor& OnnxLayers::weight_of(const std::string& layer, const OnnxValue& x, std::size_t inputs) const {
  const HostTensor& weight = weights_.at(layer + ".weight");
  if (weight.shape.size() != 4 || (x.channels > 0 && weight.shape[inputs] != x.channels))
    fail("'{}.weight' has shape {}, expected a kernel for {} channels", layer, shape_text(weight.shape), x.channels);
  return weight;
}

std::string OnnxLayers::bias_of(const std::string& layer, std::int64_t channels) const {
  const HostTensor& bias = weights_.at(layer + ".bias");
  if (bias.shape != std::vector<std::int64_t>{channels})
    fail("'{}.bias' has shape {}, expected [{}]", layer, shape_text(bias.shape), channels);
  return layer + ".bias";
}

OnnxMaps onnx_feature_maps(OnnxLayers& layers, const OnnxValue& images) {
  const bool c4 = layers.has("backbone.stem.conv1.weight");
  OnnxMaps maps = trunk_maps(layers, c4 ? "backbone." : "backbone.bottom_up.", images);
  if (c4) maps.erase(maps.begin(), maps.end() - 1);
  if (!layers.has("backbone.fpn_lateral2.weight")) return maps;
  maps = pyramid_maps(layers, maps);
  if (layers.has(std::string(kRpnHead) + "conv.weight"))
    maps.emplace_back("p6", layers.max_pool(maps.back().second, 1, 2));
  return maps;
}

OnnxRpnOutputs onnx_rpn_head(OnnxLayers& layers, const std::string& name, const OnnxValue& map) {
  const std::string head = kRpnHead, use = "." + name;
  const OnnxValue x = layers.relu(layers.conv(head + "conv", map, 1, use));
  const OnnxValue objectness = layers.conv(head + "objectness_logits", x, 1, use);
  return {objectness, layers.conv(head + "anchor_deltas", x, 1, use)};
}

OnnxValue onnx_box_vectors(OnnxLayers& layers, const OnnxValue& boxes, std::int64_t resolution) {
  if (!layers.has("roi_heads.box_head.fc1.weight")) {
    const OnnxValue map = layers.stage("roi_heads.res5", boxes, 2);
    return layers.mean(layers.has("roi_heads.res5.norm.weight") ? layers.norm("roi_heads.res5.norm", map) : map);
  }
  OnnxValue x = boxes;
  for (int i = 1; layers.has(fmt::format("roi_heads.box_head.conv{}.weight", i)); ++i)
    x = layers.relu(layers.conv(fmt::format("roi_heads.box_head.conv{}", i), x));
  x = layers.flat(x, resolution * resolution);
  for (int i = 1; layers.has(fmt::format("roi_heads.box_head.fc{}.weight", i)); ++i)
    x = layers.relu(layers.linear(fmt::format("roi_heads.box_head.fc{}", i), x));
  return x;
}

OnnxValue onnx_class_probabilities(OnnxLayers& layers, const OnnxValue& vectors) {
  return layers.softmax(layers.linear("roi_heads.box_predictor.cls_score", vectors));
}

OnnxValue onnx_box_deltas(OnnxLayers& layers, const OnnxValue& vectors) {
  return layers.linear("roi_heads.box_predictor.bbox_pred", vectors);
}

OnnxValue onnx_mask_logits(OnnxLayers& layers, const OnnxValue& boxes) {
  const std::string head = "roi_heads.mask_head.", use = ".masks";
  OnnxValue x = boxes;
  if (layers.has("roi_heads.res5.0.conv1.weight")) {
    x = layers.stage("roi_heads.res5", x, 2, use);
    if (layers.has("roi_heads.res5.norm.weight")) x = layers.norm("roi_heads.res5.norm", x, use);
  }
  for (int i = 1; layers.has(fmt::format("{}mask_fcn{}.weight", head, i)); ++i)
    x = layers.relu(layers.conv(fmt::format("{}mask_fcn{}", head, i), x));
  return layers.conv(head + "predictor", layers.relu(layers.deconv(head + "deconv", x)));
}

std::map<std::string, std::string> onnx_properties(std::map<std::string, std::string> metadata) {
  for (const char* key : {kChecksumKey, kHeaderChecksumKey, "format"}) metadata.erase(key);
  metadata.try_emplace("input", "RGB, (x / 255 - mean) / std; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225");
  return metadata;
}

}  // namespace soco
