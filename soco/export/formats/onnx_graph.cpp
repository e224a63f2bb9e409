// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx_graph.h"

#include "soco/base/atomic_file.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/protobuf.h"

namespace soco {
namespace {

using protobuf::append_bytes;
using protobuf::append_bytes_head;
using protobuf::append_integer;

constexpr std::int64_t kFloatType = 1, kInt64Type = 7;  // TensorProto.DataType
constexpr std::uint64_t kMaxProtobuf = (std::uint64_t{1} << 31) - 1;

/// Numbers of fields, by onnx.proto.
namespace model_field {
constexpr std::uint32_t kIrVersion = 1, kProducer = 2, kGraph = 7, kOperators = 8, kProperties = 14;
}
namespace graph_field {
constexpr std::uint32_t kNode = 1, kName = 2, kInitializer = 5, kInput = 11, kOutput = 12;
}
namespace tensor_field {
constexpr std::uint32_t kDimension = 1, kType = 2, kName = 8, kRawData = 9;
}

/// Of the files, by the operators that came with it.
std::int64_t ir_version(OnnxOperators operators) { return operators == OnnxOperators::kVersion13 ? 7 : 8; }

std::int64_t type_number(DType type) {
  SOCO_ASSERT(type == DType::kFloat32 || type == DType::kInt64);
  return type == DType::kFloat32 ? kFloatType : kInt64Type;
}

/// ValueInfoProto: 1 name, 2 type. TypeProto: 1 tensor type; of it 1 element type, 2 shape. Dimension: 1 value, 2 name.
std::string value_info(const std::string& name, const std::vector<OnnxDimension>& dimensions, DType element) {
  std::string shape;
  for (const OnnxDimension& dimension : dimensions) {
    std::string text;
    if (const auto* size = std::get_if<std::int64_t>(&dimension))
      append_integer(text, 1, *size);
    else
      append_bytes(text, 2, std::get<std::string>(dimension));
    append_bytes(shape, 1, text);
  }
  std::string tensor, type, info;
  append_integer(tensor, 1, type_number(element));
  append_bytes(tensor, 2, shape);
  append_bytes(type, 1, tensor);
  append_bytes(info, 1, name);
  append_bytes(info, 2, type);
  return info;
}

/// A TensorProto up to its data.
std::string tensor_head(const std::string& name, const HostTensor& tensor) {
  std::string head;
  for (const std::int64_t size : tensor.shape) append_integer(head, tensor_field::kDimension, size);
  append_integer(head, tensor_field::kType, type_number(tensor.dtype));
  if (!name.empty()) append_bytes(head, tensor_field::kName, name);
  append_bytes_head(head, tensor_field::kRawData, tensor.data.size());
  return head;
}

/// The same with the head of the field that it is in.
std::string initializer_head(const std::string& name, const HostTensor& tensor) {
  const std::string head = tensor_head(name, tensor);
  std::string field;
  append_bytes_head(field, graph_field::kInitializer, head.size() + tensor.data.size());
  return field + head;
}

/// AttributeProto: 1 name, 2 float, 3 integer, 4 string, 5 tensor, 8 integers, 20 which of them.
std::string attribute_text(const OnnxAttribute& attribute) {
  constexpr std::int64_t kFloat = 1, kInteger = 2, kString = 3, kTensor = 4, kIntegers = 7;
  std::string text;
  append_bytes(text, 1, attribute.name);
  std::int64_t kind = kIntegers;
  if (const auto* real = std::get_if<float>(&attribute.value)) {
    protobuf::append_float(text, 2, *real);
    kind = kFloat;
  } else if (const auto* integer = std::get_if<std::int64_t>(&attribute.value)) {
    append_integer(text, 3, *integer);
    kind = kInteger;
  } else if (const auto* string = std::get_if<std::string>(&attribute.value)) {
    append_bytes(text, 4, *string);
    kind = kString;
  } else if (const auto* tensor = std::get_if<HostTensor>(&attribute.value)) {
    append_bytes(text, 5, tensor_head("", *tensor) + std::string(text_of(tensor->data)));
    kind = kTensor;
  } else {
    for (const std::int64_t value : std::get<std::vector<std::int64_t>>(attribute.value))
      append_integer(text, 8, value);
  }
  append_integer(text, 20, kind);
  return text;
}

std::string model_head(const std::map<std::string, std::string>& metadata, OnnxOperators version) {
  std::string operators, model;
  append_bytes(operators, 1, "");
  append_integer(operators, 2, static_cast<std::int64_t>(version));
  append_integer(model, model_field::kIrVersion, ir_version(version));
  append_bytes(model, model_field::kProducer, "soco");
  append_bytes(model, model_field::kOperators, operators);
  for (const auto& [key, value] : metadata) {
    std::string entry;
    append_bytes(entry, 1, key);
    append_bytes(entry, 2, value);
    append_bytes(model, model_field::kProperties, entry);
  }
  return model;
}

/// The only field of that number. Error when there is none.
std::string_view field_of(std::string_view message, std::uint32_t number, std::string_view what) {
  protobuf::Reader reader(message);
  while (const auto field = reader.next())
    if (field->number == number) return field->bytes;
  fail("no {} in it", what);
}

void add_tensor(StateDict& weights, std::string_view message) {
  std::string name;
  std::vector<std::int64_t> shape;
  std::string_view data;
  protobuf::Reader reader(message);
  while (const auto field = reader.next()) {
    if (field->number == tensor_field::kDimension) shape.push_back(static_cast<std::int64_t>(field->integer));
    if (field->number == tensor_field::kName) name = field->bytes;
    if (field->number == tensor_field::kRawData) data = field->bytes;
    if (field->number == tensor_field::kType && field->integer != kFloatType) fail("a weight that is not float32");
  }
  const auto bytes = bytes_of(data);
  weights.add(name, HostTensor::make(DType::kFloat32, shape, {bytes.begin(), bytes.end()}));
}

}  // namespace

OnnxGraph::OnnxGraph(const StateDict& weights, OnnxOperators operators) : weights_(weights), operators_(operators) {
  for (const auto& [name, tensor] : weights.entries())
    if (tensor.dtype != DType::kFloat32)
      fail("'{}' is {}; ONNX files are written of float32 weights", name, dtype_name(tensor.dtype));
}

void OnnxGraph::input(const std::string& name, const std::vector<OnnxDimension>& dimensions, DType type) {
  SOCO_ASSERT(values_.insert(name).second);
  append_bytes(inputs_, graph_field::kInput, value_info(name, dimensions, type));
}

void OnnxGraph::output(const std::string& name, const std::vector<OnnxDimension>& dimensions, DType type) {
  SOCO_ASSERT(values_.contains(name));
  append_bytes(outputs_, graph_field::kOutput, value_info(name, dimensions, type));
}

std::string OnnxGraph::node(std::string_view operation, const std::vector<std::string>& inputs,
                            const std::string& output, const std::vector<OnnxAttribute>& attributes) {
  multi_node(operation, inputs, std::vector<std::string>{output}, attributes);
  return output;
}

void OnnxGraph::multi_node(std::string_view operation, const std::vector<std::string>& inputs,
                           const std::vector<std::string>& outputs, const std::vector<OnnxAttribute>& attributes) {
  // NodeProto: 1 input, 2 output, 3 name, 4 operation, 5 attribute.
  std::string text;
  for (const std::string& input : inputs) {
    if (weights_.find(input) != nullptr)
      used_weights_.insert(input);
    else
      SOCO_ASSERT(input.empty() || values_.contains(input));
    append_bytes(text, 1, input);
  }
  for (const std::string& output : outputs) {
    SOCO_ASSERT(values_.insert(output).second);
    append_bytes(text, 2, output);
  }
  append_bytes(text, 3, outputs.at(0));
  append_bytes(text, 4, operation);
  for (const OnnxAttribute& attribute : attributes) append_bytes(text, 5, attribute_text(attribute));
  append_bytes(nodes_, graph_field::kNode, text);
}

void OnnxGraph::write(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) const {
  std::string graph = nodes_, model = model_head(metadata, operators_);
  append_bytes(graph, graph_field::kName, "soco");
  graph += inputs_ + outputs_;
  std::uint64_t graph_bytes = graph.size();
  std::vector<std::string> heads;
  for (const auto& [name, tensor] : weights_.entries()) {
    if (!used_weights_.contains(name)) fail("'{}' has no place in the network that its neighbours make", name);
    heads.push_back(initializer_head(name, tensor));
    graph_bytes += heads.back().size() + tensor.data.size();
  }
  append_bytes_head(model, model_field::kGraph, graph_bytes);
  if (model.size() + graph_bytes > kMaxProtobuf)
    fail("{}: the network has {} bytes; ONNX files end at 2 GiB", path.string(), graph_bytes);
  AtomicFile file(path);
  file.write(model);
  file.write(graph);
  for (std::size_t i = 0; i < heads.size(); ++i) {
    file.write(heads[i]);
    file.write(std::span<const std::byte>(weights_.entries()[i].second.data));
  }
  file.commit();
}

StateDict read_onnx_weights(const std::filesystem::path& path) {
  const std::string model = read_text_file(path, kMaxProtobuf);
  StateDict weights;
  try {
    protobuf::Reader graph(field_of(model, model_field::kGraph, "graph"));
    while (const auto field = graph.next())
      if (field->number == graph_field::kInitializer) add_tensor(weights, field->bytes);
  } catch (const Error& error) {
    fail("{}: not an ONNX file of ours: {}", path.string(), error.what());
  }
  return weights;
}

}  // namespace soco
