// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <numeric>
#include <set>

#include "soco/base/error.h"
#include "soco/layers/box_ops.h"
#include "soco/layers/roi_align.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/modeling/anchors.h"
#include "soco/modeling/heads/mask_head.h"
#include "soco/modeling/matcher.h"
#include "soco/modeling/meta_arch/contrast_network.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/modeling/roi_pooler.h"
#include "testing/oracle_file.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using testing::max_difference;

torch::Tensor boxes_of(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64).view({-1, 4});
}

TEST(Anchors, EqualAHandCalculation) {
  AnchorOptions options;
  options.ratios = {1, 4};  // height / width
  const torch::Tensor anchors = make_anchors(options, {32, 64}, {2, 2, 16, 16});
  ASSERT_EQ(anchors.sizes(), (std::vector<std::int64_t>{16, 4}));
  EXPECT_TRUE(torch::equal(anchors.slice(0, 0, 4), boxes_of({-16, -16, 16, 16, -8, -32, 8, 32,  //
                                                             -32, -32, 32, 32, -16, -64, 16, 64})));
  EXPECT_TRUE(torch::equal(anchors[4], boxes_of({0, -16, 32, 16})[0]));  // next column
  EXPECT_TRUE(torch::equal(anchors[8], boxes_of({-16, 0, 16, 32})[0]));  // next row
  options.offset = 0.5;
  EXPECT_TRUE(torch::equal(make_anchors(options, {32}, {1, 1, 16, 16})[0], boxes_of({-8, -8, 24, 24})[0]));
}

TEST(Anchors, RoundedOnesAreTorchvisions) {
  SOCO_ORACLE_OR_SKIP(path, "detector.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  AnchorOptions options;
  options.round = true;
  EXPECT_TRUE(torch::equal(make_anchors(options, {32}, {3, 5, 4, 4}), from_host(oracle.at("anchors.0"))));
  EXPECT_TRUE(torch::equal(make_anchors(options, {512}, {2, 2, 64, 64}), from_host(oracle.at("anchors.1"))));
  // On one map torchvision goes through the sizes of a ratio, Detectron2 through the ratios of a size.
  const torch::Tensor theirs = from_host(oracle.at("anchors.2")).view({-1, 3, 3, 4}).transpose(1, 2).reshape({-1, 4});
  EXPECT_TRUE(torch::equal(make_anchors(options, {32, 64, 128}, {4, 3, 16, 16}), theirs));
}

TEST(Matcher, EqualsTheDefinition) {
  torch::manual_seed(7);
  const torch::Tensor corner = torch::rand({80, 2}, torch::kFloat64) * 40,
                      side = torch::rand({80, 2}, torch::kFloat64) * 30 + 1;
  const torch::Tensor boxes = torch::cat({corner, corner + side}, 1), objects = boxes.slice(0, 0, 6) + 3;
  const torch::Tensor iou = box_iou(objects, boxes);
  for (const auto low_quality : {LowQualityMatches::kNone, LowQualityMatches::kKeep}) {
    const Matches matches = match_boxes(objects, boxes, {0.3, 0.6, low_quality});
    std::vector<std::int64_t> positives, negatives;
    for (std::int64_t i = 0; i < 80; ++i) {
      const auto [best, object] = iou.select(1, i).max(0);
      if (best.item<double>() > 0) EXPECT_EQ(matches.object[i], object.item<std::int64_t>());
      bool positive = best.item<double>() >= 0.6;
      if (low_quality == LowQualityMatches::kKeep)
        for (std::int64_t j = 0; j < 6; ++j)
          positive = positive || iou[j][i].item<double>() == iou[j].max().item<double>();
      if (positive)
        positives.push_back(i);
      else if (best.item<double>() < 0.3)
        negatives.push_back(i);
    }
    EXPECT_EQ(matches.positives, positives);
    EXPECT_EQ(matches.negatives, negatives);
  }
}

TEST(Matcher, TakesAllForBackgroundWithoutObjectsAndLeavesUntouchedObjectsAlone) {
  const torch::Tensor boxes = boxes_of({0, 0, 2, 2, 1, 1, 3, 3});
  const MatchOptions options{0.3, 0.7, LowQualityMatches::kKeep};
  EXPECT_THAT(match_boxes(torch::empty({0, 4}), boxes, options).negatives, ElementsAre(0, 1));
  EXPECT_THAT(match_boxes(boxes_of({50, 50, 60, 60}), boxes, options).positives, ElementsAre());
  EXPECT_THAT(match_boxes(boxes, torch::empty({0, 4}), options).positives, ElementsAre());
}

Matches many_matches(std::int64_t positives, std::int64_t negatives) {
  Matches matches;
  matches.positives.resize(positives);
  matches.negatives.resize(negatives);
  std::iota(matches.positives.begin(), matches.positives.end(), 0);
  std::iota(matches.negatives.begin(), matches.negatives.end(), positives);
  return matches;
}

TEST(Sampler, FillsUpWithBackgroundAndIsAFunctionOfItsPlaceAlone) {
  const Matches matches = many_matches(100, 1000), few = many_matches(3, 1000), scarce = many_matches(100, 5);
  const auto draw = [](const CandidateSampler& sampler, const Matches& m, std::int64_t image) {
    return sampler({SamplingStage::kAnchors, image, m, 64, 0.5});
  };
  const CandidateSampler sampler = random_sampler(1, 10);
  const SampledCandidates drawn = draw(sampler, matches, 0);
  EXPECT_EQ(drawn.positives.size(), 32u);
  EXPECT_EQ(drawn.negatives.size(), 32u);
  EXPECT_TRUE(std::is_sorted(drawn.positives.begin(), drawn.positives.end()));
  EXPECT_EQ(std::set(drawn.negatives.begin(), drawn.negatives.end()).size(), 32u);
  EXPECT_EQ(draw(sampler, few, 0).positives.size(), 3u);
  EXPECT_EQ(draw(sampler, few, 0).negatives.size(), 61u);
  EXPECT_EQ(draw(sampler, scarce, 0).negatives.size(), 5u);
  EXPECT_EQ(draw(sampler, matches, 0).positives, drawn.positives);
  EXPECT_NE(draw(sampler, matches, 1).positives, drawn.positives);
  EXPECT_NE(draw(random_sampler(1, 11), matches, 0).positives, drawn.positives);
  EXPECT_EQ(draw(random_sampler(1, 10, 1), matches, 0).positives, draw(sampler, matches, 1).positives);  // another rank
}

TEST(RoiPooler, TakesDetectron2sLevels) {
  const auto square = [](double side) { return boxes_of({5, 5, 5 + side, 5 + side}); };
  for (const auto& [side, level] :
       {std::pair{8.0, 0}, {111.9, 0}, {112.0, 1}, {223.9, 1}, {224.0, 2}, {448.0, 3}, {5000.0, 3}})
    EXPECT_EQ(pyramid_levels(square(side), 224).item<std::int64_t>(), level) << side;
  for (const auto& [side, level] : {std::pair{63.9, 0}, {64.0, 1}, {128.0, 2}, {256.0, 3}})
    EXPECT_EQ(pyramid_levels(square(side), 128).item<std::int64_t>(), level) << side;
}

TEST(RoiPooler, PoolsEachBoxFromItsLevelInTheOrderOfTheBoxes) {
  torch::manual_seed(3);
  const std::vector<torch::Tensor> maps{torch::randn({2, 3, 32, 32}), torch::randn({2, 3, 16, 16})};
  const torch::Tensor boxes = boxes_of({10, 10, 100, 90, 3, 4, 20, 30, 0, 0, 128, 128}).to(torch::kFloat32);
  const torch::Tensor images = torch::tensor({1, 0, 0}, torch::kInt64),
                      levels = torch::tensor({1, 0, 1}, torch::kInt64);
  const DetectionPooling pooling{{4, 8}, 2, true};
  const torch::Tensor pooled = pool_detections(maps, boxes, images, levels, 7, pooling);
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::int64_t level = levels[i].item<std::int64_t>();
    const torch::Tensor roi = torch::cat({images[i].to(torch::kFloat32).view({1, 1}), boxes.slice(0, i, i + 1)}, 1);
    EXPECT_TRUE(torch::equal(pooled[i], roi_align(maps[level], roi, level == 0 ? 0.25 : 0.125, 7, 7, 2, true)[0]));
  }
  EXPECT_EQ(
      pool_detections(maps, boxes.slice(0, 0, 0), images.slice(0, 0, 0), levels.slice(0, 0, 0), 7, pooling).sizes(),
      (std::vector<std::int64_t>{0, 3, 7, 7}));
}

DetectorOptions small_detector(DetectorTrunk trunk) {
  DetectorOptions options;
  options.trunk = trunk;
  options.backbone = Backbone::kResNet18;
  options.fpn_channels = 32;
  options.roi_heads.fc_channels = 64;
  options.roi_heads.samples_per_image = 32;
  options.rpn.train_proposals = options.rpn.test_proposals = 50;
  options.masks.channels = 16;
  if (trunk == DetectorTrunk::kC4) {
    options.roi_heads.pooler_resolution = 14;
    options.masks.num_convs = 0;
  }
  return options;
}

DetectorImages two_images() { return {torch::randn({2, 3, 96, 128}), {{96, 128}, {80, 100}}}; }

std::vector<DetectorTarget> two_targets() {
  // The second image holds nothing: all of it is background.
  const MaskTargets full = [](const torch::Tensor& boxes, const torch::Tensor&, std::int64_t side) {
    return torch::ones({boxes.size(0), side, side});
  };
  return {{boxes_of({10, 10, 60, 70, 50, 20, 120, 90}), torch::tensor({0, 2}, torch::kInt64), full},
          {torch::empty({0, 4}), torch::empty({0}, torch::kInt64), {}}};
}

void expect_a_training_step(const DetectorOptions& options, std::size_t num_losses) {
  torch::manual_seed(1);
  MaskRcnn model(options, 3);
  const auto result = model->forward(two_images(), two_targets(), random_sampler(0, 0));
  ASSERT_EQ(result.losses.size(), num_losses);
  torch::Tensor loss = torch::zeros({});
  for (const auto& [name, term] : result.losses) {
    EXPECT_TRUE(std::isfinite(term.item<double>())) << name;
    EXPECT_GT(term.item<double>(), 0) << name;
    loss = loss + term;
  }
  // Of a detector that knows nothing: half of 256 anchors' log 2 or so, and log(4) of the classes.
  EXPECT_NEAR(result.losses[0].second.item<double>(), std::log(2.0), 0.05);
  EXPECT_NEAR(result.losses[2].second.item<double>(), std::log(4.0), 0.3);
  loss.backward();
  for (const auto& item : model->named_parameters())
    EXPECT_EQ(item.value().grad().defined(), item.value().requires_grad()) << item.key();
}

TEST(MaskRcnn, GivesEveryTrainedWeightAGradient) {
  expect_a_training_step(small_detector(DetectorTrunk::kFpn), 5);
  expect_a_training_step(small_detector(DetectorTrunk::kC4), 5);
  DetectorOptions options = small_detector(DetectorTrunk::kFpn);
  options.masks.enabled = false;
  options.freeze_at = 2;
  options.fpn_norm = options.roi_heads.norm = DetectorNorm::kBatch;
  options.roi_heads.num_convs = 1;
  options.roi_heads.class_agnostic_boxes = true;
  expect_a_training_step(options, 4);
  options = small_detector(DetectorTrunk::kC4);
  options.roi_heads.extra_norm = true;
  options.backbone_norm = DetectorNorm::kFrozen;
  options.masks.class_agnostic = true;
  expect_a_training_step(options, 5);
}

TEST(MaskRcnn, DetectsWithinTheImagesBestFirst) {
  for (const auto trunk : {DetectorTrunk::kFpn, DetectorTrunk::kC4}) {
    torch::manual_seed(1);
    MaskRcnn model(small_detector(trunk), 3);
    model->eval();
    const DetectorImages images = two_images();
    const auto found = model->infer(images);
    ASSERT_EQ(found.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      ASSERT_GT(found[i].boxes.size(0), 0);  // random scores are near 1/4
      EXPECT_LE(found[i].boxes.size(0), 100);
      EXPECT_GE(found[i].boxes.min().item<double>(), 0);
      EXPECT_LE(found[i].boxes.select(1, 3).max().item<double>(), static_cast<double>(images.sizes[i].height));
      EXPECT_LE(found[i].boxes.select(1, 2).max().item<double>(), static_cast<double>(images.sizes[i].width));
      EXPECT_TRUE((found[i].scores.diff() <= 0).all().item<bool>());
      EXPECT_EQ(found[i].masks.sizes(),
                (std::vector<std::int64_t>{found[i].boxes.size(0), trunk == DetectorTrunk::kC4 ? 14 : 28,
                                           trunk == DetectorTrunk::kC4 ? 14 : 28}));
    }
  }
}

TEST(MaskRcnn, TakesPretrainedPartsUnderTheirOwnNames) {
  ModelOptions pretrained;
  DetectorOptions options;
  options.fpn_norm = options.roi_heads.norm = DetectorNorm::kBatch;
  options.roi_heads.num_convs = pretrained.head_num_convs;
  options.roi_heads.num_fcs = 1;
  pretrained.backbone = options.backbone = Backbone::kResNet18;
  const MaskRcnn detector(options, 3);
  const auto parameters = detector->named_parameters();
  const ContrastNetwork network(pretrained, NetworkRole::kOnline);
  for (const auto& item : network->named_parameters()) {
    if (item.key().starts_with("projector.") || item.key().starts_with("predictor.")) continue;
    ASSERT_NE(parameters.find(item.key()), nullptr) << item.key();
    EXPECT_EQ(parameters[item.key()].sizes(), item.value().sizes()) << item.key();
  }
}

TEST(MaskRcnn, StaysWhereItIsFrozen) {
  DetectorOptions options = small_detector(DetectorTrunk::kFpn);
  options.freeze_at = 2;
  MaskRcnn model(options, 3);
  const auto buffers = model->named_buffers();
  const torch::Tensor frozen = buffers["backbone.bottom_up.res2.0.conv1.norm.running_mean"].clone();
  const torch::Tensor moving = buffers["backbone.bottom_up.res3.0.conv1.norm.running_mean"].clone();
  model->forward(two_images(), two_targets(), random_sampler(0, 0));
  EXPECT_TRUE(torch::equal(frozen, buffers["backbone.bottom_up.res2.0.conv1.norm.running_mean"]));
  EXPECT_FALSE(torch::equal(moving, buffers["backbone.bottom_up.res3.0.conv1.norm.running_mean"]));
  const auto parameters = model->named_parameters();
  EXPECT_FALSE(parameters["backbone.bottom_up.stem.conv1.weight"].requires_grad());
  EXPECT_FALSE(parameters["backbone.bottom_up.res2.1.conv2.weight"].requires_grad());
  EXPECT_TRUE(parameters["backbone.bottom_up.res3.0.conv1.weight"].requires_grad());
}

TEST(MaskRcnn, RefusesWhatDoesNotFit) {
  DetectorOptions options = small_detector(DetectorTrunk::kFpn);
  EXPECT_THROW(MaskRcnn(options, 0), Error);
  options.rpn.anchors.sizes = {32, 64};
  EXPECT_THROW(MaskRcnn(options, 3), Error);
  MaskRcnn model(small_detector(DetectorTrunk::kFpn), 3);
  EXPECT_THROW(model->forward(two_images(), {}, random_sampler(0, 0)), Error);
}

}  // namespace
}  // namespace soco
