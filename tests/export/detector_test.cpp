// SPDX-License-Identifier: MIT
// Whole detectors, from our names to those of other programs and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "export/detector_state.h"
#include "export/state.h"
#include "soco/base/error.h"
#include "soco/export/export.h"
#include "soco/export/formats/detector_rows.h"
#include "soco/export/network_shape.h"
#include "soco/export/weights.h"
#include "soco/export/weights_source.h"
#include "testing/error_of.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::Contains;
using testing::detector_cases;
using testing::detector_state;
using testing::DetectorCase;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempDir;

std::map<std::string, HostTensor> by_name(const StateDict& state) {
  return {state.entries().begin(), state.entries().end()};
}

std::set<std::string> names_of(const std::filesystem::path& path) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : read_weights_file(path).tensors) names.insert(name);
  return names;
}

/// Why a format cannot have a detector; empty when it can.
std::string obstacle(const DetectorCase& detector, std::string_view format) {
  if (format == "torchvision-detector" && detector.c4) return "torchvision's detectors stand on a pyramid";
  if (format == "torchvision-detector" && detector.class_agnostic) return "a box and a mask for each class";
  if (format == "mmdetection" && detector.extra_norm) return "'roi_heads.res5.norm.weight' has no place";
  return "";
}

class EveryDetector : public ::testing::TestWithParam<DetectorCase> {};

TEST_P(EveryDetector, ComesBackFromEveryFormatOfDetectors) {
  TempDir dir;
  const StateDict ours = detector_state(GetParam());
  for (const ExportFormatInfo& format : export_formats()) {
    if (format.name == "torchvision" || format.name == "mmdetection-backbone" || format.extension == ".onnx") continue;
    SCOPED_TRACE(format.name);
    const auto path = dir / ("x" + std::string(format.extension));
    const std::string expected = obstacle(GetParam(), format.name);
    if (!expected.empty()) {
      EXPECT_THAT(error_of([&] { export_model(ours, {}, format.format, path); }), HasSubstr(expected));
      EXPECT_FALSE(std::filesystem::exists(path));
      continue;
    }
    const ExportReport report = export_model(ours, {}, format.format, path);
    EXPECT_THAT(report.skipped, IsEmpty());
    const ReadWeights read = read_weights(path);
    EXPECT_EQ(read.report.layout, GetParam().c4 ? TrunkLayout::kC4 : TrunkLayout::kFpn);
    EXPECT_EQ(by_name(read.weights.online), by_name(ours));
    EXPECT_EQ(read.report.matched.size(), ours.size());
    std::filesystem::remove(path);
  }
}

TEST_P(EveryDetector, FormatsOfTrunksNameAllThatTheyLeaveOut) {
  TempDir dir;
  const StateDict ours = detector_state(GetParam());
  for (const ExportFormat format : {ExportFormat::kTorchvision, ExportFormat::kMmdetectionBackbone}) {
    const ExportReport report = export_model(ours, {}, format, dir / "x.pth");
    EXPECT_EQ(report.keys.size() + report.skipped.size(), ours.size());
    EXPECT_THAT(report.skipped, Contains("roi_heads.box_predictor.cls_score.bias"));
    for (const auto& [name, theirs] : report.keys)
      EXPECT_TRUE(name.find(".res") < 99 || name.find(".stem.") < 99) << name;
  }
}

TEST_P(EveryDetector, TellsAMissingAndAnUnknownTensor) {
  StateDict other;
  const StateDict ours = detector_state(GetParam());
  for (const auto& [name, tensor] : ours.entries())
    if (name != "roi_heads.box_predictor.bbox_pred.bias") other.add(name, tensor);
  other.add("roi_heads.keypoint_head.score.bias", HostTensor::from<float>({1}, {1}));
  const std::string error = error_of([&] { weights_from_tensors(other, {}, "file"); });
  EXPECT_THAT(error, HasSubstr("1 missing, 1 unexpected"));
  EXPECT_THAT(error, HasSubstr("online.roi_heads.box_predictor.bbox_pred.bias"));
  EXPECT_THAT(error, HasSubstr("roi_heads.keypoint_head.score.bias"));
}

TEST_P(EveryDetector, IsSeenForWhatItIs) {
  const DetectorCase& wanted = GetParam();
  const NetworkShape shape = network_shape(detector_state(wanted));
  EXPECT_TRUE(shape.detector);
  EXPECT_EQ(shape.c4, wanted.c4);
  EXPECT_EQ(shape.depth, wanted.depth);
  EXPECT_EQ(shape.width, 4);
  EXPECT_EQ(shape.pyramid, !wanted.c4);
  EXPECT_EQ(shape.pyramid_norm, wanted.norm);
  EXPECT_EQ(shape.head_convs, wanted.head_convs);
  EXPECT_EQ(shape.head_fcs, wanted.c4 ? 0 : wanted.head_fcs);
  EXPECT_EQ(shape.extra_norm, wanted.extra_norm);
  EXPECT_EQ(shape.masks, wanted.masks);
  EXPECT_EQ(shape.mask_convs, wanted.masks ? wanted.mask_convs : 0);
  EXPECT_EQ(shape.num_classes, wanted.classes);
  EXPECT_EQ(shape.class_agnostic_boxes, wanted.class_agnostic);
  EXPECT_EQ(shape.class_agnostic_masks, wanted.class_agnostic);
}

INSTANTIATE_TEST_SUITE_P(Cases, EveryDetector, ::testing::ValuesIn(detector_cases()),
                         [](const auto& info) { return info.param.name; });

/// Written down from MMDetection's modules (FPN, RPNHead, Shared2FCBBoxHead, FCNMaskHead), without the trunk.
TEST(DetectorNames, AreMmdetectionsOnAPyramid) {
  TempDir dir;
  export_model(detector_state({.name = ""}), {}, ExportFormat::kMmdetection, dir / "x.pth");
  std::set<std::string> wanted;
  const auto layer = [&](const std::string& name) {
    wanted.insert(name + ".weight");
    wanted.insert(name + ".bias");
  };
  for (const char* level : {"0", "1", "2", "3"}) {
    layer(std::string("neck.lateral_convs.") + level + ".conv");
    layer(std::string("neck.fpn_convs.") + level + ".conv");
    layer(std::string("roi_head.mask_head.convs.") + level + ".conv");
  }
  for (const char* name :
       {"rpn_head.rpn_conv", "rpn_head.rpn_cls", "rpn_head.rpn_reg", "roi_head.bbox_head.fc_cls",
        "roi_head.bbox_head.fc_reg", "roi_head.bbox_head.shared_fcs.0", "roi_head.bbox_head.shared_fcs.1",
        "roi_head.mask_head.upsample", "roi_head.mask_head.conv_logits"})
    layer(name);
  std::set<std::string> found = names_of(dir / "x.pth");
  EXPECT_EQ(std::erase_if(found, [](const std::string& name) { return name.starts_with("backbone."); }), 120u);
  EXPECT_EQ(found, wanted);
}

/// ResNet with three stages, ResLayer as shared head, BBoxHead.
TEST(DetectorNames, AreMmdetectionsOnC4) {
  TempDir dir;
  export_model(detector_state({.name = "", .depth = 50, .c4 = true, .mask_convs = 0}), {}, ExportFormat::kMmdetection,
               dir / "x.pth");
  const std::set<std::string> found = names_of(dir / "x.pth");
  for (const char* name : {"backbone.conv1.weight", "backbone.bn1.running_var", "backbone.layer3.5.conv3.weight",
                           "backbone.layer3.0.downsample.1.bias", "roi_head.shared_head.layer4.0.conv1.weight",
                           "roi_head.shared_head.layer4.2.bn3.running_mean",
                           "roi_head.shared_head.layer4.0.downsample.0.weight", "roi_head.bbox_head.fc_cls.weight",
                           "roi_head.mask_head.upsample.bias", "roi_head.mask_head.conv_logits.weight"})
    EXPECT_THAT(found, Contains(name));
  for (const std::string& name : found) EXPECT_FALSE(name.starts_with("backbone.layer4.")) << name;
}

/// Detectron2's GeneralizedRCNN, FPN, StandardROIHeads: written down from its modules, with the trunk's number.
TEST(DetectorNames, AreDetectron2sInFull) {
  TempDir dir;
  export_model(detector_state({.name = "", .depth = 50}), {}, ExportFormat::kDetectron2Pkl, dir / "x.pkl");
  std::set<std::string> wanted;
  for (const char* name : {"proposal_generator.rpn_head.conv",
                           "proposal_generator.rpn_head.objectness_logits",
                           "proposal_generator.rpn_head.anchor_deltas",
                           "roi_heads.box_head.fc1",
                           "roi_heads.box_head.fc2",
                           "roi_heads.box_predictor.cls_score",
                           "roi_heads.box_predictor.bbox_pred",
                           "roi_heads.mask_head.mask_fcn1",
                           "roi_heads.mask_head.mask_fcn2",
                           "roi_heads.mask_head.mask_fcn3",
                           "roi_heads.mask_head.mask_fcn4",
                           "roi_heads.mask_head.deconv",
                           "roi_heads.mask_head.predictor",
                           "backbone.fpn_lateral2",
                           "backbone.fpn_lateral3",
                           "backbone.fpn_lateral4",
                           "backbone.fpn_lateral5",
                           "backbone.fpn_output2",
                           "backbone.fpn_output3",
                           "backbone.fpn_output4",
                           "backbone.fpn_output5"})
    for (const char* leaf : {".weight", ".bias"}) wanted.insert(std::string(name) + leaf);
  std::set<std::string> found = names_of(dir / "x.pkl");
  EXPECT_EQ(std::erase_if(found, [](const std::string& name) { return name.starts_with("backbone.bottom_up."); }),
            318u);
  EXPECT_EQ(found, wanted);
}

/// torchvision's FastRCNNConvFCHead numbers convolutions 0 to 3, 4 flattens, 5 is the linear layer.
TEST(DetectorNames, AreTorchvisionsWithConvolutionsInTheBoxHead) {
  TempDir dir;
  export_model(detector_state({.name = "", .norm = true, .head_convs = 4, .head_fcs = 2}), {},
               ExportFormat::kTorchvisionDetector, dir / "x.pth");
  const std::set<std::string> found = names_of(dir / "x.pth");
  for (const char* name :
       {"roi_heads.box_head.0.0.weight", "roi_heads.box_head.3.1.running_var", "roi_heads.box_head.5.weight",
        "roi_heads.box_head.7.bias", "backbone.fpn.inner_blocks.0.1.weight", "roi_heads.mask_head.3.1.bias"})
    EXPECT_THAT(found, Contains(name));
}

TEST(DetectorNames, OfAThirdLinearLayerAreNotTorchvisions) {
  TempDir dir;
  const StateDict ours = detector_state({.name = "", .head_fcs = 3});
  EXPECT_THAT(error_of([&] { export_model(ours, {}, ExportFormat::kTorchvisionDetector, dir / "x.pth"); }),
              HasSubstr("has two linear layers, this network's has 3"));
}

/// Of torchvision's published files.
TEST(DetectorNames, OfOldTorchvisionAreKnown) {
  TempDir dir;
  const StateDict ours = detector_state({.name = ""});
  export_model(ours, {}, ExportFormat::kTorchvisionDetector, dir / "x.pth");
  StateDict old;
  for (const auto& [name, tensor] : read_weights_file(dir / "x.pth").tensors) {
    std::string older = name;
    const auto replace = [&](const std::string& from, const std::string& to) {
      if (const auto at = older.find(from); at != std::string::npos) older.replace(at, from.size(), to);
    };
    replace("rpn.head.conv.0.0.", "rpn.head.conv.");
    for (const char* level : {"0", "1", "2", "3"}) {
      replace(std::string("_blocks.") + level + ".0.", std::string("_blocks.") + level + ".");
      replace(std::string("roi_heads.mask_head.") + level + ".0.",
              "roi_heads.mask_head.mask_fcn" + std::to_string(level[0] - '0' + 1) + ".");
    }
    if (!older.ends_with(".num_batches_tracked")) old.add(older, *tensor);  // frozen norms have none
  }
  EXPECT_NE(old.find("roi_heads.mask_head.mask_fcn4.bias"), nullptr);
  EXPECT_NE(old.find("backbone.fpn.inner_blocks.3.weight"), nullptr);
  const StateDict read = weights_from_tensors(old, {}, "file").weights.online;
  for (const auto& [name, tensor] : ours.entries()) {
    if (!name.ends_with(".num_batches_tracked")) {
      EXPECT_EQ(read.at(name), tensor) << name;
    }
  }
}

/// Values 1, 2, 3, ... by row.
HostTensor counted(std::int64_t rows) {
  std::vector<float> values(static_cast<std::size_t>(rows));
  std::iota(values.begin(), values.end(), 1.0f);
  return HostTensor::from<float>({rows}, values);
}

std::vector<float> values(const HostTensor& tensor) {
  const auto found = tensor.as<float>();
  return {found.begin(), found.end()};
}

/// Two sizes a, b and three ratios: a1 a2 a3 b1 b2 b3 with us, a1 b1 a2 b2 a3 b3 with MMDetection.
TEST(DetectorRows, AnchorsAreOrderedForMmdetection) {
  const std::string logits = "proposal_generator.rpn_head.objectness_logits.bias",
                    deltas = "proposal_generator.rpn_head.anchor_deltas.bias";
  EXPECT_EQ(values(with_ratios_outside(logits, counted(6))), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(
      values(with_ratios_outside(deltas, counted(24))),
      (std::vector<float>{1, 2, 3, 4, 13, 14, 15, 16, 5, 6, 7, 8, 17, 18, 19, 20, 9, 10, 11, 12, 21, 22, 23, 24}));
  EXPECT_EQ(with_sizes_outside(deltas, with_ratios_outside(deltas, counted(60))), counted(60));
  EXPECT_EQ(with_ratios_outside("roi_heads.box_predictor.cls_score.bias", counted(7)), counted(7));
  EXPECT_THAT(error_of([&] { with_ratios_outside(logits, counted(8)); }),
              HasSubstr("not those of anchors of 3 ratios"));
  EXPECT_THAT(error_of([&] { with_sizes_outside(deltas, counted(0)); }), HasSubstr("0 rows"));
}

StateDict changed(StateDict state, const std::string& name, HostTensor tensor) {
  StateDict other;
  for (auto& [own, value] : state.entries()) other.add(own, own == name ? tensor : value);
  return other;
}

TEST(DetectorRows, MustGoTogether) {
  const StateDict ours = detector_state({.name = ""});  // 3 classes, 3 anchors
  for (const auto& [name, rows, text] : std::vector<std::tuple<std::string, std::int64_t, std::string>>{
           {"roi_heads.box_predictor.bbox_pred.bias", 8, "has 8 rows, expected 4 for each of 3 classes"},
           {"roi_heads.box_predictor.cls_score.bias", 3, "has 3 rows, expected one for each class"},
           {"roi_heads.mask_head.predictor.bias", 2, "has 2 rows, expected 1 for each of 3 classes"},
           {"proposal_generator.rpn_head.anchor_deltas.bias", 10, "has 10 rows, expected 4 for each of 3 anchors"}})
    EXPECT_THAT(error_of([&, name = name, rows = rows] {
                  weights_from_tensors(changed(ours, name, counted(rows)), {}, "file");
                }),
                HasSubstr(text));
}

TEST(ReadDetector, TakesACheckpointOfFineTuning) {
  StateDict checkpoint;
  const StateDict ours = detector_state({.name = ""});
  for (const auto& [name, tensor] : ours.entries()) checkpoint.add("model." + name, tensor);
  checkpoint.add("optimizer.momentum_buffer.backbone.fpn_lateral2.weight", counted(1));
  const ReadWeights read = weights_from_tensors(checkpoint, {}, "file");
  EXPECT_EQ(by_name(read.weights.online), by_name(ours));
  EXPECT_THAT(read.report.skipped, ElementsAre("optimizer.momentum_buffer.backbone.fpn_lateral2.weight"));
}

TEST(ReadDetector, TakesTheMovingAverageWhereThereIsOne) {
  StateDict checkpoint;
  const StateDict ours = detector_state({.name = ""}), other = detector_state({.name = "", .classes = 5});
  for (const auto& [name, tensor] : other.entries()) checkpoint.add("model." + name, tensor);
  for (const auto& [name, tensor] : ours.entries()) checkpoint.add("ema." + name, tensor);
  const ReadWeights read = weights_from_tensors(checkpoint, {}, "file");
  EXPECT_EQ(by_name(read.weights.online), by_name(ours));
  EXPECT_EQ(read.report.skipped.size(), other.size());
}

TEST(ReadDetector, NamesWhatOldDetectron2FilesHoldBeside) {
  StateDict theirs = detector_state({.name = ""});
  theirs.add("pixel_mean", HostTensor::from<float>({3, 1, 1}, {103.53f, 116.28f, 123.675f}));
  theirs.add("pixel_std", HostTensor::from<float>({3, 1, 1}, {1, 1, 1}));
  theirs.add("proposal_generator.anchor_generator.cell_anchors.0", HostTensor::from<float>({1, 4}, {0, 0, 1, 1}));
  const ReadWeights read = weights_from_tensors(theirs, {}, "file");
  EXPECT_THAT(read.report.skipped,
              ElementsAre("pixel_mean", "pixel_std", "proposal_generator.anchor_generator.cell_anchors.0"));
  ASSERT_EQ(read.report.warnings.size(), 1u);
  EXPECT_THAT(read.report.warnings[0], HasSubstr("BGR"));
}

TEST(WriteDetector, IsNotWrittenAsAPretraining) {
  TempDir dir;
  const NetworkWeights weights = weights_from_tensors(detector_state({.name = ""}), {}, "file").weights;
  EXPECT_THAT(error_of([&] { write_weights(weights, TrainingFormat::kSocoWeights, dir / "x.safetensors"); }),
              HasSubstr("use safetensors"));
}

TEST(WriteDetector, AdviceNamesTheNetwork) {
  TempDir dir;
  const StateDict soco = detector_state({.name = "", .depth = 50, .norm = true, .head_convs = 4, .head_fcs = 1});
  const std::string d2 = export_model(soco, {}, ExportFormat::kDetectron2Pth, dir / "a.pth").input_convention;
  for (const char* text : {"DEPTH: 50", "NUM_CONV: 4, NUM_FC: 1, NORM: \"BN\"", "NUM_CLASSES: 3", "MASK_ON: True",
                           "STEM_OUT_CHANNELS: 4, WIDTH_PER_GROUP: 4, RES2_OUT_CHANNELS: 16"})
    EXPECT_THAT(d2, HasSubstr(text));
  const std::string mm = export_model(soco, {}, ExportFormat::kMmdetection, dir / "b.pth").input_convention;
  for (const char* text : {"depth=50", "num_shared_convs=4, num_shared_fcs=1", "num_classes=3", "num_convs=4",
                           "stem_channels=4, base_channels=4", "in_channels=[16, 32, 64, 128]"})
    EXPECT_THAT(mm, HasSubstr(text));
  const StateDict boxes = detector_state({.name = "", .c4 = true, .masks = false});
  const std::string c4 = export_model(boxes, {}, ExportFormat::kMmdetection, dir / "c.pth").input_convention;
  for (const char* text : {"num_stages=3", "type='ResLayer', depth=18", "type='BBoxHead', with_avg_pool=True",
                           "Its stem has 4 channels, MMDetection's ResLayer has 64 and does not load it as it is"})
    EXPECT_THAT(c4, HasSubstr(text));
  EXPECT_THAT(export_model(boxes, {}, ExportFormat::kDetectron2Pth, dir / "d.pth").input_convention,
              HasSubstr("MASK_ON: False"));
}

}  // namespace
}  // namespace soco
