// SPDX-License-Identifier: MIT
// The graph and refusals; tests/integration/test_onnx.py runs the files.
#include "soco/export/formats/onnx_detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "export/detector_state.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/protobuf.h"
#include "soco/export/export.h"
#include "soco/export/formats/onnx_graph.h"
#include "soco/modeling/detector_options.h"
#include "testing/error_of.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using testing::detector_cases;
using testing::detector_state;
using testing::DetectorCase;
using testing::error_of;
using testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

DetectorOptions options_of(const DetectorCase& detector) {
  DetectorOptions options;
  options.trunk = detector.c4 ? DetectorTrunk::kC4 : DetectorTrunk::kFpn;
  options.roi_heads.pooler_resolution = detector.c4 ? 14 : 7;
  options.roi_heads.class_agnostic_boxes = options.masks.class_agnostic = detector.class_agnostic;
  options.masks.enabled = detector.masks;
  return options;
}

/// What is read of a file: by the numbers of onnx.proto.
struct ReadNode {
  std::string operation;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, std::string> attributes;  // by name: the whole message
};
struct ReadGraph {
  std::vector<ReadNode> nodes;
  std::vector<std::string> inputs, outputs;
  std::uint64_t ir_version = 0, operators = 0;
  std::map<std::string, std::string> properties;

  std::vector<const ReadNode*> of(const std::string& operation) const {
    std::vector<const ReadNode*> found;
    for (const ReadNode& node : nodes)
      if (node.operation == operation) found.push_back(&node);
    return found;
  }
};

template <class F>
void each_field(std::string_view message, const F& use) {
  protobuf::Reader reader(message);
  while (const auto field = reader.next()) use(*field);
}

/// The first field of that number: its bytes.
std::string bytes_in(std::string_view message, std::uint32_t number) {
  std::string bytes;
  each_field(message, [&](const protobuf::Field& f) {
    if (f.number == number && bytes.empty()) bytes = f.bytes;
  });
  return bytes;
}

std::uint64_t integer_in(std::string_view message, std::uint32_t number) {
  std::uint64_t integer = 0;
  each_field(message, [&](const protobuf::Field& f) {
    if (f.number == number) integer = f.integer;
  });
  return integer;
}

ReadNode read_node(std::string_view message) {
  ReadNode node;
  each_field(message, [&](const protobuf::Field& f) {
    if (f.number == 1) node.inputs.emplace_back(f.bytes);
    if (f.number == 2) node.outputs.emplace_back(f.bytes);
    if (f.number == 4) node.operation = f.bytes;
    if (f.number == 5) node.attributes[bytes_in(f.bytes, 1)] = f.bytes;
  });
  return node;
}

ReadGraph read_graph(const std::filesystem::path& path) {
  const std::string model = read_text_file(path, std::uint64_t{1} << 30);
  ReadGraph graph;
  graph.ir_version = integer_in(model, 1);
  graph.operators = integer_in(bytes_in(model, 8), 2);
  each_field(model, [&](const protobuf::Field& f) {
    if (f.number == 14) graph.properties[bytes_in(f.bytes, 1)] = bytes_in(f.bytes, 2);
  });
  each_field(bytes_in(model, 7), [&](const protobuf::Field& f) {
    if (f.number == 1) graph.nodes.push_back(read_node(f.bytes));
    if (f.number == 11) graph.inputs.push_back(bytes_in(f.bytes, 1));
    if (f.number == 12) graph.outputs.push_back(bytes_in(f.bytes, 1));
  });
  return graph;
}

/// The float32 values of the constant that has that name.
std::vector<float> constant_of(const ReadGraph& graph, const std::string& name) {
  for (const ReadNode* node : graph.of("Constant")) {
    if (node->outputs[0] != name) continue;
    const std::string data = bytes_in(bytes_in(node->attributes.at("value"), 5), 9);
    std::vector<float> values(data.size() / sizeof(float));
    std::memcpy(values.data(), data.data(), data.size());
    return values;
  }
  ADD_FAILURE() << "no constant " << name;
  return {};
}

ReadGraph exported(const StateDict& state, const DetectorOptions& options) {
  TempDir dir;
  export_model(state, {{"kind", "soco-finetune"}}, ExportFormat::kOnnxDetector, dir / "x.onnx", &options);
  return read_graph(dir / "x.onnx");
}

class EveryOnnxDetector : public ::testing::TestWithParam<DetectorCase> {};

TEST_P(EveryOnnxDetector, HasEveryTensorUnchanged) {
  TempDir dir;
  const StateDict ours = detector_state(GetParam());
  const DetectorOptions options = options_of(GetParam());
  const ExportReport report = export_model(ours, {}, ExportFormat::kOnnxDetector, dir / "x.onnx", &options);
  for (const std::string& name : report.skipped) EXPECT_TRUE(name.ends_with(".num_batches_tracked")) << name;
  EXPECT_EQ(report.keys.size() + report.skipped.size(), ours.size());
  const StateDict weights = read_onnx_weights(dir / "x.onnx");
  EXPECT_EQ(weights.size(), report.keys.size());
  for (const auto& [name, tensor] : weights.entries()) EXPECT_EQ(tensor, ours.at(name)) << name;
}

TEST_P(EveryOnnxDetector, IsAGraphFromPixelsToDetections) {
  const DetectorCase& detector = GetParam();
  const StateDict state = detector_state(detector);
  const ReadGraph graph = exported(state, options_of(detector));
  EXPECT_EQ(graph.ir_version, 8u);
  EXPECT_EQ(graph.operators, 16u);
  EXPECT_THAT(graph.inputs, ElementsAre("images", "size"));
  std::vector<std::string> outputs{"boxes", "scores", "classes"};
  if (detector.masks) outputs.push_back("masks");
  EXPECT_EQ(graph.outputs, outputs);
  // Of proposals and of detections.
  EXPECT_EQ(graph.of("NonMaxSuppression").size(), 2u);
  const std::size_t levels = detector.c4 ? 1 : 4, branches = detector.masks ? 2 : 1;
  EXPECT_EQ(graph.of("RoiAlign").size(), levels * branches);
  // Each level's candidates (on P6 too), all proposals, the order of detections, the best of them.
  EXPECT_EQ(graph.of("TopK").size(), (detector.c4 ? 1u : 5u) + 3);
  // Every node's input is there before it, and every output has one maker.
  std::set<std::string> known(graph.inputs.begin(), graph.inputs.end());
  for (const auto& [name, tensor] : state.entries()) known.insert(name);
  for (const ReadNode& node : graph.nodes) {
    for (const std::string& input : node.inputs) EXPECT_TRUE(input.empty() || known.contains(input)) << input;
    for (const std::string& output : node.outputs) EXPECT_TRUE(known.insert(output).second) << output;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EveryOnnxDetector, ::testing::ValuesIn(detector_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(OnnxDetector, TakesItsRulesFromTheSettings) {
  DetectorOptions options = options_of({});
  const StateDict state = detector_state({.name = ""});
  const auto roi_align = [](const ReadGraph& graph, std::size_t i) { return graph.of("RoiAlign").at(i)->attributes; };
  ReadGraph graph = exported(state, options);
  EXPECT_EQ(bytes_in(roi_align(graph, 0).at("coordinate_transformation_mode"), 4), "half_pixel");
  EXPECT_EQ(integer_in(roi_align(graph, 0).at("sampling_ratio"), 3), 0u);
  EXPECT_EQ(integer_in(roi_align(graph, 0).at("output_height"), 3), 7u);
  EXPECT_EQ(integer_in(roi_align(graph, 4).at("output_width"), 3), 14u);  // masks
  EXPECT_EQ(graph.of("GreaterOrEqual").size(), 6u);                          // bounds of levels, of boxes and masks
  const auto thresholds = [](const ReadGraph& g) {
    std::vector<float> values;
    for (const ReadNode* node : g.of("NonMaxSuppression")) values.push_back(constant_of(g, node->inputs.at(3)).at(0));
    return values;
  };
  EXPECT_THAT(thresholds(graph), ElementsAre(0.7f, 0.5f));
  options.roi_heads.aligned = false;
  options.roi_heads.sampling_ratio = 2;
  options.roi_heads.min_size = 3;
  options.roi_heads.nms_iou = 0.25;
  options.rpn.nms_iou = 0.75;
  graph = exported(state, options);
  EXPECT_EQ(bytes_in(roi_align(graph, 3).at("coordinate_transformation_mode"), 4), "output_half_pixel");
  EXPECT_EQ(integer_in(roi_align(graph, 3).at("sampling_ratio"), 3), 2u);
  EXPECT_EQ(graph.of("GreaterOrEqual").size(), 7u);
  EXPECT_THAT(thresholds(graph), ElementsAre(0.75f, 0.25f));
}

/// The constant of 12 numbers is a cell's three anchors.
TEST(OnnxDetector, AnchorsOfACell) {
  DetectorOptions options = options_of({});
  options.rpn.anchors.sizes = {10, 20, 30, 40, 50};
  options.rpn.anchors.ratios = {0.25, 1, 4};
  std::vector<std::vector<float>> cells;
  const ReadGraph graph = exported(detector_state({.name = ""}), options);
  for (const ReadNode* node : graph.of("Constant"))
    if (bytes_in(bytes_in(node->attributes.at("value"), 5), 9).size() == 12 * sizeof(float))
      cells.push_back(constant_of(graph, node->outputs[0]));
  ASSERT_EQ(cells.size(), 5u);
  EXPECT_THAT(cells[1], ElementsAre(-20, -5, 20, 5, -10, -10, 10, 10, -5, -20, 5, 20));
  EXPECT_EQ(cells[4][2], 50);
}

TEST(OnnxDetector, KeepsTheMetadata) {
  EXPECT_EQ(exported(detector_state({.name = ""}), options_of({})).properties.at("kind"), "soco-finetune");
}

TEST(OnnxDetector, RefusesSettingsOfAnotherDetector) {
  TempDir dir;
  const StateDict state = detector_state({.name = ""});
  const auto refusal = [&](const auto& change, const StateDict& weights) {
    DetectorOptions options = options_of({});
    change(options);
    return error_of([&] { export_model(weights, {}, ExportFormat::kOnnxDetector, dir / "x.onnx", &options); });
  };
  EXPECT_THAT(error_of([&] { export_model(state, {}, ExportFormat::kOnnxDetector, dir / "x.onnx"); }),
              HasSubstr("onnx-detector needs a detector's settings"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.trunk = DetectorTrunk::kC4; }, state), HasSubstr("model.trunk = c4"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.rpn.anchors.ratios = {1, 2}; }, state),
              HasSubstr("model.rpn.anchors makes 2 anchors a cell (1 sizes, 2 ratios)"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.rpn.anchors.sizes = {1, 2}; }, state), HasSubstr("rpn.anchors.sizes"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.roi_heads.box_weights = {1, 2}; }, state), HasSubstr("box_weights"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.masks.enabled = false; }, state),
              HasSubstr("model.masks.enabled = false"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.roi_heads.class_agnostic_boxes = true; }, state),
              HasSubstr("model.roi_heads.class_agnostic_boxes = true with 3 classes makes 4 rows"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.masks.class_agnostic = true; }, state),
              HasSubstr("model.masks.class_agnostic = true with 3 classes makes 1 rows"));
  EXPECT_THAT(refusal([](DetectorOptions& o) { o.roi_heads.pooler_resolution = 5; }, state),
              HasSubstr("'roi_heads.box_head.fc1.weight' has shape [16, 392], expected [outputs, 200]"));
  EXPECT_THAT(refusal([](DetectorOptions&) {}, testing::resnet18_state()), HasSubstr("needs a whole detector"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace soco
