// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <map>

#include "soco/base/error.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/modeling/fpn.h"
#include "soco/modeling/heads/box_head.h"
#include "soco/modeling/heads/mlp_head.h"
#include "soco/modeling/roi_pooler.h"
#include "testing/oracle_file.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

std::int64_t num_values(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& p : module.parameters()) count += p.numel();
  return count;
}

TEST(ResNet, HasThePublishedNumberOfParameters) {
  // torchvision's resnet18/34/50/101 less their classifiers (513,000; 513,000; 2,049,000; 2,049,000).
  const std::map<Backbone, std::int64_t> expected{{Backbone::kResNet18, 11'689'512 - 513'000},
                                                  {Backbone::kResNet34, 21'797'672 - 513'000},
                                                  {Backbone::kResNet50, 25'557'032 - 2'049'000},
                                                  {Backbone::kResNet101, 44'549'160 - 2'049'000}};
  for (const auto& [backbone, count] : expected) EXPECT_EQ(num_values(*ResNet(backbone)), count);
}

TEST(ResNet, GivesFourMapsOfStrides4To32) {
  ResNet net(Backbone::kResNet50);
  const torch::NoGradGuard no_grad;
  const FeatureMaps maps = net(torch::randn({2, 3, 70, 64}));  // 70: strides round up
  EXPECT_EQ(maps[0].sizes(), (std::vector<std::int64_t>{2, 256, 18, 16}));
  EXPECT_EQ(maps[1].sizes(), (std::vector<std::int64_t>{2, 512, 9, 8}));
  EXPECT_EQ(maps[2].sizes(), (std::vector<std::int64_t>{2, 1024, 5, 4}));
  EXPECT_EQ(maps[3].sizes(), (std::vector<std::int64_t>{2, 2048, 3, 2}));
}

TEST(ResNet, HasChannelsByItsWidth) {
  const torch::NoGradGuard no_grad;
  for (const auto& [backbone, finest] :
       std::map<Backbone, std::int64_t>{{Backbone::kResNet18, 6}, {Backbone::kResNet50, 24}}) {
    ResNet net(ResNetSize{backbone, 6});
    EXPECT_EQ(net->stem->conv1->weight.sizes(), (std::vector<std::int64_t>{6, 3, 7, 7}));
    const FeatureMaps maps = net(torch::randn({2, 3, 64, 64}));
    for (int level = 0; level < kNumLevels; ++level) {
      EXPECT_EQ(maps[level].size(1), finest << level);
      EXPECT_EQ(resnet_channels({backbone, 6}, level), finest << level);
    }
  }
}

TEST(ResNet, PutsTheStrideOnThe3x3Convolution) {
  ResNet net(Backbone::kResNet50);
  const auto& block = net->stages[1]->ptr(0)->as<ResNetBlock>()->convs;
  EXPECT_EQ(block[0]->options.stride, 1);
  EXPECT_EQ(block[1]->options.stride, 2);
  EXPECT_EQ(block[1]->options.kernel_size, 3);
}

TEST(ResNet, StartsAsTheReleaseDoes) {
  torch::manual_seed(3);
  ResNet net(Backbone::kResNet50);
  const auto parameters = net->named_parameters();
  const auto deviation = [&](const char* name) { return parameters[name].std().item<double>(); };
  // sqrt(2 / (k * k * out)); 2 % is more than five deviations of the estimate for these sizes.
  EXPECT_NEAR(deviation("stem.conv1.weight"), std::sqrt(2.0 / (49 * 64)), 0.02 * std::sqrt(2.0 / (49 * 64)) * 2);
  EXPECT_NEAR(deviation("res5.0.conv2.weight"), std::sqrt(2.0 / (9 * 512)), 0.02 * std::sqrt(2.0 / (9 * 512)));
  EXPECT_NEAR(deviation("res4.0.shortcut.weight"), std::sqrt(2.0 / 1024), 0.02 * std::sqrt(2.0 / 1024));
  EXPECT_EQ(parameters["res3.2.conv3.norm.weight"].abs().max().item<double>(), 0);
  EXPECT_EQ(parameters["res3.2.conv2.norm.weight"].min().item<double>(), 1);
  EXPECT_EQ(parameters["res3.0.shortcut.norm.weight"].min().item<double>(), 1);
}

void expect_torchvisions_activations(Backbone backbone, const std::filesystem::path& path) {
  const StateDict oracle = testing::read_oracle(path);
  ResNet net(backbone);
  std::size_t num_weights = 0;
  for (auto& item : net->named_parameters())
    copy_from_host(item.value(), oracle.at("w." + item.key()), item.key()), ++num_weights;
  for (auto& item : net->named_buffers())
    copy_from_host(item.value(), oracle.at("w." + item.key()), item.key()), ++num_weights;
  for (const auto& [name, tensor] : oracle.entries()) num_weights -= name.rfind("w.", 0) == 0 ? 1 : 0;
  EXPECT_EQ(num_weights, 0u);  // no weight of theirs is without a place in ours
  net->eval();
  const torch::NoGradGuard no_grad;
  const FeatureMaps maps = net(from_host(oracle.at("input")));
  for (int level = 0; level < kNumLevels; ++level) {
    const torch::Tensor expected = from_host(oracle.at("output.eval.c" + std::to_string(level + 2)));
    // Up to fifty layers in float32, sums in another order: about 1e-5 of the largest value.
    EXPECT_LT(max_difference(maps[level], expected), 1e-4 * expected.abs().max().item<double>()) << "C" << level + 2;
  }
}

TEST(ResNet, AgreesWithTorchvisionsResNet18) {
  SOCO_ORACLE_OR_SKIP(path, "resnet18.safetensors");
  expect_torchvisions_activations(Backbone::kResNet18, path);
}

TEST(ResNet, AgreesWithTorchvisionsResNet50) {
  SOCO_ORACLE_OR_SKIP(path, "resnet50.safetensors");
  expect_torchvisions_activations(Backbone::kResNet50, path);
}

TEST(Fpn, AddsUpsampledCoarserLevels) {
  torch::manual_seed(4);
  Fpn fpn(Backbone::kResNet18, 8);
  fpn->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor image = torch::randn({1, 3, 64, 64});
  const FeatureMaps maps = fpn(image), bottom = fpn->bottom_up(image);
  const torch::Tensor coarse = fpn->laterals[3](bottom[3]);
  EXPECT_LT(max_difference(maps[3], fpn->outputs[3](coarse)), 1e-5);
  const torch::Tensor up = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3);  // nearest, twice the size
  EXPECT_LT(max_difference(maps[2], fpn->outputs[2](fpn->laterals[2](bottom[2]) + up)), 1e-5);
  EXPECT_EQ(maps[0].sizes(), (std::vector<std::int64_t>{1, 8, 16, 16}));
}

TEST(Fpn, ComputesWantedLevelsAloneAndTheSame) {
  torch::manual_seed(5);
  Fpn all(Backbone::kResNet18, 8);
  all->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor image = torch::randn({1, 3, 64, 96});
  const FeatureMaps every = all(image), some = all(image, LevelMask{false, true, false, false});
  EXPECT_FALSE(some[0].defined());
  EXPECT_FALSE(some[2].defined());
  EXPECT_TRUE(testing::same_bits(every[1], some[1]));
  all->train();
  all(image.repeat({2, 1, 1, 1}), LevelMask{false, true, false, false});
  const auto calls = [](const ConvNorm& conv) { return conv->norm->num_batches_tracked.item<std::int64_t>(); };
  EXPECT_EQ(calls(all->laterals[0]), 0);
  EXPECT_EQ(calls(all->laterals[1]), 1);
  EXPECT_EQ(calls(all->outputs[3]), 0);
}

TEST(Fpn, StartsWithKaimingFanOut) {
  torch::manual_seed(6);
  Fpn fpn(Backbone::kResNet50, 256);
  const double expected = std::sqrt(2.0 / (9 * 256));
  EXPECT_NEAR(fpn->outputs[0]->weight.std().item<double>(), expected, 0.02 * expected);
  EXPECT_NEAR(fpn->laterals[3]->weight.std().item<double>(), std::sqrt(2.0 / 256), 0.02 * std::sqrt(2.0 / 256));
}

TEST(BoxHead, HasDetectron2sShapeAndRunsItsLayersInOrder) {
  torch::manual_seed(7);
  BoxHead head(BoxHeadOptions{8, 7, 4, 32});
  const torch::Tensor x = torch::randn({5, 8, 7, 7});
  torch::Tensor expected = x;
  for (ConvNorm& conv : head->convs) expected = torch::relu(conv(expected));
  expected =
      torch::relu(torch::linear(expected.contiguous().view({5, 8 * 49}), head->fcs[0]->weight, head->fcs[0]->bias));
  EXPECT_LT(max_difference(head(x), expected), 1e-5);
  EXPECT_EQ(num_values(*BoxHead(BoxHeadOptions{})), 4 * (589'824 + 512) + 12'544 * 1024 + 1024);
}

TEST(MlpHead, IsLinearBatchNormReluLinear) {
  torch::manual_seed(8);
  MlpHead head(MlpHeadOptions{6, 10, 4});
  const torch::Tensor x = torch::randn({9, 6});
  const torch::Tensor h = torch::linear(x, head->fc1->weight, head->fc1->bias);
  const torch::Tensor normal = (h - h.mean(0)) / (h.var(0, false) + 1e-5).sqrt();
  EXPECT_LT(max_difference(head(x), torch::linear(torch::relu(normal), head->fc2->weight, head->fc2->bias)), 1e-5);
}

TEST(RoiPooler, ScalesBoxesByTheMapTheyArePooledFrom) {
  const torch::Tensor boxes = torch::tensor({0.25f, 0.5f, 0.75f, 1.0f}).view({1, 4});
  const torch::Tensor rois = rois_from_boxes(boxes, torch::tensor({3}, torch::kInt64), 10, 20);
  EXPECT_TRUE(testing::same_bits(rois, torch::tensor({3.0f, 5.0f, 5.0f, 15.0f, 10.0f}).view({1, 5})));
}

TEST(RoiPooler, TakesBoxesFromTheirLevelsInOrderAndTheRestFromTheCoarsest) {
  FeatureMaps maps;
  for (int level = 0; level < kNumLevels; ++level)
    maps[level] = torch::full({2, 1, 8 >> level, 8 >> level}, static_cast<float>(level));
  const torch::Tensor boxes = torch::tensor({0.2f, 0.2f, 0.8f, 0.8f}).view({1, 4}).repeat({5, 1});
  const torch::Tensor levels = torch::tensor({2, 0, -1, 1, 2}, torch::kInt64);
  const torch::Tensor pooled = pool_assigned(maps, boxes, torch::tensor({0, 1, 0, 1, 1}, torch::kInt64), levels, 1);
  EXPECT_LT(max_difference(pooled.flatten(), torch::tensor({2.0f, 0.0f, 3.0f, 1.0f, 2.0f})), 1e-6);
  maps[1] = torch::Tensor();
  EXPECT_THROW(pool_assigned(maps, boxes, torch::zeros({5}, torch::kInt64), levels, 1), Error);
}

}  // namespace
}  // namespace soco
