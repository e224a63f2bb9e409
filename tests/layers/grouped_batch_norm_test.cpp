// SPDX-License-Identifier: MIT
#include "soco/layers/grouped_batch_norm.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "soco/base/error.h"
#include "soco/layers/conv_norm.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

// Two BatchNorms of ours and libtorch's with the same random weights.
struct Twins {
  explicit Twins(std::int64_t channels) : ours(channels), theirs(torch::nn::BatchNormOptions(channels)) {
    torch::manual_seed(5);
    torch::nn::init::normal_(ours->weight, 1.0, 0.5);
    torch::nn::init::normal_(ours->bias);
    const torch::NoGradGuard no_grad;
    theirs->weight.copy_(ours->weight);
    theirs->bias.copy_(ours->bias);
  }
  BatchNorm ours;
  torch::nn::BatchNorm2d theirs;
};

// Mean far from zero: the variance must not cancel.
torch::Tensor random_batch(std::vector<std::int64_t> shape) { return torch::randn(shape) * 3 + 20; }

TEST(BatchNorm, EqualsLibtorchInTrainModeWhenThereIsOneGroup) {
  Twins twins(70);
  torch::Tensor a = random_batch({4, 70, 9, 5}).requires_grad_(), b = a.detach().clone().requires_grad_();
  const torch::Tensor grad = torch::randn({4, 70, 9, 5});
  const torch::Tensor ours = twins.ours(a), theirs = twins.theirs(b);
  ours.backward(grad);
  theirs.backward(grad);
  // float32 with a mean 7 deviations from zero: results of order 1 carry errors of some 1e-6.
  EXPECT_LT(max_difference(ours, theirs), 2e-5);
  EXPECT_LT(max_difference(a.grad(), b.grad()), 2e-5);
  EXPECT_LT(max_difference(twins.ours->weight.grad(), twins.theirs->weight.grad()), 2e-4);
  EXPECT_LT(max_difference(twins.ours->bias.grad(), twins.theirs->bias.grad()), 2e-4);
  EXPECT_LT(max_difference(twins.ours->running_mean, twins.theirs->running_mean), 1e-5);
  EXPECT_LT(max_difference(twins.ours->running_var, twins.theirs->running_var), 1e-4);
  EXPECT_EQ(twins.ours->num_batches_tracked.item<std::int64_t>(), 1);
}

TEST(BatchNorm, StackedGroupsEqualOneCallAGroup) {
  for (const bool two_dimensions : {false, true}) {
    Twins twins(33);
    const std::vector<std::int64_t> shape =
        two_dimensions ? std::vector<std::int64_t>{12, 33} : std::vector<std::int64_t>{12, 33, 4, 3};
    torch::Tensor a = (random_batch(shape) +
                       torch::arange(12).view({-1, 1}).view(two_dimensions ? std::vector<std::int64_t>{12, 1}
                                                                           : std::vector<std::int64_t>{12, 1, 1, 1}))
                          .requires_grad_();
    torch::Tensor b = a.detach().clone().requires_grad_();
    const torch::Tensor grad = torch::randn(shape);
    const torch::Tensor ours = twins.ours(a, NormCall{NormActivation::kRelu, {}, NormGroups{3, nullptr, {}}});
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& part : b.chunk(3))
      parts.push_back(
          torch::relu(two_dimensions ? twins.theirs(part.unsqueeze(-1).unsqueeze(-1)).flatten(1) : twins.theirs(part)));
    const torch::Tensor theirs = torch::cat(parts);
    ours.backward(grad);
    theirs.backward(grad);
    EXPECT_LT(max_difference(ours, theirs), 5e-5);
    EXPECT_LT(max_difference(a.grad(), b.grad()), 5e-5);
    EXPECT_LT(max_difference(twins.ours->weight.grad(), twins.theirs->weight.grad()), 2e-4);
    EXPECT_LT(max_difference(twins.ours->running_mean, twins.theirs->running_mean), 1e-5);
    EXPECT_LT(max_difference(twins.ours->running_var, twins.theirs->running_var), 1e-4);
    EXPECT_EQ(twins.ours->num_batches_tracked.item<std::int64_t>(), 3);
  }
}

TEST(BatchNorm, FusedResidualAndReluEqualSeparateOperations) {
  for (const NormActivation activation : {NormActivation::kNone, NormActivation::kRelu}) {
    Twins twins(64);
    torch::Tensor x = torch::randn({3, 64, 5, 5}), r = torch::randn({3, 64, 5, 5});
    torch::Tensor xa = x.clone().requires_grad_(), ra = r.clone().requires_grad_();
    torch::Tensor xb = x.clone().requires_grad_(), rb = r.clone().requires_grad_();
    const torch::Tensor grad = torch::randn(x.sizes());
    const torch::Tensor ours = twins.ours(xa, NormCall{activation, ra, {}});
    torch::Tensor theirs = twins.theirs(xb) + rb;
    if (activation == NormActivation::kRelu) theirs = torch::relu(theirs);
    ours.backward(grad);
    theirs.backward(grad);
    EXPECT_LT(max_difference(ours, theirs), 1e-5);
    EXPECT_LT(max_difference(xa.grad(), xb.grad()), 1e-5);
    EXPECT_LT(max_difference(ra.grad(), rb.grad()), 1e-6);
  }
}

TEST(BatchNorm, DoublePrecisionPassesFiniteDifferences) {
  torch::manual_seed(6);
  BatchNorm norm(3);
  norm->to(torch::kFloat64);
  torch::Tensor x = torch::randn({4, 3, 2, 2}, torch::kFloat64).requires_grad_();
  const torch::Tensor grad = torch::randn({4, 3, 2, 2}, torch::kFloat64),
                      direction = torch::randn({4, 3, 2, 2}, torch::kFloat64);
  const NormCall call{NormActivation::kNone, {}, NormGroups{2, nullptr, {}}};
  norm(x, call).backward(grad);
  const double h = 1e-6;
  const auto value = [&](double t) { return (norm(x.detach() + t * direction, call) * grad).sum().item<double>(); };
  EXPECT_NEAR((x.grad() * direction).sum().item<double>(), (value(h) - value(-h)) / (2 * h), 1e-7);
}

TEST(BatchNorm, GivesTheSameBitsForAnyNumberOfThreads) {
  torch::Tensor outputs[2], grads[2];
  for (const int threads : {1, 3}) {
    const testing::ThreadCount count(threads);
    Twins twins(96);
    torch::Tensor x = random_batch({6, 96, 30, 30}).requires_grad_();
    outputs[threads / 2] = twins.ours(x, NormCall{NormActivation::kRelu, {}, NormGroups{2, nullptr, {}}});
    outputs[threads / 2].backward(torch::randn(x.sizes()));
    grads[threads / 2] = x.grad();
  }
  EXPECT_TRUE(testing::same_bits(outputs[0], outputs[1]));
  EXPECT_TRUE(testing::same_bits(grads[0], grads[1]));
}

TEST(BatchNorm, QueueMovesStatisticsInOrderOfPositionNotOfCalls) {
  Twins sequential(8), queued(8);
  const torch::Tensor batch = random_batch({8, 8});
  const auto groups = batch.chunk(4);
  for (const torch::Tensor& group : groups) sequential.ours(group);
  RunningStatsQueue queue;
  queued.ours(torch::cat({groups[3], groups[1]}), NormCall{NormActivation::kNone, {}, NormGroups{2, &queue, {3, 1}}});
  EXPECT_EQ(queued.ours->num_batches_tracked.item<std::int64_t>(), 0);
  queued.ours(torch::cat({groups[0], groups[2]}), NormCall{NormActivation::kNone, {}, NormGroups{2, &queue, {0, 2}}});
  queue.commit();
  EXPECT_TRUE(testing::same_bits(queued.ours->running_mean, sequential.ours->running_mean));
  EXPECT_TRUE(testing::same_bits(queued.ours->running_var, sequential.ours->running_var));
  EXPECT_EQ(queued.ours->num_batches_tracked.item<std::int64_t>(), 4);
}

TEST(BatchNorm, FallingMomentumLeavesThePlainMeanOfTheBatches) {
  torch::nn::Sequential network(BatchNorm(5));
  auto& norm = *network->ptr(0)->as<BatchNorm>();
  norm.forward(random_batch({32, 5}) + 7);  // what was before is forgotten
  torch::Tensor mean = torch::zeros({5}), var = torch::zeros({5});
  for (int i = 0; i < 4; ++i) {
    const torch::Tensor batch = random_batch({16, 5}) * (i + 1);
    set_batch_norm_momentum(*network, 1.0 / (i + 1));
    norm.forward(batch);
    mean += batch.mean(0) / 4;
    var += batch.var(0, /*unbiased=*/true) / 4;
  }
  EXPECT_LT(max_difference(norm.running_mean, mean), 1e-5);  // sums of 16 float32 of size 10
  EXPECT_LT(max_difference(norm.running_var, var), 1e-4);    // of their squares
}

TEST(BatchNorm, UsesRunningStatisticsInEvalMode) {
  Twins twins(5);
  twins.ours(random_batch({16, 5}));
  twins.ours->eval();
  const torch::Tensor x = torch::randn({3, 5});
  const torch::Tensor expected =
      (x - twins.ours->running_mean) / (twins.ours->running_var + 1e-5).sqrt() * twins.ours->weight + twins.ours->bias;
  EXPECT_LT(max_difference(twins.ours(x), expected), 1e-6);
  EXPECT_EQ(twins.ours->num_batches_tracked.item<std::int64_t>(), 1);
}

TEST(BatchNorm, RefusesGroupsItCannotNormalise) {
  BatchNorm norm(4);
  EXPECT_THROW(norm(torch::randn({1, 4})), Error);  // a single value per channel has no variance
  EXPECT_THROW(norm(torch::randn({6, 4}), NormCall{NormActivation::kNone, {}, NormGroups{4, nullptr, {}}}), Error);
  EXPECT_THROW(norm(torch::randn({6, 4}), NormCall{NormActivation::kNone, {}, NormGroups{6, nullptr, {}}}), Error);
  EXPECT_THROW(norm(torch::randn({6, 5})), Error);
  EXPECT_THROW(norm(torch::randn({6, 4, 2})), Error);
  EXPECT_THROW(norm(torch::randn({6, 4}), NormCall{NormActivation::kNone, torch::zeros({3, 4}), {}}), Error);
}

TEST(ConvNorm, EqualsConvolutionThenBatchNormUnderTheirKeys) {
  torch::manual_seed(7);
  ConvNorm conv(ConvNormOptions{3, 6, 3, 2});
  torch::nn::BatchNorm2d norm(torch::nn::BatchNormOptions(6));
  const torch::Tensor x = torch::randn({2, 3, 9, 9});
  EXPECT_LT(max_difference(conv(x), norm(torch::conv2d(x, conv->weight, {}, 2, 1))), 1e-5);
  std::vector<std::string> keys;
  for (const auto& item : conv->named_parameters()) keys.push_back(item.key());
  for (const auto& item : conv->named_buffers()) keys.push_back(item.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"weight", "norm.weight", "norm.bias", "norm.running_mean",
                                            "norm.running_var", "norm.num_batches_tracked"}));
  // Uniform in +-1/sqrt(27): no value outside, and the standard deviation near bound / sqrt(3).
  EXPECT_LE(conv->weight.abs().max().item<double>(), 1 / std::sqrt(27.0));
  EXPECT_NEAR(conv->weight.std().item<double>(), 1 / std::sqrt(81.0), 0.02);
}

TEST(ConvNorm, WithoutGradientsFollowsWhateverChangesItsParts) {
  torch::manual_seed(8);
  ConvNorm conv(ConvNormOptions{3, 6, 3, 1});
  const torch::Tensor x = torch::randn({2, 3, 5, 5});
  conv(x);
  conv->eval();
  const auto difference = [&] {  // from the same with gradients, which keeps nothing
    const torch::Tensor expected = conv(x.to(conv->weight.scalar_type()));
    const torch::NoGradGuard no_grad;
    return max_difference(conv(x.to(conv->weight.scalar_type())), expected.detach());
  };
  EXPECT_LT(difference(), 1e-6);
  const std::vector<torch::Tensor> parts{conv->weight, conv->norm->weight, conv->norm->bias, conv->norm->running_mean,
                                         conv->norm->running_var};
  for (torch::Tensor part : parts) {
    {
      const torch::NoGradGuard no_grad;
      part.mul_(1.5).add_(0.1);
    }
    EXPECT_LT(difference(), 1e-6);
  }
  conv->to(torch::kFloat64);
  EXPECT_LT(difference(), 1e-14);
  conv->train();
  conv(x.to(torch::kFloat64));
  conv->eval();
  EXPECT_LT(difference(), 1e-14);
}

}  // namespace
}  // namespace soco
