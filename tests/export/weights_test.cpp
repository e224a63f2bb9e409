// SPDX-License-Identifier: MIT
#include "soco/export/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "export/state.h"
#include "soco/base/error.h"
#include "soco/export/formats/soco_release.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::resnet18_state;
using testing::TempDir;

/// Both networks of a pretraining under our names.
StateDict training_state() {
  StateDict state;
  const StateDict online = resnet18_state();
  for (const auto& [name, tensor] : online.entries()) {
    state.add("online." + name, tensor);
    if (!name.starts_with("predictor.")) state.add("target." + name, tensor);
  }
  return state;
}

StateDict without(const StateDict& state, const std::string& left_out) {
  StateDict rest;
  for (const auto& [name, tensor] : state.entries())
    if (name != left_out) rest.add(name, tensor);
  return rest;
}

std::string error_of(const StateDict& state, const ReadWeightsOptions& options = {}) {
  try {
    weights_from_tensors(state, {}, "file", options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ReadWeights, TakesACheckpointApart) {
  const ReadWeights read = weights_from_tensors(training_state(), {{"epoch", "3"}}, "file");
  EXPECT_EQ(read.report.matched.size(), training_state().size());
  EXPECT_EQ(read.weights.online.size(), resnet18_state().size());
  EXPECT_EQ(read.weights.online.at("predictor.fc2.bias"), resnet18_state().at("predictor.fc2.bias"));
  EXPECT_EQ(read.weights.target.find("predictor.fc2.bias"), nullptr);
  EXPECT_EQ(read.weights.metadata.at("epoch"), "3");
}

TEST(ReadWeights, RefusesWhatIsMissingUnlessItMay) {
  const StateDict state = without(training_state(), "target.backbone.bottom_up.res3.0.conv1.norm.bias");
  EXPECT_THAT(error_of(state), HasSubstr("1 missing, 0 unexpected"));
  const ReadWeights read = weights_from_tensors(state, {}, "file", {.mismatch = Mismatch::kAccept});
  EXPECT_THAT(read.report.missing, ElementsAre("target.backbone.bottom_up.res3.0.conv1.norm.bias"));
}

TEST(ReadWeights, RefusesWhatHasNoPlaceUnlessItMay) {
  StateDict state = training_state();
  state.add("online.backbone.bottom_up.res3.7.conv1.weight", HostTensor::from<float>({1}, {1}));
  state.add("scale", HostTensor::from<float>({1}, {1}));
  EXPECT_THAT(error_of(state), HasSubstr("0 missing, 2 unexpected"));
  const ReadWeights read = weights_from_tensors(state, {}, "file", {.mismatch = Mismatch::kAccept});
  EXPECT_THAT(read.report.unexpected, ElementsAre("scale", "online.backbone.bottom_up.res3.7.conv1.weight"));
}

TEST(ReadWeights, RefusesTypesAndShapesThatDoNotFit) {
  StateDict state = without(training_state(), "online.projector.norm.bias");
  state.add("online.projector.norm.bias", HostTensor::from<float>({3}, {1, 2, 3}));
  EXPECT_THAT(error_of(state), HasSubstr("'projector.norm.bias' has shape [3], expected [8]"));
  state = without(training_state(), "online.projector.norm.bias");
  state.add("online.projector.norm.bias", HostTensor::from<std::int64_t>({8}, std::vector<std::int64_t>(8)));
  EXPECT_THAT(error_of(state), HasSubstr("'projector.norm.bias' is int64"));
}

TEST(ReadWeights, MissingCountersAreZero) {
  const std::string name = "backbone.bottom_up.stem.conv1.norm.num_batches_tracked";
  const ReadWeights read = weights_from_tensors(without(resnet18_state(), name), {}, "file");
  EXPECT_EQ(read.weights.online.at(name), HostTensor::from<std::int64_t>({}, {0}));
  EXPECT_TRUE(read.report.warnings.empty());
}

TEST(ReadWeights, MomentumThatIsAskedForMustBeThere) {
  EXPECT_THAT(error_of(training_state(), {.momentum = Momentum::kTake}), HasSubstr("no momentum"));
}

/// The order is LARS's: tensors of one dimension first. Here a is one, b and c are not, and the target's come between.
TEST(ReleaseMomentum, FollowsTheOrderOfTheGroups) {
  const auto value = [](std::vector<std::int64_t> shape, float content) {
    return std::make_shared<const HostTensor>(HostTensor::from<float>(std::move(shape), {content}));
  };
  const soco_release::Tensors model{{"encoder.b", value({1, 1}, 0)},           {"encoder.a", value({1}, 0)},
                                    {"encoder.a.running_mean", value({1}, 0)}, {"encoder_k.b", value({1, 1}, 0)},
                                    {"predictor.c", value({1, 1}, 0)},         {"queue", value({1, 1}, 0)}};
  PickleValue::Dict state;
  for (int i = 0; i < 2; ++i) {
    PickleValue::Dict entry;
    set_item(entry, "momentum_buffer",
             PickleValue(value(i == 0 ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{1, 1},
                               static_cast<float>(10 + i))));
    state.entries.emplace_back(PickleValue(i), PickleValue(std::move(entry)));
  }
  const auto optimizer = [&](std::vector<std::vector<int>> groups) {
    PickleValue::List list;
    for (const std::vector<int>& numbers : groups) {
      PickleValue::List params;
      for (const int number : numbers) params.items.emplace_back(number);
      PickleValue::Dict group;
      set_item(group, "params", PickleValue(std::move(params)));
      list.items.emplace_back(std::move(group));
    }
    PickleValue::Dict dict;
    set_item(dict, "state", PickleValue(state));
    set_item(dict, "param_groups", PickleValue(std::move(list)));
    return PickleValue(std::move(dict));
  };
  const auto buffers = soco_release::momentum_buffers(optimizer({{0}, {1, 2}}), model, "file");
  ASSERT_EQ(buffers.size(), 3u);
  EXPECT_EQ(buffers[0].first, "encoder.a");
  EXPECT_EQ(buffers[0].second->as<float>()[0], 10);
  EXPECT_EQ(buffers[1].first, "encoder.b");
  EXPECT_EQ(buffers[1].second->as<float>()[0], 11);
  EXPECT_EQ(buffers[2].first, "predictor.c");
  EXPECT_EQ(buffers[2].second->as<float>()[0], 0);  // never had a gradient
  EXPECT_THROW(soco_release::momentum_buffers(optimizer({{0, 1}, {2}}), model, "file"), Error);
  EXPECT_THROW(soco_release::momentum_buffers(optimizer({{0}, {1}, {2}}), model, "file"), Error);
}

TEST(WriteWeights, ReleaseFilesComeBackEqual) {
  TempDir dir;
  const NetworkWeights weights = weights_from_tensors(training_state(), {{"epoch", "7"}}, "file").weights;
  const auto keys = write_weights(weights, TrainingFormat::kSocoRelease, dir / "x.pth");
  EXPECT_EQ(keys.size(), training_state().size());
  EXPECT_THAT(keys, ::testing::Contains(std::pair<std::string, std::string>("target.backbone.fpn_output5.norm.bias",
                                                                            "module.neck_k.fpn_convs.3.bn.bias")));
  const ReadWeights read = read_weights(dir / "x.pth");
  EXPECT_EQ(read.weights.online, weights.online);
  EXPECT_EQ(read.weights.target, weights.target);
  EXPECT_EQ(read.weights.metadata.at("epoch"), "7");
}

TEST(WriteWeights, WithoutATargetItIsACopyOfTheOnlineNetwork) {
  TempDir dir;
  const NetworkWeights weights = weights_from_tensors(resnet18_state(), {}, "file").weights;
  write_weights(weights, TrainingFormat::kSocoWeights, dir / "x.safetensors");
  const ReadWeights read = read_weights(dir / "x.safetensors");
  EXPECT_EQ(read.weights.online, weights.online);
  EXPECT_EQ(read.weights.target.at("projector.fc1.bias"), weights.online.at("projector.fc1.bias"));
  EXPECT_EQ(read.weights.target.find("predictor.fc1.bias"), nullptr);
}

TEST(NetworkNames, LayoutsAreEachOthersInverse) {
  for (const auto& [fpn, c4] : std::vector<std::pair<std::string, std::string>>{
           {"backbone.bottom_up.stem.conv1.weight", "backbone.stem.conv1.weight"},
           {"backbone.bottom_up.res4.22.conv3.norm.bias", "backbone.res4.22.conv3.norm.bias"},
           {"backbone.bottom_up.res5.0.shortcut.weight", "roi_heads.res5.0.shortcut.weight"},
           {"projector.fc1.weight", "projector.fc1.weight"}}) {
    EXPECT_EQ(name_in_layout(fpn, TrunkLayout::kC4), c4);
    EXPECT_EQ(name_in_layout(c4, TrunkLayout::kFpn), fpn);
  }
}

/// torchvision: len(resnet18().state_dict()) is 122, of resnet50 320, of resnet101 626; 2 of them are of fc.
TEST(NetworkNames, TrunksHaveTorchvisionsCounts) {
  const std::string res4 = "backbone.bottom_up.res4.";
  const auto count = [&](std::set<std::string> found) {
    return network_names(found, {NetworkPart::kTrunk}, "file").size();
  };
  EXPECT_EQ(count({res4 + "1.conv1.weight"}), 120u);
  const std::string conv3 = "backbone.bottom_up.res2.0.conv3.weight";
  EXPECT_EQ(count({res4 + "5.conv1.weight", conv3}), 318u);
  EXPECT_EQ(count({res4 + "22.conv1.weight", conv3}), 624u);
  EXPECT_THROW(count({res4 + "7.conv1.weight", conv3}), Error);
}

}  // namespace
}  // namespace soco
