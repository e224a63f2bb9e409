// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/object_contrast.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "modeling/contrast_batch.h"
#include "soco/base/error.h"
#include "soco/layers/torch_compat.h"
#include "soco/modeling/fpn.h"
#include "soco/modeling/meta_arch/contrast_loss.h"
#include "soco/modeling/roi_pooler.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;
using testing::side_of;
using testing::tiny_batch;
using testing::tiny_model;

ObjectContrast make_model(HeadMode mode, std::uint64_t seed = 21) {
  torch::set_num_threads(1);  // operations this small only lose time between threads
  torch::manual_seed(seed);
  ObjectContrast model(tiny_model(mode));
  model->train();
  return model;
}

// The release's procedure, written down call by call: every view, every set on it, every level, one head pass each.
struct SequentialPass {
  // vectors[set][level]: [N*K, D]; sets in order (pair 01 a, pair 02 a, pair 01 b, pair 02 b).
  std::vector<std::array<torch::Tensor, kNumLevels>> vectors;
};

SequentialPass run_sequentially(ContrastNetworkImpl& network, const ObjectContrastInput& input, int resolution) {
  SequentialPass pass;
  const torch::Tensor image_indices = torch::tensor({0, 0, 0, 1, 1, 1}, torch::kInt64);
  for (int view = 0; view < 3; ++view) {
    const FeatureMaps features = network.backbone->forward(input.views[view]);
    for (const auto& pair : input.pairs) {
      for (const bool is_a : {true, false}) {
        if ((is_a ? pair.view_a : pair.view_b) != view) continue;
        pass.vectors.emplace_back();
        for (int level = 0; level < kNumLevels; ++level) {
          const torch::Tensor boxes = (is_a ? pair.a : pair.b).boxes.reshape({-1, 4});
          const torch::Tensor projected = network.projector(
              network.box_head->forward(pool_level(features[level], boxes, image_indices, resolution), {}));
          pass.vectors.back()[level] = network.predictor.is_empty() ? projected : network.predictor(projected);
        }
      }
    }
  }
  return pass;
}

// One direction by loops over images and boxes: -2 / N * sum over images of matched cosines / (matches + 1e-6).
torch::Tensor loss_by_loops(const std::array<torch::Tensor, kNumLevels>& online, const ObjectContrastInput::Side& from,
                            const std::array<torch::Tensor, kNumLevels>& target, const ObjectContrastInput::Side& to) {
  const std::int64_t num_images = from.ids.size(0), per_image = from.ids.size(1);
  torch::Tensor total = torch::zeros({});
  for (std::int64_t n = 0; n < num_images; ++n) {
    torch::Tensor sum = torch::zeros({});
    int matches = 0;
    for (std::int64_t i = 0; i < per_image; ++i) {
      for (std::int64_t j = 0; j < per_image; ++j) {
        const auto level_i = from.levels[n][i].item<std::int64_t>(), level_j = to.levels[n][j].item<std::int64_t>();
        if (from.ids[n][i].item<std::int64_t>() != to.ids[n][j].item<std::int64_t>() || level_i < 0 || level_j < 0)
          continue;
        const torch::Tensor u = online[level_i][n * per_image + i], v = target[level_j][n * per_image + j];
        sum = sum + (u / u.norm()).dot(v / v.norm());
        ++matches;
      }
    }
    total = total + sum / (matches + 1e-6);
  }
  return -2 * total / static_cast<double>(num_images);
}

// Of a level that no matched box uses the gradient is undefined, which stands for zero.
torch::Tensor gradient_or_zeros(const torch::Tensor& parameter) {
  return parameter.grad().defined() ? parameter.grad() : torch::zeros_like(parameter);
}

void expect_same_buffers(const torch::nn::Module& a, const torch::nn::Module& b, double tolerance) {
  const auto others = b.named_buffers();
  for (const auto& item : a.named_buffers())
    EXPECT_LT(max_difference(item.value(), others[item.key()]), tolerance) << item.key();
}

TEST(ObjectContrastReference, EqualsTheReleasesSixteenSequentialHeadPasses) {
  const ObjectContrastInput input = tiny_batch();
  ObjectContrast stacked = make_model(HeadMode::kReference), sequential = make_model(HeadMode::kReference);
  const ObjectContrastOutput output = stacked->forward(input);
  output.loss.backward();

  const SequentialPass online = run_sequentially(*sequential->online, input, 3);
  SequentialPass target;
  {
    const torch::NoGradGuard no_grad;
    target = run_sequentially(*sequential->target, input, 3);
  }
  const auto &p01 = input.pairs[0], &p02 = input.pairs[1];
  const std::vector<torch::Tensor> terms{loss_by_loops(online.vectors[0], p01.a, target.vectors[2], p01.b),
                                         loss_by_loops(online.vectors[2], p01.b, target.vectors[0], p01.a),
                                         loss_by_loops(online.vectors[1], p02.a, target.vectors[3], p02.b),
                                         loss_by_loops(online.vectors[3], p02.b, target.vectors[1], p02.a)};
  const torch::Tensor loss = terms[0] + terms[1] + terms[2] + terms[3];
  loss.backward();

  // float32 through some thirty layers, two of them BatchNorms over six rows, which magnify rounding errors.
  EXPECT_NEAR(output.loss.item<double>(), loss.item<double>(), 1e-4);
  ASSERT_EQ(output.losses.size(), 4u);
  const char* names[] = {"pair01.a_to_b", "pair01.b_to_a", "pair02.a_to_b", "pair02.b_to_a"};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(output.losses[i].first, names[i]);
    EXPECT_NEAR(output.losses[i].second.item<double>(), terms[i].item<double>(), 1e-4) << names[i];
  }
  const auto others = sequential->online->named_parameters();
  for (const auto& item : stacked->online->named_parameters()) {
    const torch::Tensor expected = gradient_or_zeros(others[item.key()]);
    const double scale = expected.abs().max().item<double>();
    EXPECT_LE(max_difference(gradient_or_zeros(item.value()), expected), 2e-3 * scale + 1e-5) << item.key();
  }
  expect_same_buffers(*stacked->online, *sequential->online, 1e-4);
  expect_same_buffers(*stacked->target, *sequential->target, 1e-4);
  EXPECT_EQ(stacked->online->predictor->norm->num_batches_tracked.item<std::int64_t>(), 16);
  EXPECT_EQ(stacked->target->box_head->as<BoxHead>()->convs[0]->norm->num_batches_tracked.item<std::int64_t>(), 16);
  EXPECT_EQ(stacked->target->backbone->as<Fpn>()->outputs[3]->norm->num_batches_tracked.item<std::int64_t>(), 3);
}

TEST(ObjectContrast, CountsMatchesAndLevels) {
  for (const HeadMode mode : {HeadMode::kReference, HeadMode::kAssigned}) {
    ObjectContrast model = make_model(mode);
    const ObjectContrastOutput output = model->forward(tiny_batch());
    // Pair 01, image 0: ids {1,2,3} and {3,2,9}: two. Image 1: {1,1,2} and {1,2,5}: 1 twice; 2 has no level on side a.
    // Pair 02: image 0: three. Image 1: {4,5,6} and {4,5,7}: two.
    EXPECT_EQ(output.num_matches, 2 + 2 + 3 + 2);
    EXPECT_EQ(output.boxes_per_level, (std::array<std::int64_t, 5>{3, 12, 8, 0, 1}));
    EXPECT_LE(std::abs(output.mean_cosine), 1);
    EXPECT_GT(output.feature_std_ratio, 0);
    EXPECT_LE(output.feature_std_ratio, 1 + 1e-6);  // mean square of unit vectors' channels is 1 / D
  }
}

TEST(ObjectContrast, RunsTheCallbackBetweenOnlineAndTarget) {
  for (const HeadMode mode : {HeadMode::kReference, HeadMode::kAssigned}) {
    ObjectContrast model = make_model(mode);
    const auto calls = [](const ContrastNetwork& network) {
      return network->backbone->as<Fpn>()->bottom_up->stem->conv1->norm->num_batches_tracked.item<std::int64_t>();
    };
    int times = 0;
    model->forward(tiny_batch(), [&] {
      ++times;
      EXPECT_EQ(calls(model->online), 3);
      EXPECT_EQ(calls(model->target), 0);
    });
    EXPECT_EQ(times, 1);
    EXPECT_EQ(calls(model->target), 3);
  }
}

TEST(ObjectContrast, StartsWithEqualNetworksAndTrainsTheOnlineOneAlone) {
  ObjectContrast model = make_model(HeadMode::kReference);
  const auto online = model->online->named_parameters();
  std::size_t shared = 0;
  for (const auto& item : model->target->named_parameters()) {
    EXPECT_TRUE(testing::same_bits(item.value(), online[item.key()].detach())) << item.key();
    EXPECT_FALSE(item.value().requires_grad());
    ++shared;
  }
  EXPECT_EQ(online.size(), shared + 6);  // the predictor: two linear layers and a BatchNorm
  model->forward(tiny_batch()).loss.backward();
  for (const auto& item : model->target->named_parameters()) EXPECT_FALSE(item.value().grad().defined());
}

TEST(ObjectContrast, IsMadeTheSameByTheSameSeed) {
  ObjectContrast a = make_model(HeadMode::kReference, 5), b = make_model(HeadMode::kReference, 5),
                 c = make_model(HeadMode::kReference, 6);
  const torch::Tensor wa = a->online->backbone->as<Fpn>()->bottom_up->stem->conv1->weight;
  EXPECT_TRUE(testing::same_bits(wa.detach(), b->online->backbone->as<Fpn>()->bottom_up->stem->conv1->weight.detach()));
  EXPECT_FALSE(
      testing::same_bits(wa.detach(), c->online->backbone->as<Fpn>()->bottom_up->stem->conv1->weight.detach()));
}

TEST(ObjectContrast, NamesItsStateAsDetectron2Does) {
  ObjectContrast model = make_model(HeadMode::kReference);
  const auto parameters = model->named_parameters();
  const auto buffers = model->named_buffers();
  for (const char* name :
       {"online.backbone.bottom_up.stem.conv1.weight", "online.backbone.bottom_up.res2.0.conv1.weight",
        "online.backbone.bottom_up.res5.1.conv2.norm.bias", "online.backbone.bottom_up.res3.0.shortcut.weight",
        "online.backbone.fpn_lateral2.weight", "online.backbone.fpn_output5.norm.weight",
        "online.roi_heads.box_head.conv1.weight", "online.roi_heads.box_head.conv2.norm.weight",
        "online.roi_heads.box_head.fc1.bias", "online.projector.fc1.weight", "online.projector.norm.bias",
        "online.predictor.fc2.bias", "target.projector.fc2.weight"})
    EXPECT_NE(parameters.find(name), nullptr) << name;
  for (const char* name : {"online.backbone.bottom_up.stem.conv1.norm.running_mean",
                           "target.backbone.fpn_output2.norm.running_var", "online.projector.norm.num_batches_tracked"})
    EXPECT_NE(buffers.find(name), nullptr) << name;
  EXPECT_EQ(parameters.find("target.predictor.fc1.weight"), nullptr);
}

TEST(ObjectContrastAssigned, EqualsOneHeadCallPerViewOnAssignedLevels) {
  const ObjectContrastInput input = tiny_batch();
  ObjectContrast model = make_model(HeadMode::kAssigned), plain = make_model(HeadMode::kAssigned);
  const ObjectContrastOutput output = model->forward(input);
  // View 1 alone (pair 01, side b) by hand: all levels computed, boxes pooled one level at a time.
  plain->online->backbone->forward(input.views[0]);
  const FeatureMaps features = plain->online->backbone->forward(input.views[1]);
  const torch::Tensor indices = torch::tensor({0, 0, 0, 1, 1, 1}, torch::kInt64);
  const auto& side = input.pairs[0].b;
  std::vector<torch::Tensor> rows;
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto level = side.levels.view(-1)[i].item<std::int64_t>();
    rows.push_back(
        pool_level(features[level], side.boxes.view({-1, 4}).slice(0, i, i + 1), indices.slice(0, i, i + 1), 3));
  }
  const torch::Tensor together = pool_assigned(features, side.boxes.view({-1, 4}), indices, side.levels.view(-1), 3);
  EXPECT_TRUE(testing::same_bits(together.detach(), torch::cat(rows).detach()));
  // Heads: one group a view that has boxes.
  EXPECT_EQ(model->online->predictor->norm->num_batches_tracked.item<std::int64_t>(), 3);
  // P5 is used only for the box without a level (view 0); P2 only by view 2.
  EXPECT_EQ(model->online->backbone->as<Fpn>()->outputs[3]->norm->num_batches_tracked.item<std::int64_t>(), 1);
  EXPECT_EQ(model->online->backbone->as<Fpn>()->outputs[0]->norm->num_batches_tracked.item<std::int64_t>(), 1);
  EXPECT_EQ(model->online->backbone->as<Fpn>()->outputs[1]->norm->num_batches_tracked.item<std::int64_t>(), 3);
  output.loss.backward();
  EXPECT_TRUE(model->online->predictor->fc2->weight.grad().isfinite().all().item<bool>());
}

void to_float64(ObjectContrast& model) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& p : model->parameters()) p.set_data(p.to(torch::kFloat64));
  for (torch::Tensor& b : model->buffers())
    if (b.is_floating_point()) b.set_data(b.to(torch::kFloat64));
}

ObjectContrastInput tiny_batch_float64() {
  ObjectContrastInput input = tiny_batch();
  for (torch::Tensor& view : input.views) view = view.to(torch::kFloat64);
  for (auto& pair : input.pairs)
    for (auto* side : {&pair.a, &pair.b}) side->boxes = side->boxes.to(torch::kFloat64);
  return input;
}

TEST(ObjectContrast, CheckpointedActivationsChangeNothing) {
  for (const Architecture architecture : {Architecture::kFpn, Architecture::kC4}) {
    for (const HeadMode mode : {HeadMode::kReference, HeadMode::kAssigned}) {
      std::vector<ObjectContrast> models;
      for (const bool checkpoint : {false, true}) {
        ModelOptions options = tiny_model(mode);
        options.architecture = architecture;
        options.checkpoint_activations = checkpoint;
        torch::manual_seed(21);
        models.emplace_back(options);
        models.back()->train();
        to_float64(models.back());
        ObjectContrastInput input = tiny_batch_float64();
        if (architecture == Architecture::kC4)
          for (auto& pair : input.pairs)
            for (auto* side : {&pair.a, &pair.b}) side->levels.clamp_max_(0);
        models.back()->forward(input).loss.backward();
      }
      const auto plain = models[0]->named_parameters();
      for (const auto& item : models[1]->named_parameters()) {
        ASSERT_EQ(item.value().grad().defined(), plain[item.key()].grad().defined()) << item.key();
        if (!item.value().grad().defined()) continue;
        const torch::Tensor expected = plain[item.key()].grad();
        // The same operations in the same order: equal but for the order in which two uses of a map add up.
        EXPECT_LE(max_difference(item.value().grad(), expected), 1e-12 * (1 + expected.abs().max().item<double>()))
            << item.key();
      }
      expect_same_buffers(*models[0], *models[1], 1e-14);
    }
  }
}

TEST(ObjectContrast, HasAFiniteGradientWhenNothingMatches) {
  for (const HeadMode mode : {HeadMode::kReference, HeadMode::kAssigned}) {
    ObjectContrastInput input = tiny_batch();
    for (auto& pair : input.pairs) pair.b.levels.fill_(-1);
    ObjectContrast model = make_model(mode);
    const ObjectContrastOutput output = model->forward(input);
    output.loss.backward();
    EXPECT_EQ(output.loss.item<double>(), 0);
    EXPECT_EQ(output.num_matches, 0);
    EXPECT_EQ(output.mean_cosine, 0);
    for (const torch::Tensor& p : model->online->parameters())
      if (p.grad().defined()) EXPECT_EQ(p.grad().abs().max().item<double>(), 0);
  }
}

TEST(ObjectContrast, TrainsUnderBFloat16WithAFloat32Loss) {
  ObjectContrast model = make_model(HeadMode::kReference);
  ObjectContrast exact = make_model(HeadMode::kReference);
  ObjectContrastOutput output;
  {
    const AutocastGuard guard(torch::kCPU, torch::kBFloat16);
    output = model->forward(tiny_batch());
  }
  output.loss.backward();
  EXPECT_EQ(output.loss.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(std::isfinite(output.loss.item<double>()));
  exact->forward(tiny_batch()).loss.backward();
  // Also where the head first runs without gradients, for the groups that no loss term reaches: the weights that
  // autocast cast then must not serve the others.
  const auto parameters = model->online->named_parameters();
  for (const auto& item : exact->online->named_parameters()) {
    if (!item.value().grad().defined()) continue;
    const torch::Tensor gradient = parameters[item.key()].grad();
    ASSERT_TRUE(gradient.defined()) << item.key();
    EXPECT_TRUE(gradient.isfinite().all().item<bool>()) << item.key();
  }
}

TEST(ObjectContrast, RefusesBatchesThatDoNotFitTogether) {
  ObjectContrast model = make_model(HeadMode::kReference);
  ObjectContrastInput bad_level = tiny_batch(), bad_view = tiny_batch(), bad_boxes = tiny_batch(),
                      bad_image = tiny_batch();
  bad_level.pairs[0].a.levels[0][0] = 4;
  bad_view.pairs[1].view_b = 3;
  bad_boxes.pairs[1].b.boxes = torch::zeros({2, 2, 4});
  bad_image.views[2] = torch::zeros({3, 3, 32, 32});
  for (const auto* input : {&bad_level, &bad_view, &bad_boxes, &bad_image}) EXPECT_THROW(model->forward(*input), Error);
  EXPECT_THROW(model->forward({}), Error);
}

TEST(ContrastLoss, IsMinusTwoForEqualVectorsAndHandlesImagesWithoutMatches) {
  const torch::Tensor q = torch::eye(3).view({1, 3, 3}).repeat({2, 1, 1});
  torch::Tensor match = torch::eye(3).view({1, 3, 3}).repeat({2, 1, 1}).contiguous();
  EXPECT_NEAR(contrast_loss(q, q, match).item<double>(), -2, 2e-6);  // 3 / (3 + 1e-6)
  match[1].zero_();
  EXPECT_NEAR(contrast_loss(q, q, match).item<double>(), -1, 2e-6);
}

}  // namespace
}  // namespace soco
