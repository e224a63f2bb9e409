// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "soco/base/error.h"
#include "soco/solver/ema.h"
#include "soco/solver/lars.h"
#include "soco/solver/optimizer.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

torch::Tensor parameter(std::vector<float> values, std::vector<std::int64_t> shape) {
  return torch::tensor(values).view(shape).requires_grad_();
}

double at(const torch::Tensor& tensor, int i) { return tensor.flatten()[i].item<double>(); }

TEST(Lars, ScalesTheDecayedGradientByTheTrustRatio) {
  torch::Tensor w = parameter({3, 4}, {1, 2});  // norm 5
  w.mutable_grad() = torch::tensor({0.6f, 0.0f}).view({1, 2});
  Lars lars({{"w", w}}, LarsOptions{.momentum = 0.9, .weight_decay = 0.1, .trust_coefficient = 0.001, .eps = 1e-8});
  lars.step(2.0);
  // g = (0.6 + 0.3, 0 + 0.4); |g| = sqrt(0.81 + 0.16); trust = 0.001 * 5 / |g|.
  const double trust = 0.005 / std::sqrt(0.97);
  EXPECT_NEAR(at(w, 0), 3 - 2.0 * trust * 0.9, 1e-6);
  EXPECT_NEAR(at(w, 1), 4 - 2.0 * trust * 0.4, 1e-6);
}

TEST(Lars, ShrinksAWeightWithoutLossGradientAtTheFullTrustRate) {
  torch::Tensor with_zero = parameter({3, 4}, {1, 2}), without = parameter({3, 4}, {1, 2});
  with_zero.mutable_grad() = torch::zeros({1, 2});
  Lars lars({{"zero", with_zero}, {"undefined", without}});
  lars.step(1.0);
  // g = 1e-5 p, so trust * g = 0.001 p whatever the decay (but for eps: 1e-8 of 5e-5).
  EXPECT_NEAR(at(with_zero, 0), 3 * (1 - 0.001), 2e-6);
  EXPECT_NEAR(at(without, 1), 4 * (1 - 0.001), 2e-6);
}

TEST(Lars, LeavesBiasesWithoutDecayAndAdaptation) {
  torch::Tensor bias = parameter({3, 4}, {2});
  bias.mutable_grad() = torch::tensor({0.5f, -1.0f});
  Lars lars({{"bias", bias}}, LarsOptions{.momentum = 0.5, .weight_decay = 10});
  lars.step(0.1);
  lars.step(0.1);  // same gradient again: the buffer is g, then 1.5 g
  EXPECT_NEAR(at(bias, 0), 3 - 0.1 * 2.5 * 0.5, 1e-6);
  EXPECT_NEAR(at(bias, 1), 4 + 0.1 * 2.5 * 1.0, 1e-6);
}

TEST(Lars, TakesTheGradientAsItIsWhenTheWeightIsZero) {
  torch::Tensor w = parameter({0, 0}, {1, 2});
  w.mutable_grad() = torch::tensor({0.5f, -1.0f}).view({1, 2});
  Lars lars({{"w", w}});
  lars.step(0.1);
  EXPECT_NEAR(at(w, 0), -0.05, 1e-7);
  EXPECT_NEAR(at(w, 1), 0.1, 1e-7);
}

TEST(Sgd, EqualsLibtorchSgdOverSeveralSteps) {
  torch::manual_seed(8);
  std::vector<torch::Tensor> ours, theirs;
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{4, 3}, {5}}) {  // a weight, a bias
    ours.push_back(torch::randn(shape).requires_grad_());
    theirs.push_back(ours.back().detach().clone().requires_grad_());
  }
  Sgd sgd({{"weight", ours[0]}, {"bias", ours[1]}}, 0.9, 0.01);
  torch::optim::SGD reference(theirs, torch::optim::SGDOptions(0.1).momentum(0.9).weight_decay(0.01));
  for (int i = 0; i < 5; ++i) {
    for (std::size_t p = 0; p < ours.size(); ++p) {
      const torch::Tensor grad = torch::randn_like(ours[p]);
      ours[p].mutable_grad() = grad.clone();
      theirs[p].mutable_grad() = grad.clone();
    }
    sgd.step(0.1);
    reference.step();
  }
  for (std::size_t p = 0; p < ours.size(); ++p) EXPECT_LT(max_difference(ours[p], theirs[p]), 1e-6);
}

TEST(SelectiveSgd, DecaysWhatItIsToldTo) {
  torch::Tensor w = parameter({2, 4}, {1, 2}), norm = parameter({2, 4}, {1, 2});
  w.mutable_grad() = torch::ones({1, 2});
  norm.mutable_grad() = torch::ones({1, 2});
  SelectiveSgd sgd({{"w", w}, {"a.norm.weight", norm}}, 0.9, 0.5, [](const std::string& name) { return name == "w"; });
  sgd.step(0.25);
  EXPECT_EQ(at(w, 0), 2 - 0.25f * (1 + 0.5f * 2));
  EXPECT_EQ(at(norm, 1), 4 - 0.25f);
}

TEST(Optimizer, ClipsAllGradientsTogetherWhenTheyAreTooLong) {
  torch::Tensor a = parameter({0, 0}, {2}), b = parameter({0}, {1});
  a.mutable_grad() = torch::tensor({2.0f, 1.0f});
  b.mutable_grad() = torch::tensor({2.0f});
  Sgd sgd({{"a", a}, {"b", b}}, 0.9, 0);
  sgd.clip_gradients(sgd.gradient_norm(), 4);  // 3 already
  EXPECT_EQ(at(a.grad(), 0), 2);
  sgd.clip_gradients(sgd.gradient_norm(), 1.5);
  EXPECT_FLOAT_EQ(at(a.grad(), 0), 1);
  EXPECT_FLOAT_EQ(at(b.grad(), 0), 1);
}

TEST(Optimizer, ContinuesBitForBitFromItsMomentumBuffers) {
  torch::manual_seed(9);
  const torch::Tensor start = torch::randn({4, 3}), g1 = torch::randn({4, 3}), g2 = torch::randn({4, 3});
  const auto step = [](Optimizer& optimizer, torch::Tensor& w, const torch::Tensor& grad) {
    w.mutable_grad() = grad.clone();
    optimizer.step(0.3);
    optimizer.zero_grad();
    EXPECT_FALSE(w.grad().defined());
  };
  torch::Tensor straight = start.clone().requires_grad_();
  Lars one({{"w", straight}});
  step(one, straight, g1);
  torch::Tensor resumed = straight.detach().clone().requires_grad_();
  Lars two({{"w", resumed}});
  NamedTensors saved;
  for (const auto& [name, buffer] : one.momentum_buffers()) saved.emplace_back(name, buffer.clone());
  two.load_momentum_buffers(saved);
  step(one, straight, g2);
  step(two, resumed, g2);
  EXPECT_TRUE(testing::same_bits(straight.detach(), resumed.detach()));
}

TEST(Optimizer, RefusesBuffersThatDoNotFit) {
  torch::Tensor w = parameter({1, 2}, {1, 2});
  Lars lars({{"w", w}});
  EXPECT_THROW(lars.load_momentum_buffers({}), Error);
  EXPECT_THROW(lars.load_momentum_buffers({{"w", torch::zeros({2, 1})}}), Error);
  EXPECT_THROW(lars.load_momentum_buffers({{"w", torch::zeros({1, 2})}, {"v", torch::zeros({1})}}), Error);
  EXPECT_THROW(Lars({{"w", w}, {"w", w}}), Error);
}

TEST(Optimizer, GradientNormIsThatOfAllGradientsTogether) {
  torch::Tensor a = parameter({1, 2}, {1, 2}), b = parameter({1}, {1}), c = parameter({1}, {1});
  Lars lars({{"a", a}, {"b", b}, {"c", c}});
  EXPECT_EQ(lars.gradient_norm(), 0);
  a.mutable_grad() = torch::tensor({2.0f, 3.0f}).view({1, 2});
  b.mutable_grad() = torch::tensor({6.0f});
  EXPECT_NEAR(lars.gradient_norm(), 7, 1e-6);
}

struct Pair : torch::nn::Module {
  explicit Pair(bool with_extra) {
    linear = register_module("linear", torch::nn::Linear(2, 3));
    norm = register_module("norm", torch::nn::BatchNorm1d(3));
    if (with_extra) register_parameter("extra", torch::ones({2}));
  }
  torch::nn::Linear linear{nullptr};
  torch::nn::BatchNorm1d norm{nullptr};
};

TEST(EmaUpdate, MovesParametersAndNothingElse) {
  Pair target(false), online(true);
  const torch::Tensor before = target.linear->weight.detach().clone();
  {
    const torch::NoGradGuard no_grad;
    online.norm->running_mean.fill_(7);
  }
  ema_update(target, online, 0.75);
  EXPECT_LT(max_difference(target.linear->weight.detach(), before * 0.75 + online.linear->weight.detach() * 0.25),
            1e-6);
  EXPECT_EQ(at(target.norm->running_mean, 0), 0);
  copy_parameters(target, online);
  EXPECT_TRUE(testing::same_bits(target.linear->weight.detach(), online.linear->weight.detach()));
  EXPECT_THROW(ema_update(online, target, 0.5), Error);  // "extra" has no counterpart
}

}  // namespace
}  // namespace soco
