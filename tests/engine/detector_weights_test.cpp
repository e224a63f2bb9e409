// SPDX-License-Identifier: MIT
#include "soco/engine/detector_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "soco/base/error.h"
#include "soco/engine/training_state.h"
#include "soco/layers/tensor_bridge.h"

namespace soco {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DetectorOptions small_options() {
  DetectorOptions options;
  options.backbone = Backbone::kResNet18;
  options.fpn_channels = 8;
  options.roi_heads.num_fcs = 1;
  options.roi_heads.fc_channels = 8;
  options.masks.num_convs = 1;
  options.masks.channels = 8;
  return options;
}

class DetectorWeights : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }

  static DetectorSource source_of(MaskRcnn& model) {
    DetectorSource source{.description = "file", .tensors = {}};
    for (const auto& [name, tensor] : named_state(*model)) source.tensors.add(name, to_host(tensor));
    return source;
  }
  /// The source without the tensors whose name begins so, and with those beside.
  static DetectorSource changed(const DetectorSource& source, const std::string& without,
                                const std::vector<std::string>& beside = {}) {
    DetectorSource result{.description = "file", .tensors = {}};
    for (const auto& [name, tensor] : source.tensors.entries())
      if (without.empty() || !name.starts_with(without)) result.tensors.add(name, tensor);
    for (const std::string& name : beside)
      result.tensors.add(name, HostTensor::from<float>({1}, std::vector<float>{0}));
    return result;
  }
  std::string error_of(const DetectorSource& source) {
    try {
      load_detector_weights(*model_, source, PartialWeights::kRefuse);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  MaskRcnn model_{small_options(), 3};
  MaskRcnn other_{small_options(), 3};
};

TEST_F(DetectorWeights, WholeDetectorIsTakenTensorByTensor) {
  const auto report = load_detector_weights(*model_, source_of(other_), PartialWeights::kRefuse);
  EXPECT_EQ(report.matched.size(), named_state(*model_).size());
  const NamedTensors mine = named_state(*model_), theirs = named_state(*other_);
  for (std::size_t i = 0; i < mine.size(); ++i) EXPECT_TRUE(mine[i].second.equal(theirs[i].second)) << mine[i].first;
}

TEST_F(DetectorWeights, PartsThatTheFileHasNothingOfStartAtRandom) {
  const auto source = changed(changed(source_of(other_), "proposal_generator."), "roi_heads.mask_head.",
                              {"projector.fc1.weight", "predictor.fc1.weight"});
  const torch::Tensor rpn = model_->proposal_generator->rpn_head->conv->weight.clone();
  const auto report = load_detector_weights(*model_, source, PartialWeights::kRefuse);
  EXPECT_THAT(report.left, ElementsAre("projector.fc1.weight", "predictor.fc1.weight"));
  EXPECT_THAT(report.fresh, Contains("proposal_generator.rpn_head.conv.weight"));
  EXPECT_THAT(report.fresh, Contains("roi_heads.mask_head.deconv.weight"));
  EXPECT_TRUE(model_->proposal_generator->rpn_head->conv->weight.equal(rpn));
  EXPECT_THAT(report_text(report, 3), HasSubstr("at random: proposal_generator.* (6)"));
}

TEST_F(DetectorWeights, OtherClassesStartAtRandom) {
  MaskRcnn five(small_options(), 5);
  const auto report = load_detector_weights(*model_, source_of(five), PartialWeights::kRefuse);
  EXPECT_THAT(report.other_classes,
              ElementsAre("roi_heads.box_predictor.cls_score.weight", "roi_heads.box_predictor.cls_score.bias",
                          "roi_heads.box_predictor.bbox_pred.weight", "roi_heads.box_predictor.bbox_pred.bias",
                          "roi_heads.mask_head.predictor.weight", "roi_heads.mask_head.predictor.bias"));
  EXPECT_THAT(report.missing, IsEmpty());
}

TEST_F(DetectorWeights, MissingUnexpectedAndMisshapenAreRefusedByName) {
  const auto whole = source_of(other_);
  const torch::Tensor stem = model_->parameters().front().clone();
  EXPECT_THAT(error_of(changed(whole, "backbone.bottom_up.res3.0.conv1.weight")),
              HasSubstr("missing in the file (1):\n    backbone.bottom_up.res3.0.conv1.weight"));
  EXPECT_THAT(error_of(changed(whole, "", {"backbone.bottom_up.res6.weight"})),
              HasSubstr("without a place in the detector (1):\n    backbone.bottom_up.res6.weight"));
  EXPECT_THAT(error_of(changed(whole, "backbone.fpn_lateral2.weight", {"backbone.fpn_lateral2.weight"})),
              HasSubstr("backbone.fpn_lateral2.weight: [1] in the file, [8, 64, 1, 1] in the detector"));
  EXPECT_THAT(error_of({.description = "file", .tensors = {}}), HasSubstr("another than the configured one"));
  EXPECT_TRUE(model_->parameters().front().equal(stem)) << "a refused file changed the model";
}

TEST_F(DetectorWeights, PartialTakesWhatFits) {
  const auto source = changed(source_of(other_), "backbone.fpn_lateral2.weight", {"backbone.fpn_lateral2.weight"});
  const auto report = load_detector_weights(*model_, source, PartialWeights::kAccept);
  EXPECT_EQ(report.misshapen.size(), 1u);
  EXPECT_TRUE(
      model_->roi_heads->box_predictor->cls_score->weight.equal(other_->roi_heads->box_predictor->cls_score->weight));
}

}  // namespace
}  // namespace soco
