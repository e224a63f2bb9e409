// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "soco/export/formats/onnx_graph.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// A map or vector in the graph, and its channels; 0: not known.
struct OnnxValue {
  std::string name;
  std::int64_t channels = 0;
};

/// Layers of our networks as nodes. The output of each bears the layer's name with an ending. Where one layer stands in
/// the graph more than once, `use` is put to its name. Errors: weights that the graph lacks or whose shape does not
/// follow from the layers before.
class OnnxLayers {
 public:
  /// `weights` must outlive the layers.
  explicit OnnxLayers(const StateDict& weights, OnnxOperators operators = OnnxOperators::kVersion13)
      : weights_(weights), graph_(weights, operators) {}

  OnnxGraph& graph() { return graph_; }
  bool has(const std::string& name) const { return weights_.find(name) != nullptr; }
  /// First dimension of a tensor; 0 when it is not there.
  std::int64_t rows(const std::string& name) const;

  /// [count, channels, h, w].
  OnnxValue input(const std::string& name, std::int64_t channels, const OnnxDimension& count);
  /// [count, channels, h, w], or [count, channels].
  void output(const OnnxValue& value, const std::string& name, const std::string& count, int num_dimensions = 4);

  /// Convolution with its norm or its bias.
  OnnxValue conv(const std::string& layer, const OnnxValue& x, std::int64_t stride = 1, const std::string& use = "");
  OnnxValue norm(const std::string& layer, const OnnxValue& x, const std::string& use = "");
  OnnxValue relu(const OnnxValue& x);
  OnnxValue sum(const OnnxValue& a, const OnnxValue& b);
  OnnxValue max_pool(const OnnxValue& x, std::int64_t kernel, std::int64_t stride);
  /// The coarse map, each value repeated, as large as the fine one: number of images and of channels are alike.
  OnnxValue upsampled(const OnnxValue& coarse, const OnnxValue& fine);
  OnnxValue deconv(const std::string& layer, const OnnxValue& x);
  /// [R,C,h,w] -> [R,C*cells]; cells 0: not known.
  OnnxValue flat(const OnnxValue& x, std::int64_t cells = 0);
  /// [R,C,h,w] -> [R,C].
  OnnxValue mean(const OnnxValue& x);
  OnnxValue linear(const std::string& layer, const OnnxValue& x);
  OnnxValue softmax(const OnnxValue& x);
  OnnxValue sigmoid(const OnnxValue& x);
  /// Residual blocks, as many as there are; the first of the second and later stages halves the map.
  OnnxValue stage(const std::string& name, OnnxValue x, std::int64_t stride, const std::string& use = "");

 private:
  OnnxValue block(const std::string& at, const OnnxValue& x, std::int64_t stride, const std::string& use);
  const HostTensor& weight_of(const std::string& layer, const OnnxValue& x, std::size_t inputs) const;
  std::string bias_of(const std::string& layer, std::int64_t channels) const;

  const StateDict& weights_;
  OnnxGraph graph_;
};

using OnnxMaps = std::vector<std::pair<std::string, OnnxValue>>;  // by name, finest first

/// The maps that a network works on: `p2` .. `p5`, with a proposal network also `p6`; without a pyramid `res2` ..
/// `res5`; of C4 `res4` alone.
OnnxMaps onnx_feature_maps(OnnxLayers& layers, const OnnxValue& images);

/// The proposal network's head on the map of that name: [N,A,h,w] logits and [N,4A,h,w].
struct OnnxRpnOutputs {
  OnnxValue objectness, deltas;
};
OnnxRpnOutputs onnx_rpn_head(OnnxLayers& layers, const std::string& name, const OnnxValue& map);

/// Vectors [R,V] of pooled boxes [R,C,r,r]; r 0: not known.
OnnxValue onnx_box_vectors(OnnxLayers& layers, const OnnxValue& boxes, std::int64_t resolution = 0);
OnnxValue onnx_class_probabilities(OnnxLayers& layers, const OnnxValue& vectors);  // [R,K+1], background last
OnnxValue onnx_box_deltas(OnnxLayers& layers, const OnnxValue& vectors);           // [R,4K] or [R,4]

/// Logits [M,K,2r,2r] or [M,1,2r,2r] of pooled boxes.
OnnxValue onnx_mask_logits(OnnxLayers& layers, const OnnxValue& boxes);

/// The model's properties: the metadata of the checkpoint without what is the checkpoint file's own. `input` says how
/// images are normalised, unless the metadata do.
std::map<std::string, std::string> onnx_properties(std::map<std::string, std::string> metadata);

}  // namespace soco
