// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx_steps.h"

#include <fmt/format.h>

namespace soco {
namespace {

using Integers = std::vector<std::int64_t>;

}  // namespace

std::string OnnxSteps::next(std::string_view operation) { return fmt::format("{}.{}.{}", part_, ++count_, operation); }

std::string OnnxSteps::constant(const HostTensor& tensor) { return node("Constant", {}, {{"value", tensor}}); }

std::string OnnxSteps::node(std::string_view operation, const std::vector<std::string>& inputs,
                            const std::vector<OnnxAttribute>& attributes) {
  return graph_.node(operation, inputs, next(operation), attributes);
}

std::string OnnxSteps::integers(const Integers& values) {
  return constant(HostTensor::from<std::int64_t>({static_cast<std::int64_t>(values.size())}, values));
}

std::string OnnxSteps::integer(std::int64_t value) { return constant(HostTensor::from<std::int64_t>({}, {value})); }

std::string OnnxSteps::reals(const Integers& shape, const std::vector<double>& values) {
  return constant(HostTensor::from<float>(shape, std::vector<float>(values.begin(), values.end())));
}

std::string OnnxSteps::dimension(const std::string& x, std::int64_t axis) {
  return gather(node("Shape", {x}), integers({axis}));
}

std::string OnnxSteps::reshape(const std::string& x, const Integers& shape) {
  return node("Reshape", {x, integers(shape)});
}

std::string OnnxSteps::transpose(const std::string& x, const Integers& order) {
  return node("Transpose", {x}, {{"perm", order}});
}

std::string OnnxSteps::unsqueeze(const std::string& x, std::int64_t axis) {
  return node("Unsqueeze", {x, integers({axis})});
}

std::string OnnxSteps::squeeze(const std::string& x, std::int64_t axis) {
  return node("Squeeze", {x, integers({axis})});
}

std::string OnnxSteps::concat(const std::vector<std::string>& values, std::int64_t axis) {
  return node("Concat", values, {{"axis", axis}});
}

std::string OnnxSteps::slice(const std::string& x, std::int64_t begin, std::int64_t end, std::int64_t axis) {
  return node("Slice", {x, integers({begin}), integers({end}), integers({axis})});
}

std::string OnnxSteps::gather(const std::string& x, const std::string& index, std::int64_t axis) {
  return node("Gather", {x, index}, {{"axis", axis}});
}

std::string OnnxSteps::sum(const std::string& x, const Integers& axes) {
  return node("ReduceSum", {x, integers(axes)}, {{"keepdims", std::int64_t{0}}});
}

std::string OnnxSteps::least(const std::string& x, std::int64_t axis) {
  return node("ReduceMin", {x}, {{"axes", Integers{axis}}, {"keepdims", std::int64_t{0}}});
}

std::string OnnxSteps::product(const std::string& x, std::int64_t axis) {
  return node("ReduceProd", {x}, {{"axes", Integers{axis}}, {"keepdims", std::int64_t{0}}});
}

std::string OnnxSteps::no_nan(const std::string& x, const Integers& axes) {
  return node("Not", {node("IsNaN", {sum(node("Abs", {x}), axes)})});  // without Abs, infinities could make one
}

OnnxSteps::Ordered OnnxSteps::ordered(const std::string& vector, const std::string& count, Order order) {
  const std::string values = next("TopK");
  graph_.multi_node("TopK", {vector, count}, {values, values + ".places"},
                    {{"axis", std::int64_t{0}},
                     {"largest", std::int64_t{order == Order::kFalling ? 1 : 0}},
                     {"sorted", std::int64_t{1}}});
  return {values, values + ".places"};
}

std::string OnnxSteps::at_most(std::int64_t most, const std::string& vector) {
  return node("Min", {integers({most}), node("Shape", {vector})});
}

}  // namespace soco
