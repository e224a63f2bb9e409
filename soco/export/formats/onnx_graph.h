// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "soco/structures/host_tensor.h"

namespace soco {

/// One dimension of an input or output: a number, or the name of one that is known at run time.
using OnnxDimension = std::variant<std::int64_t, std::string>;

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, HostTensor> value;
};

/// The version of the operators, of ONNX 1.8 and 1.11: the first with all that networks of layers need, and the first
/// whose RoiAlign counts pixel centres at half integers.
enum class OnnxOperators : std::int64_t { kVersion13 = 13, kVersion16 = 16 };

/// A network as an ONNX graph (onnx.ai/onnx/repo-docs/IR.html, onnx.proto). Its weights are the tensors of a state
/// dict, float32, under their names. Inputs, outputs and constants are float32 or int64.
class OnnxGraph {
 public:
  /// `weights` must outlive the graph. Errors: a tensor that is not float32.
  explicit OnnxGraph(const StateDict& weights, OnnxOperators operators = OnnxOperators::kVersion13);

  void input(const std::string& name, const std::vector<OnnxDimension>& dimensions, DType type = DType::kFloat32);
  /// `name`: of a node's output.
  void output(const std::string& name, const std::vector<OnnxDimension>& dimensions, DType type = DType::kFloat32);

  /// Adds a node; its inputs are graph inputs, weights, outputs of earlier nodes, or "" for one left out. Gives
  /// `output`.
  std::string node(std::string_view operation, const std::vector<std::string>& inputs, const std::string& output,
                   const std::vector<OnnxAttribute>& attributes = {});

  /// A node of several outputs.
  void multi_node(std::string_view operation, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::vector<OnnxAttribute>& attributes = {});

  /// Writes the model, whole or not at all. `metadata`: the model's properties. Errors: a weight that no node uses,
  /// naming it; more than protobuf's 2 GiB; disk full or not writable.
  void write(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) const;

 private:
  const StateDict& weights_;
  OnnxOperators operators_;
  std::string nodes_, inputs_, outputs_;  // fields of GraphProto
  std::set<std::string> values_;          // graph inputs and outputs of nodes
  std::set<std::string> used_weights_;
};

/// The weights of a model that OnnxGraph wrote. Errors: anything else.
StateDict read_onnx_weights(const std::filesystem::path& path);

}  // namespace soco
