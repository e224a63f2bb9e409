// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/export/formats/onnx_graph.h"

namespace soco {

/// Calculations as nodes: values go in and come out by their names. A value bears the name of its part of the graph, a
/// number and the operation: "proposals.7.TopK".
class OnnxSteps {
 public:
  /// `graph` must outlive the steps. `part`: of no other steps of the graph.
  OnnxSteps(OnnxGraph& graph, std::string part) : graph_(graph), part_(std::move(part)) {}

  std::string node(std::string_view operation, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {});

  /// Constants: int64 [n], an int64 without dimensions, float32 of any shape ([]: without dimensions).
  std::string integers(const std::vector<std::int64_t>& values);
  std::string integer(std::int64_t value);
  std::string reals(const std::vector<std::int64_t>& shape, const std::vector<double>& values);
  std::string real(double value) { return reals({}, {value}); }

  /// One dimension of a value, int64 [1].
  std::string dimension(const std::string& x, std::int64_t axis);
  /// The value repeated as `shape` (int64 [n]) says.
  std::string expand(const std::string& x, const std::string& shape) { return node("Expand", {x, shape}); }
  /// -1: what is left over, 0: as it was.
  std::string reshape(const std::string& x, const std::vector<std::int64_t>& shape);
  std::string transpose(const std::string& x, const std::vector<std::int64_t>& order);
  std::string unsqueeze(const std::string& x, std::int64_t axis);
  std::string squeeze(const std::string& x, std::int64_t axis);
  std::string concat(const std::vector<std::string>& values, std::int64_t axis);
  std::string slice(const std::string& x, std::int64_t begin, std::int64_t end, std::int64_t axis);
  std::string gather(const std::string& x, const std::string& index, std::int64_t axis = 0);
  std::string to_float(const std::string& x) { return node("Cast", {x}, {{"to", std::int64_t{1}}}); }
  std::string to_int64(const std::string& x) { return node("Cast", {x}, {{"to", std::int64_t{7}}}); }
  /// Sum, minimum, product over these axes, which go.
  std::string sum(const std::string& x, const std::vector<std::int64_t>& axes);
  std::string least(const std::string& x, std::int64_t axis);
  std::string product(const std::string& x, std::int64_t axis);
  /// Whether none of the values along these axes is NaN; the axes go.
  std::string no_nan(const std::string& x, const std::vector<std::int64_t>& axes);

  /// The first `count` (int64 [1]) of a vector in falling or rising order, equal ones in their own order: values and
  /// places.
  struct Ordered {
    std::string values, places;
  };
  enum class Order { kFalling, kRising };
  Ordered ordered(const std::string& vector, const std::string& count, Order order = Order::kFalling);
  /// The lesser of a number and the length of a vector, int64 [1].
  std::string at_most(std::int64_t most, const std::string& vector);

 private:
  std::string next(std::string_view operation);
  std::string constant(const HostTensor& tensor);

  OnnxGraph& graph_;
  std::string part_;
  int count_ = 0;
};

}  // namespace soco
