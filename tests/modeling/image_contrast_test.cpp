// SPDX-License-Identifier: MIT
// The image-level baselines: a whole view in place of boxes, a queue of keys, one direction, heads without norm.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "modeling/contrast_batch.h"
#include "soco/modeling/meta_arch/contrast_loss.h"
#include "soco/modeling/meta_arch/object_contrast.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;
using testing::same_bits;
using testing::side_of;
using testing::tiny_model;

ModelOptions image_model() {
  ModelOptions options = tiny_model(HeadMode::kReference);
  options.architecture = Architecture::kImage;
  return options;
}

ModelOptions queue_model() {
  ModelOptions options = image_model();
  options.loss = ContrastLoss::kInfoNce;
  options.directions = Directions::kAToB;
  options.predictor = options.projector_norm = false;
  options.queue_size = 5;
  return options;
}

// Three images, two views, one box an image.
ObjectContrastInput whole_views() {
  torch::manual_seed(3);
  ObjectContrastInput input;
  input.views = {torch::randn({3, 3, 64, 64}), torch::randn({3, 3, 64, 64})};
  input.pairs = {{0, 1, side_of({1, 1, 1}, {0, 0, 0}, 3), side_of({1, 1, 1}, {0, 0, 0}, 3)}};
  return input;
}

ObjectContrast make_model(const ModelOptions& options) {
  torch::set_num_threads(1);
  torch::manual_seed(4);
  ObjectContrast model(options);
  model->train();
  return model;
}

std::int64_t calls(const BatchNorm& norm) { return norm->num_batches_tracked.item<std::int64_t>(); }

TEST(ImageContrast, ABoxStandsForItsWholeView) {
  ObjectContrastInput input = whole_views();
  ObjectContrast model = make_model(image_model()), again = make_model(image_model());
  const torch::Tensor loss = model->forward(input).loss;
  for (auto& pair : input.pairs) pair.a.boxes.mul_(0.3);
  EXPECT_TRUE(same_bits(loss.detach(), again->forward(input).loss.detach()));
}

TEST(ImageContrast, EqualsTheMeanOverTheLastMapThroughProjectorAndPredictor) {
  const ObjectContrastInput input = whole_views();
  ObjectContrast model = make_model(image_model()), plain = make_model(image_model());
  const ObjectContrastOutput output = model->forward(input);
  std::vector<torch::Tensor> predicted, projected;
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, 1, true); };
  for (const torch::Tensor& view : input.views) {
    const torch::Tensor map = plain->online->backbone->forward(view)[0];
    EXPECT_EQ(map.sizes(), torch::IntArrayRef({3, 512, 2, 2}));
    predicted.push_back(unit(plain->online->predictor(plain->online->projector(map.mean({2, 3})))));
    projected.push_back(
        unit(plain->target->projector(plain->target->backbone->forward(view)[0].mean({2, 3}))).detach());
  }
  const torch::Tensor cosines = (predicted[0] * projected[1]).sum() + (predicted[1] * projected[0]).sum();
  EXPECT_NEAR(output.loss.item<double>(), -2 * cosines.item<double>() / 3, 1e-4);  // float32; 1 + 1e-6 matches an image
  EXPECT_NEAR(output.mean_cosine, cosines.item<double>() / 6, 1e-5);
}

TEST(ImageContrast, OneDirectionRunsEachNetworkOnItsOwnViewAlone) {
  for (const HeadMode mode : {HeadMode::kReference, HeadMode::kAssigned}) {
    ModelOptions options = image_model();
    options.head_mode = mode;
    ObjectContrast both = make_model(options);
    const ObjectContrastOutput two = both->forward(whole_views());
    options.directions = Directions::kAToB;
    ObjectContrast model = make_model(options);
    const ObjectContrastOutput one = model->forward(whole_views());
    ASSERT_EQ(one.losses.size(), 1u);
    EXPECT_EQ(one.losses[0].first, "pair01.a_to_b");
    EXPECT_NEAR(one.loss.item<double>(), two.losses[0].second.item<double>(), 1e-5);
    EXPECT_EQ(calls(model->online->projector->norm), 1);
    EXPECT_EQ(calls(model->target->projector->norm), 1);
    EXPECT_EQ(calls(both->online->projector->norm), 2);
    one.loss.backward();
    EXPECT_GT(model->online->predictor->fc2->weight.grad().abs().max().item<double>(), 0);
  }
}

TEST(ImageContrast, HeadsCanDoWithoutNormAndPredictor) {
  ObjectContrast model = make_model(queue_model());
  EXPECT_TRUE(model->online->predictor.is_empty());
  const auto parameters = model->named_parameters();
  EXPECT_EQ(parameters.find("online.predictor.fc1.weight"), nullptr);
  EXPECT_EQ(parameters.find("online.projector.norm.weight"), nullptr);
  MlpHead& head = model->online->projector;
  const torch::Tensor x = torch::randn({4, 512});
  EXPECT_LT(max_difference(head(x), head->fc2(torch::relu(head->fc1(x)))), 1e-6);
}

TEST(ImageContrast, ResidualsStartAtZeroOrOne) {
  for (const bool zero : {true, false}) {
    ModelOptions options = tiny_model(HeadMode::kReference);
    options.zero_init_residual = zero;
    const ObjectContrast model = make_model(options);
    const auto parameters = model->named_parameters();
    for (const char* side : {"online.", "target."}) {
      const torch::Tensor* last = parameters.find(std::string(side) + "backbone.bottom_up.res4.1.conv2.norm.weight");
      ASSERT_NE(last, nullptr);
      EXPECT_TRUE(same_bits(last->detach(), torch::full({256}, zero ? 0.0f : 1.0f)));
    }
  }
}

TEST(KeyQueue, ReplacesTheOldestAndStartsAgainAtItsEnd) {
  KeyQueue queue(3, 2);
  EXPECT_LT(max_difference(queue->keys.norm(2, 1), torch::ones({3})), 1e-6);
  const auto rows = [](float first, std::int64_t count) {
    return torch::arange(first, first + static_cast<float>(count)).view({-1, 1}).repeat({1, 2});
  };
  const auto column = [&] { return queue->keys.select(1, 0); };
  queue->push(rows(1, 2));
  queue->push(rows(3, 2));
  EXPECT_TRUE(same_bits(column(), torch::tensor({4.0f, 2.0f, 3.0f})));
  EXPECT_EQ(queue->next.item<std::int64_t>(), 1);
  queue->push(rows(5, 7));  // 5..11: the last three stay, the next place is (1 + 7) % 3
  EXPECT_TRUE(same_bits(column(), torch::tensor({10.0f, 11.0f, 9.0f})));
  EXPECT_EQ(queue->next.item<std::int64_t>(), 2);
}

TEST(ImageContrast, PushesTheTargetsKeysAfterTheirUse) {
  ObjectContrast model = make_model(queue_model());
  const torch::Tensor before = model->queue->keys.clone();
  const ObjectContrastOutput output = model->forward(whole_views());
  EXPECT_EQ(model->queue->next.item<std::int64_t>(), 3);
  EXPECT_TRUE(same_bits(model->queue->keys.slice(0, 3), before.slice(0, 3)));
  // Loss by hand: the keys now in front were the positives, the queue before the push the negatives.
  ObjectContrast plain = make_model(queue_model());
  const torch::Tensor map = plain->online->backbone->forward(whole_views().views[0])[0];
  const torch::Tensor vectors = plain->online->projector(map.mean({2, 3}));
  const torch::Tensor queries = vectors / vectors.norm(2, 1, true), keys = model->queue->keys.slice(0, 0, 3);
  const torch::Tensor logits = torch::cat({(queries * keys).sum(1, true), queries.matmul(before.t())}, 1) / 0.2;
  EXPECT_NEAR(output.loss.item<double>(), -torch::log_softmax(logits, 1).select(1, 0).mean().item<double>(), 1e-4);
  const torch::Tensor spread = torch::linalg_eigvalsh(torch::cov(keys.t().to(torch::kFloat64)));
  EXPECT_NEAR(output.feature_rank, spread.sum().square().item<double>() / spread.square().sum().item<double>(), 1e-6);
  output.loss.backward();
  EXPECT_TRUE(model->online->projector->fc1->weight.grad().isfinite().all().item<bool>());
  model->eval();
  model->forward(whole_views());
  EXPECT_EQ(model->queue->next.item<std::int64_t>(), 3);  // only training moves it
}

TEST(InfoNceLoss, IsTheCrossEntropyOfTheMatchedPairs) {
  // One image, two queries along the axes; query 0 matches both keys, query 1 none.
  const torch::Tensor q = torch::eye(2).view({1, 2, 2});
  const torch::Tensor k = torch::tensor({1.0f, 0.0f, 0.6f, 0.8f}).view({1, 2, 2});
  const torch::Tensor match = torch::tensor({1.0f, 1.0f, 0.0f, 0.0f}).view({1, 2, 2});
  const torch::Tensor negatives = torch::tensor({0.0f, 1.0f, -1.0f, 0.0f}).view({2, 2});  // cosines 0 and -1
  const auto nce = [](double cosine) {
    const double others = 1 + std::exp(-1 / 0.5);
    return -std::log(std::exp(cosine / 0.5) / (std::exp(cosine / 0.5) + others));
  };
  EXPECT_NEAR(info_nce_loss(q, k, match, negatives, 0.5, 2).item<double>(), (nce(1) + nce(0.6)) / 2, 1e-6);
  EXPECT_EQ(info_nce_loss(q, k, torch::zeros_like(match), negatives, 0.5, 1).item<double>(), 0);
}

}  // namespace
}  // namespace soco
