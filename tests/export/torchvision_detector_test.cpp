// SPDX-License-Identifier: MIT
#include "soco/export/formats/torchvision_detector.h"

#include <gtest/gtest.h>

#include <numeric>

#include "soco/base/error.h"

namespace soco {
namespace {

// Values 1, 2, 3, ... of this shape.
HostTensor counted(std::vector<std::int64_t> shape) {
  std::vector<float> values(static_cast<std::size_t>(num_elements(shape)));
  std::iota(values.begin(), values.end(), 1.0f);
  return HostTensor::from<float>(std::move(shape), values);
}

std::vector<float> values(const StateDict& state, const std::string& name) {
  const auto found = state.at(name).as<float>();
  return {found.begin(), found.end()};
}

// Two classes.
StateDict detector() {
  StateDict ours;
  ours.add("backbone.bottom_up.stem.conv1.norm.weight", counted({2}));
  ours.add("backbone.fpn_lateral2.bias", counted({1}));
  ours.add("proposal_generator.rpn_head.objectness_logits.bias", counted({3}));
  ours.add("roi_heads.box_head.fc1.weight", counted({2, 2}));
  ours.add("roi_heads.box_predictor.cls_score.bias", counted({3}));
  ours.add("roi_heads.box_predictor.bbox_pred.bias", counted({8}));
  ours.add("roi_heads.mask_head.mask_fcn1.weight", counted({2}));
  ours.add("roi_heads.mask_head.predictor.bias", counted({2}));
  return ours;
}

TEST(TorchvisionDetector, HasBackgroundFirst) {
  const StateDict theirs = torchvision_detector_from_ours(detector());
  EXPECT_EQ(values(theirs, "roi_heads.box_predictor.cls_score.bias"), (std::vector<float>{3, 1, 2}));
  EXPECT_EQ(values(theirs, "roi_heads.box_predictor.bbox_pred.bias"),
            (std::vector<float>{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(values(theirs, "roi_heads.mask_predictor.mask_fcn_logits.bias"), (std::vector<float>{0, 1, 2}));
  for (const char* name : {"backbone.body.bn1.weight", "backbone.fpn.inner_blocks.0.0.bias", "rpn.head.cls_logits.bias",
                           "roi_heads.box_head.fc6.weight", "roi_heads.mask_head.0.0.weight"})
    EXPECT_NE(theirs.find(name), nullptr) << name;
}

TEST(TorchvisionDetector, ComesBackAsItWas) {
  const StateDict back = ours_from_torchvision_detector(torchvision_detector_from_ours(detector()));
  EXPECT_EQ(back, detector());
}

TEST(TorchvisionDetector, GivesFrozenNormsTheirCounter) {
  StateDict theirs;
  theirs.add("backbone.body.bn1.running_var", counted({2}));
  const StateDict ours = ours_from_torchvision_detector(theirs);
  EXPECT_EQ(ours.at("backbone.bottom_up.stem.conv1.norm.num_batches_tracked").as<std::int64_t>()[0], 0);
}

TEST(TorchvisionDetector, RefusesWhatDoesNotFit) {
  StateDict other = detector();
  other.add("roi_heads.box_predictor.bbox_pred.weight", counted({4, 1}));  // one box for all classes
  EXPECT_THROW(torchvision_detector_from_ours(other), Error);
  StateDict stranger = detector();
  stranger.add("projector.fc1.weight", counted({1}));
  EXPECT_THROW(torchvision_detector_from_ours(stranger), Error);
  StateDict theirs;
  theirs.add("roi_heads.keypoint_predictor.weight", counted({1}));
  EXPECT_THROW(ours_from_torchvision_detector(theirs), Error);
  StateDict odd;
  odd.add("roi_heads.box_predictor.bbox_pred.bias", counted({10}));
  EXPECT_THROW(ours_from_torchvision_detector(odd), Error);
  StateDict scalar;
  scalar.add("roi_heads.box_predictor.cls_score.bias", counted({}));
  EXPECT_THROW(ours_from_torchvision_detector(scalar), Error);
}

}  // namespace
}  // namespace soco
