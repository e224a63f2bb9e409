// SPDX-License-Identifier: MIT
#include "soco/export/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <set>

#include "export/state.h"
#include "soco/base/error.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/export/pickle_reader.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::resnet18_state;
using testing::TempDir;

/// All but the one that needs the settings of a detector.
std::vector<ExportFormatInfo> formats_of_weights() {
  std::vector<ExportFormatInfo> formats = export_formats();
  std::erase_if(formats, [](const ExportFormatInfo& info) { return info.format == ExportFormat::kOnnxDetector; });
  return formats;
}

class EveryFormat : public ::testing::TestWithParam<ExportFormatInfo> {};

TEST_P(EveryFormat, AccountsForEveryParameter) {
  TempDir dir;
  const StateDict online = resnet18_state();
  const auto out = dir / ("x" + std::string(GetParam().extension));
  const ExportReport report = export_model(online, {{"epoch", "3"}}, GetParam().format, out);
  std::set<std::string> ours(report.skipped.begin(), report.skipped.end());
  std::set<std::string> theirs;
  for (const auto& [name, their_name] : report.keys) {
    ours.insert(name);
    theirs.insert(their_name);
  }
  EXPECT_EQ(ours.size(), online.size());
  EXPECT_EQ(theirs.size(), report.keys.size());
  EXPECT_EQ(report.keys.size() + report.skipped.size(), online.size());
  EXPECT_EQ(report.bytes, std::filesystem::file_size(out));
  EXPECT_THAT(report.input_convention, HasSubstr("RGB"));
}

TEST_P(EveryFormat, IsFoundByItsName) {
  const std::string out = "x" + std::string(GetParam().extension);
  EXPECT_EQ(export_format_from_name(GetParam().name, out), GetParam().format);
  EXPECT_THROW(export_format_from_name(GetParam().name, "x.txt"), Error);
}

TEST_P(EveryFormat, RefusesWhatIsNoOnlineNetwork) {
  TempDir dir;
  const auto out = dir / ("x" + std::string(GetParam().extension));
  StateDict heads;
  heads.add("projector.fc1.weight", HostTensor::from<float>({}, {1}));
  EXPECT_THROW(export_model(heads, {}, GetParam().format, out), Error);
  StateDict checkpoint;
  checkpoint.add("online.backbone.bottom_up.stem.conv1.weight", HostTensor::from<float>({}, {1}));
  EXPECT_THROW(export_model(checkpoint, {}, GetParam().format, out), Error);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST_P(EveryFormat, DiskFullLeavesNothingBehind) {
  TempDir dir;
  const StateDict online = resnet18_state();
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 12, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(export_model(online, {}, GetParam().format, dir / ("x" + std::string(GetParam().extension))), Error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

INSTANTIATE_TEST_SUITE_P(Table, EveryFormat, ::testing::ValuesIn(formats_of_weights()), [](const auto& info) {
  std::string name = std::string(info.param.name) + std::string(info.param.extension);
  for (char& letter : name)
    if (letter == '-' || letter == '.') letter = '_';
  return name;
});

TEST(ExportModel, Detectron2FileHasTheReleasesShape) {
  TempDir dir;
  const StateDict online = resnet18_state();
  for (const auto format : {ExportFormat::kDetectron2Pkl, ExportFormat::kDetectron2Pth}) {
    export_model(online, {}, format, dir / "x.pkl");
    const PickleValue value = read_pickle_file(dir / "x.pkl");
    EXPECT_EQ(*value.find("__author__")->get_if<std::string>(), "soco");
    EXPECT_EQ(*value.find("matching_heuristics")->get_if<bool>(), true);
    const StateDict model = extract_state_dict(*value.find("model"), "x").tensors;
    EXPECT_EQ(model.at("res3.0.shortcut.weight"), online.at("backbone.bottom_up.res3.0.shortcut.weight"));
    EXPECT_EQ(model.at("box_head.fc1.weight"), online.at("roi_heads.box_head.fc1.weight"));
    EXPECT_EQ(model.find("projector.fc1.weight"), nullptr);
  }
}

TEST(ExportModel, MmdetectionFileHasTheReleasesShape) {
  TempDir dir;
  const StateDict online = resnet18_state();
  export_model(online, {}, ExportFormat::kMmdetection, dir / "x.pth");
  const PickleValue value = read_pickle_file(dir / "x.pth");
  EXPECT_EQ(value.find("meta")->type_name(), "dict");
  const StateDict state = extract_state_dict(*value.find("state_dict"), "x").tensors;
  EXPECT_EQ(state.at("neck.fpn_convs.3.bn.running_var"), online.at("backbone.fpn_output5.norm.running_var"));
  EXPECT_EQ(state.at("roi_head.bbox_head.shared_fcs.0.weight"), online.at("roi_heads.box_head.fc1.weight"));
}

TEST(ExportModel, BackboneVariantHasNothingElse) {
  TempDir dir;
  const ExportReport report = export_model(resnet18_state(), {}, ExportFormat::kMmdetectionBackbone, dir / "x.pth");
  for (const auto& [ours, theirs] : report.keys) EXPECT_TRUE(theirs.starts_with("backbone.")) << theirs;
  // ResNet-18: 20 convolutions, each with a norm of 5 tensors.
  EXPECT_EQ(report.keys.size(), 20u * 6);
}

TEST(ExportModel, TorchvisionHasTheCountsOfItsResnets) {
  TempDir dir;
  // torchvision: len(resnet18().state_dict()) is 122, len(resnet50().state_dict()) is 320, 2 of them of fc.
  EXPECT_EQ(export_model(resnet18_state(), {}, ExportFormat::kTorchvision, dir / "x.pth").keys.size(), 120u);
  EXPECT_EQ(export_model(testing::resnet50_state(), {}, ExportFormat::kTorchvision, dir / "y.pth").keys.size(), 318u);
}

TEST(ExportModel, TorchvisionAdviceNamesTheDepth) {
  TempDir dir;
  EXPECT_THAT(export_model(resnet18_state(), {}, ExportFormat::kTorchvision, dir / "x.pth").input_convention,
              HasSubstr("models.resnet18()"));
  EXPECT_THAT(export_model(testing::resnet50_state(), {}, ExportFormat::kTorchvision, dir / "y.pth").input_convention,
              HasSubstr("models.resnet50()"));
}

TEST(ExportModel, SafetensorsKeepsMetadataAndAllNames) {
  TempDir dir;
  const StateDict online = resnet18_state();
  export_model(online, {{"epoch", "3"}}, ExportFormat::kSafetensors, dir / "x.safetensors");
  const SafetensorsFile file = read_safetensors(dir / "x.safetensors");
  EXPECT_EQ(file.tensors, online);
  EXPECT_EQ(file.metadata.at("epoch"), "3");
}

TEST(ExportFormatFromName, SuggestsTheNearestName) {
  try {
    export_format_from_name("detectron", "x.pkl");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("detectron2"));
  }
  EXPECT_EQ(export_format_from_name("torchvision", "x.pt"), ExportFormat::kTorchvision);
}

}  // namespace
}  // namespace soco
