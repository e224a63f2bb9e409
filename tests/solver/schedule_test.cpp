// SPDX-License-Identifier: MIT
#include "soco/solver/schedule.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "soco/base/error.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

constexpr ScheduleOptions kOptions{.lr = 2.0, .warmup_epochs = 2, .warmup_divisor = 100, .final_lr = 1e-6};

TEST(LearningRate, RisesLinearlyThenFallsAlongACosine) {
  // 10 steps an epoch, 6 epochs: 20 steps of warm-up, 40 of cosine.
  EXPECT_DOUBLE_EQ(learning_rate_at(kOptions, 0, 10, 60), 0.02);
  EXPECT_DOUBLE_EQ(learning_rate_at(kOptions, 10, 10, 60), 0.02 * 50.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(kOptions, 20, 10, 60), 2.0);
  EXPECT_NEAR(learning_rate_at(kOptions, 40, 10, 60), 1e-6 + (2.0 - 1e-6) / 2, 1e-12);
  EXPECT_NEAR(learning_rate_at(kOptions, 60, 10, 60), 1e-6, 1e-12);
}

TEST(LearningRate, StartsAtThePeakWithoutWarmup) {
  ScheduleOptions options = kOptions;
  options.warmup_epochs = 0;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 10, 60), 2.0);
}

TEST(LearningRate, StaysInTheWarmupOfARunThatEndsThere) {
  EXPECT_DOUBLE_EQ(learning_rate_at(kOptions, 10, 10, 10), 0.02 * 50.5);
}

TEST(LearningRate, ScalesWithTheBatch) {
  EXPECT_DOUBLE_EQ(scaled_learning_rate(1.0, 2048), 8.0);  // the published recipes' 16 x 128
  EXPECT_DOUBLE_EQ(scaled_learning_rate(0.5, 8), 0.015625);
}

TEST(LearningRate, RefusesStepsOutsideTheRun) {
  EXPECT_THROW(learning_rate_at(kOptions, -1, 10, 60), Error);
  EXPECT_THROW(learning_rate_at(kOptions, 61, 10, 60), Error);
  EXPECT_THROW(learning_rate_at(kOptions, 0, 0, 60), Error);
}

TEST(LearningRate, AgreesWithPyTorchsSchedulersComposedAsTheReleaseDoes) {
  SOCO_ORACLE_OR_SKIP(path, "schedule.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  int num_curves = 0;
  for (const auto& [name, curve] : oracle.entries()) {
    const HostTensor* params = oracle.find(name + ".params");
    if (name.rfind("lr.", 0) != 0 || params == nullptr) continue;
    ++num_curves;
    const auto p = params->as<double>();  // lr, steps an epoch, epochs, warm-up epochs, divisor, final lr
    const auto lr = curve.as<double>();
    const auto steps_per_epoch = static_cast<std::int64_t>(p[1]);
    const auto total = steps_per_epoch * static_cast<std::int64_t>(p[2]);
    const ScheduleOptions options{.lr = p[0], .warmup_epochs = p[3], .warmup_divisor = p[4], .final_lr = p[5]};
    for (std::size_t k = 0; k < lr.size() && static_cast<std::int64_t>(k) <= total; ++k)
      // 1e-9 of the peak: without warm-up PyTorch multiplies its way along the cosine and gathers rounding errors.
      ASSERT_NEAR(learning_rate_at(options, static_cast<std::int64_t>(k), steps_per_epoch, total), lr[k], 1e-9 * p[0])
          << name << " step " << k;
  }
  EXPECT_GT(num_curves, 0);
}

TEST(DetectorLearningRate, WarmsUpAndDropsAsDetectron2) {
  const DetectorScheduleOptions options{
      .lr = 0.02, .warmup_steps = 1000, .warmup_factor = 0.001, .drops = {60'000, 80'000}};
  const auto at = [&](std::int64_t step) { return detector_learning_rate_at(options, step, 90'000); };
  EXPECT_DOUBLE_EQ(at(0), 0.02 * 0.001);
  EXPECT_DOUBLE_EQ(at(500), 0.02 * (0.001 * 0.5 + 0.5));
  EXPECT_DOUBLE_EQ(at(1000), 0.02);
  EXPECT_DOUBLE_EQ(at(59'999), 0.02);
  EXPECT_DOUBLE_EQ(at(60'000), 0.002);
  EXPECT_NEAR(at(80'000), 0.0002, 1e-18);
  EXPECT_THROW(at(90'001), Error);
}

TEST(DetectorLearningRate, FallsAlongACosineToNothing) {
  const DetectorScheduleOptions options{.lr = 0.1, .warmup_steps = 0, .cosine = true};
  EXPECT_DOUBLE_EQ(detector_learning_rate_at(options, 0, 100), 0.1);
  EXPECT_NEAR(detector_learning_rate_at(options, 50, 100), 0.05, 1e-15);
  EXPECT_NEAR(detector_learning_rate_at(options, 100, 100), 0, 1e-15);
}

TEST(EmaMomentum, AgreesWithPyTorchsCosineOfItsComplement) {
  SOCO_ORACLE_OR_SKIP(path, "schedule.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  for (int i = 0; oracle.find("momentum." + std::to_string(i)) != nullptr; ++i) {
    const std::string name = "momentum." + std::to_string(i);
    const auto params = oracle.at(name + ".params").as<double>();
    const auto curve = oracle.at(name).as<double>();
    for (std::size_t k = 0; k < curve.size(); ++k)
      ASSERT_NEAR(ema_momentum_at(params[0], static_cast<std::int64_t>(k), static_cast<std::int64_t>(params[1])),
                  curve[k], 1e-9)
          << name << " step " << k;
  }
}

TEST(EmaMomentum, RisesFromItsStartToOne) {
  EXPECT_DOUBLE_EQ(ema_momentum_at(0.99, 0, 1000), 0.99);
  EXPECT_DOUBLE_EQ(ema_momentum_at(0.99, 500, 1000), 0.995);
  EXPECT_DOUBLE_EQ(ema_momentum_at(0.99, 1000, 1000), 1.0);
  EXPECT_THROW(ema_momentum_at(0.99, 1001, 1000), Error);
}

}  // namespace
}  // namespace soco
