// SPDX-License-Identifier: MIT
// Refusals and read-back; tests/integration/test_onnx.py runs the files.
#include "soco/export/formats/onnx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "export/detector_state.h"
#include "export/state.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/export/export.h"
#include "soco/export/formats/onnx_graph.h"
#include "testing/error_of.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using testing::error_of;
using testing::detector_state;
using ::testing::HasSubstr;
using testing::TempDir;

StateDict changed(const StateDict& state, const std::string& name, HostTensor tensor) {
  StateDict other;
  for (const auto& [own, value] : state.entries()) other.add(own, own == name ? tensor : value);
  return other;
}

StateDict without(const StateDict& state, const std::string& name) {
  StateDict other;
  for (const auto& [own, value] : state.entries())
    if (own != name) other.add(own, value);
  return other;
}

HostTensor zeros(std::vector<std::int64_t> shape) {
  return HostTensor::from<float>(shape, std::vector<float>(static_cast<std::size_t>(num_elements(shape))));
}

TEST(Onnx, BothFilesTogetherHaveEveryTensorUnchanged) {
  TempDir dir;
  const StateDict ours = detector_state({.name = "", .depth = 50, .norm = true, .head_convs = 4, .head_fcs = 1});
  const ExportReport features = export_model(ours, {}, ExportFormat::kOnnx, dir / "a.onnx");
  const ExportReport heads = export_model(ours, {}, ExportFormat::kOnnxHeads, dir / "b.onnx");
  std::size_t counters = 0;
  for (const auto& [name, tensor] : ours.entries()) counters += name.ends_with(".num_batches_tracked");
  EXPECT_EQ(features.keys.size() + heads.keys.size() + counters, ours.size());
  EXPECT_EQ(features.keys.size() + features.skipped.size(), ours.size());
  for (const char* file : {"a.onnx", "b.onnx"}) {
    const StateDict weights = read_onnx_weights(dir / file);
    for (const auto& [name, tensor] : weights.entries()) EXPECT_EQ(tensor, ours.at(name)) << name;
  }
}

TEST(Onnx, RefusesANetworkThatDoesNotFitTogether) {
  TempDir dir;
  const StateDict ours = detector_state({.name = ""});
  const auto refusal = [&](const StateDict& state, ExportFormat format = ExportFormat::kOnnx) {
    return error_of([&] { export_model(state, {}, format, dir / "x.onnx"); });
  };
  const std::string trunk = "backbone.bottom_up.";
  EXPECT_THAT(refusal(without(ours, trunk + "res3.1.conv2.weight")), HasSubstr("res3.1.conv2.weight"));
  EXPECT_THAT(refusal(changed(ours, trunk + "res3.0.conv1.weight", zeros({8, 5, 3, 3}))),
              HasSubstr("shape [8, 5, 3, 3], expected a kernel for 4 channels"));
  EXPECT_THAT(refusal(changed(ours, trunk + "res3.0.conv1.weight", zeros({8, 4, 3, 1}))), HasSubstr("square kernel"));
  EXPECT_THAT(refusal(changed(ours, trunk + "res3.0.conv1.weight", zeros({8, 4, 0, 0}))), HasSubstr("square kernel"));
  EXPECT_THAT(refusal(changed(ours, trunk + "res3.0.conv1.norm.bias", zeros({9}))),
              HasSubstr("shape [9], expected [8]"));
  EXPECT_THAT(refusal(changed(ours, "backbone.fpn_lateral3.bias", zeros({}))), HasSubstr("shape [], expected [8]"));
  EXPECT_THAT(refusal(changed(ours, "roi_heads.box_head.fc2.weight", zeros({16, 17})), ExportFormat::kOnnxHeads),
              HasSubstr("expected [outputs, 16]"));
  StateDict gap = ours;
  gap.add(trunk + "res3.7.conv1.weight", zeros({1, 1, 1, 1}));
  EXPECT_THAT(refusal(gap), HasSubstr("'backbone.bottom_up.res3.7.conv1.weight' has no place"));
  EXPECT_THAT(
      refusal(changed(ours, trunk + "stem.conv1.norm.bias", HostTensor::from<double>({4}, std::vector<double>(4)))),
      HasSubstr("is float64; ONNX files are written of float32"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

StateDict trunk_of_width(std::int64_t width) {
  const StateDict online = testing::resnet18_state(width);
  StateDict trunk;
  for (const auto& [name, tensor] : online.entries())
    if (name.starts_with("backbone.bottom_up.")) trunk.add(name, tensor);
  return trunk;
}

TEST(Onnx, HeadsOfATrunkAreNothing) {
  TempDir dir;
  const StateDict trunk = trunk_of_width(8);
  EXPECT_THAT(error_of([&] { export_model(trunk, {}, ExportFormat::kOnnxHeads, dir / "x.onnx"); }),
              HasSubstr("none of its parts is in the network"));
  EXPECT_NO_THROW(export_model(trunk, {}, ExportFormat::kOnnx, dir / "x.onnx"));
}

/// Every cut and many changed bytes: an Error or other weights, never more than that.
TEST(Onnx, ReadingSurvivesDamage) {
  TempDir dir;
  export_model(trunk_of_width(1), {}, ExportFormat::kOnnx, dir / "x.onnx");
  const std::string whole = read_text_file(dir / "x.onnx");
  Rng rng(5, 0, 0, 0);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = whole;
    const auto at = static_cast<std::size_t>(rng.uniform(0, static_cast<double>(whole.size())));
    i % 2 == 0 ? damaged.resize(at)
               : static_cast<void>(damaged[at] = static_cast<char>(static_cast<unsigned char>(rng.uniform(0, 256))));
    std::ofstream(dir / "y.onnx", std::ios::binary) << damaged;
    const std::string error = error_of([&] { read_onnx_weights(dir / "y.onnx"); });
    refused += !error.empty();
    if (i % 2 == 0) {
      EXPECT_THAT(error, HasSubstr("y.onnx: not an ONNX file of ours")) << at;
    }
  }
  EXPECT_GT(refused, 150);
}

}  // namespace
}  // namespace soco
