// SPDX-License-Identifier: MIT
#include "soco/export/formats/key_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/error.h"
#include "soco/export/formats/detectron2.h"
#include "soco/export/formats/mmdetection.h"
#include "soco/export/formats/torchvision.h"

namespace soco {
namespace {

using ::testing::ElementsAre;

StateDict state_with(const std::vector<std::string>& names) {
  StateDict state;
  for (const std::string& name : names) state.add(name, HostTensor::from<float>({}, {0}));
  return state;
}

TEST(MatchPattern, TakesNumbersAndTheRest) {
  const auto match = match_pattern("res{s}.{b}.conv{c}.*", "res2.10.conv3.weight");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->number('s'), 2);
  EXPECT_EQ(match->number('b'), 10);
  EXPECT_EQ(match->number('c'), 3);
  EXPECT_EQ(match->rest, "weight");
}

TEST(MatchPattern, RefusesWhatDiffers) {
  for (const char* name : {"res2.conv1.weight", "res.0.conv1.weight", "res2.0.conv1", "res2.0.conv1.",
                           "xres2.0.conv1.w", "res02.0.conv1.w", "res2.0.conv1234567.w", ""})
    EXPECT_FALSE(match_pattern("res{s}.{b}.conv{c}.*", name)) << name;
  EXPECT_FALSE(match_pattern("fc1.weight", "fc1.weights"));
}

TEST(MatchPattern, ShiftsBothWays) {
  const std::vector<KeyRule> rules{{"fpn{s}.*", "convs.{s-2}.*"}};
  EXPECT_EQ(theirs_from_ours(rules, "fpn5.w"), "convs.3.w");
  EXPECT_EQ(ours_from_theirs(rules, "convs.3.w"), "fpn5.w");
  const std::vector<KeyRule> up{{"a{s}", "b{s+1}"}};
  EXPECT_EQ(theirs_from_ours(up, "a0"), "b1");
  EXPECT_FALSE(ours_from_theirs(up, "b0"));  // would be a-1
}

/// Names in the release's converters and in the consumers' own state dicts, written down by hand.
struct KnownName {
  const char* ours;
  const char* detectron2;
  const char* mmdetection;
  const char* torchvision;  // nullptr: not in the format
};

class KnownNames : public ::testing::TestWithParam<KnownName> {};

TEST_P(KnownNames, AreExactlyTheConsumers) {
  const KnownName& name = GetParam();
  const auto theirs = [&](const FormatPart& format) { return theirs_from_ours(format.key_map({}).rules, name.ours); };
  EXPECT_EQ(theirs(detectron2_pkl_format()), name.detectron2);
  EXPECT_EQ(theirs(mmdetection_format()), name.mmdetection);
  if (name.torchvision == nullptr)
    EXPECT_EQ(theirs(torchvision_format()), std::nullopt);
  else
    EXPECT_EQ(theirs(torchvision_format()), name.torchvision);
}

TEST_P(KnownNames, LeadBackToOurs) {
  const KnownName& name = GetParam();
  EXPECT_EQ(ours_from_theirs(detectron2_pkl_format().key_map({}).rules, name.detectron2), name.ours);
  EXPECT_EQ(ours_from_theirs(mmdetection_format().key_map({}).rules, name.mmdetection), name.ours);
  if (name.torchvision != nullptr)
    EXPECT_EQ(ours_from_theirs(torchvision_format().key_map({}).rules, name.torchvision), name.ours);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, KnownNames,
    ::testing::Values(
        KnownName{"backbone.bottom_up.stem.conv1.weight", "stem.conv1.weight", "backbone.conv1.weight", "conv1.weight"},
        KnownName{"backbone.bottom_up.stem.conv1.norm.running_mean", "stem.conv1.norm.running_mean",
                  "backbone.bn1.running_mean", "bn1.running_mean"},
        KnownName{"backbone.bottom_up.res2.0.conv1.weight", "res2.0.conv1.weight", "backbone.layer1.0.conv1.weight",
                  "layer1.0.conv1.weight"},
        KnownName{"backbone.bottom_up.res5.2.conv3.norm.bias", "res5.2.conv3.norm.bias", "backbone.layer4.2.bn3.bias",
                  "layer4.2.bn3.bias"},
        KnownName{"backbone.bottom_up.res3.0.shortcut.weight", "res3.0.shortcut.weight",
                  "backbone.layer2.0.downsample.0.weight", "layer2.0.downsample.0.weight"},
        KnownName{"backbone.bottom_up.res3.0.shortcut.norm.num_batches_tracked",
                  "res3.0.shortcut.norm.num_batches_tracked", "backbone.layer2.0.downsample.1.num_batches_tracked",
                  "layer2.0.downsample.1.num_batches_tracked"},
        KnownName{"backbone.fpn_lateral2.weight", "fpn_lateral2.weight", "neck.lateral_convs.0.conv.weight", nullptr},
        KnownName{"backbone.fpn_lateral5.norm.weight", "fpn_lateral5.norm.weight", "neck.lateral_convs.3.bn.weight",
                  nullptr},
        KnownName{"backbone.fpn_output3.weight", "fpn_output3.weight", "neck.fpn_convs.1.conv.weight", nullptr},
        KnownName{"backbone.fpn_output4.norm.running_var", "fpn_output4.norm.running_var",
                  "neck.fpn_convs.2.bn.running_var", nullptr},
        KnownName{"roi_heads.box_head.conv1.weight", "box_head.conv1.weight",
                  "roi_head.bbox_head.shared_convs.0.conv.weight", nullptr},
        KnownName{"roi_heads.box_head.conv4.norm.bias", "box_head.conv4.norm.bias",
                  "roi_head.bbox_head.shared_convs.3.bn.bias", nullptr},
        KnownName{"roi_heads.box_head.fc1.weight", "box_head.fc1.weight", "roi_head.bbox_head.shared_fcs.0.weight",
                  nullptr},
        KnownName{"roi_heads.box_head.fc1.bias", "box_head.fc1.bias", "roi_head.bbox_head.shared_fcs.0.bias",
                  nullptr}));

TEST(MapStateDict, NamesOfC4LoseTheirPrefixes) {
  const auto mapped = map_state_dict(
      state_with({"backbone.stem.conv1.weight", "backbone.res4.5.conv1.weight", "roi_heads.res5.0.shortcut.norm.bias"}),
      detectron2_pkl_format().key_map({}), "detectron2");
  EXPECT_THAT(mapped.keys,
              ElementsAre(::testing::Pair("backbone.stem.conv1.weight", "stem.conv1.weight"),
                          ::testing::Pair("backbone.res4.5.conv1.weight", "res4.5.conv1.weight"),
                          ::testing::Pair("roi_heads.res5.0.shortcut.norm.bias", "res5.0.shortcut.norm.bias")));
}

TEST(MapStateDict, SkipsHeadsOfThePretrainingAndSaysSo) {
  const auto mapped = map_state_dict(state_with({"backbone.bottom_up.stem.conv1.weight", "projector.fc1.weight"}),
                                     torchvision_format().key_map({}), "torchvision");
  EXPECT_EQ(mapped.tensors.size(), 1u);
  EXPECT_THAT(mapped.skipped, ElementsAre("projector.fc1.weight"));
}

TEST(MapStateDict, UnknownNamesAreErrors) {
  for (const char* name :
       {"backbone.bottom_up.extra.weight", "target.backbone.bottom_up.stem.conv1.weight", "fc.weight"})
    EXPECT_THROW(map_state_dict(state_with({name}), mmdetection_format().key_map({}), "mmdetection"), Error) << name;
}

TEST(MapStateDict, TwoOfOursUnderOneNameAreAnError) {
  const StateDict both = state_with({"backbone.bottom_up.stem.conv1.weight", "backbone.stem.conv1.weight"});
  EXPECT_THROW(map_state_dict(both, detectron2_pkl_format().key_map({}), "detectron2"), Error);
}

TEST(MapStateDict, NothingToMapIsAnError) {
  EXPECT_THROW(map_state_dict(state_with({"projector.fc1.weight"}), detectron2_pkl_format().key_map({}), "x"), Error);
}

}  // namespace
}  // namespace soco
