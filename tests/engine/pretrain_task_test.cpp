// SPDX-License-Identifier: MIT
#include "soco/engine/pretrain_task.h"

#include <gtest/gtest.h>

#include <cmath>

#include "soco/base/file.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/engine/batch_input.h"
#include "soco/engine/replay.h"
#include "soco/engine/training_state.h"
#include "soco/image/codec.h"
#include "soco/image/image_list.h"
#include "soco/image/image_source.h"
#include "soco/proposals/job.h"
#include "soco/run/auto_settings.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

/// Eight small pictures of two blocks on a ramp, with their proposals, and a network small enough for seconds.
class PretrainTaskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::set_num_threads(2);
    std::filesystem::create_directories(temp_ / "images");
    for (int i = 0; i < 8; ++i) write_image(temp_ / "images" / ("image" + std::to_string(i) + ".png"), picture(i));
    ProposeOptions job;
    job.out = temp_ / "proposals.db";
    job.filter.enabled = false;
    job.workers = 1;
    entries_ = list_images(temp_ / "images");
    propose(entries_, job, log_);

    options_.train.batch_size = 4;
    options_.train.epochs = 3;
    options_.solver.lr = 0.1;
    options_.solver.warmup_epochs = 0;
    options_.model = {.backbone = Backbone::kResNet18,
                      .head_mode = HeadMode::kAssigned,
                      .fpn_channels = 16,
                      .head_num_convs = 1,
                      .head_fc_channels = 32,
                      .projector_hidden_channels = 32,
                      .projector_out_channels = 16};
    options_.plan = soco_fpn_view_plan(true);
    options_.plan.views[0].size = options_.plan.views[1].size = 64;
    options_.plan.views[2].size = 32;
    options_.loader.num_workers = 2;
  }

  static Image picture(int seed) {
    Image image{96, 128, std::vector<std::uint8_t>(96 * 128 * 3)};
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 128; ++x) {
        const bool left =
            x > 10 + seed && x < 60 && y > 15 && y<70, right = x> 75 && x < 115 && y > 30 - seed && y < 80;
        std::uint8_t* pixel = &image.pixels[static_cast<std::size_t>((y * 128 + x) * 3)];
        pixel[0] = static_cast<std::uint8_t>(left ? 220 : right ? 30 : y);
        pixel[1] = static_cast<std::uint8_t>(left ? 40 + 7 * seed : right ? 180 : x);
        pixel[2] = static_cast<std::uint8_t>(right ? 230 - 9 * seed : 90);
      }
    return image;
  }

  struct Fixture {
    ProposalStore store;
    PretrainDataset dataset;
    PretrainTask task;
    Fixture(PretrainTaskTest& test, const PretrainOptions& options)
        : store(ProposalStore::open_read(test.temp_ / "proposals.db")),
          dataset(test.entries_, store, {.filter = options.filter}, test.log_),
          task(options, dataset, torch::kCPU, test.alone_, test.log_) {}
  };
  std::unique_ptr<Fixture> make() { return std::make_unique<Fixture>(*this, options_); }

  static double metric(const StepReport& report, const std::string& name) {
    for (const auto& [key, value] : report.metrics)
      if (key == name) return value;
    ADD_FAILURE() << "no metric " << name;
    return NAN;
  }

  testing::TempDir temp_;
  NullLogger log_;
  SingleProcess alone_;
  ImageList entries_;
  PretrainOptions options_;
};

TEST_F(PretrainTaskTest, CountsStepsFromImagesBatchAndEpochs) {
  EXPECT_EQ(make()->task.steps_per_epoch(), 2);
  EXPECT_EQ(make()->task.total_steps(), 6);
  options_.train.max_steps = 5;
  EXPECT_EQ(make()->task.total_steps(), 5);
}

TEST_F(PretrainTaskTest, LossLiesInItsRangeAndTermsAddUp) {
  const auto fixture = make();
  fixture->task.start_at(0);
  const StepReport report = fixture->task.step(0);
  EXPECT_TRUE(report.finite);
  EXPECT_LE(std::abs(metric(report, "loss")), 8.0);  // -2 x cosine, two directions, two pairs
  EXPECT_LE(std::abs(metric(report, "mean_cosine")), 1.0);
  double terms = 0, boxes = 0;
  int num_terms = 0;
  for (const auto& [name, value] : report.metrics) {
    if (name.starts_with("loss.")) terms += value, ++num_terms;
    if (name.starts_with("boxes_")) boxes += value;
  }
  EXPECT_EQ(num_terms, 4);
  EXPECT_NEAR(terms, metric(report, "loss"), 1e-5);  // float32 sums of four terms
  EXPECT_EQ(boxes, 4 * 4 * 4);                       // images x boxes x sides
}

TEST_F(PretrainTaskTest, ContinuesBitForBitFromItsState) {
  const auto whole = make();
  whole->task.start_at(0);
  StateDict middle;
  for (int step = 0; step < 5; ++step) {
    if (step == 3) middle = whole->task.state();
    whole->task.step(step);
  }
  const auto resumed = make();
  resumed->task.load_state(middle);
  resumed->task.start_at(3);
  for (int step = 3; step < 5; ++step) resumed->task.step(step);
  EXPECT_TRUE(whole->task.state() == resumed->task.state());
}

TEST_F(PretrainTaskTest, StateOfAnotherModelIsRefusedByName) {
  const StateDict state = make()->task.state();
  options_.model.projector_out_channels = 8;
  const auto other = make();
  EXPECT_THROW(other->task.load_state(state), Error);
}

TEST_F(PretrainTaskTest, NonfiniteStepChangesNoOnlineWeightNorBuffer) {
  const auto fixture = make();
  const StateDict healthy = fixture->task.state();
  StateDict poisoned;
  for (const auto& [name, tensor] : healthy.entries()) {
    HostTensor copy = tensor;
    if (name == "model.online.predictor.fc2.bias") reinterpret_cast<float*>(copy.data.data())[0] = std::nanf("");
    poisoned.add(name, std::move(copy));
  }
  fixture->task.load_state(poisoned);
  fixture->task.start_at(0);
  const StepReport report = fixture->task.step(0);
  EXPECT_FALSE(report.finite);
  const StateDict after = fixture->task.state();
  for (const auto& [name, tensor] : poisoned.entries()) {
    const bool moved_by_average = name.starts_with("model.target.") && name.find("running_") == std::string::npos;
    if (!moved_by_average) EXPECT_TRUE(after.at(name).data == tensor.data) << name;
  }
}

TEST_F(PretrainTaskTest, AccumulationKeepsOrderAndStepCount) {
  options_.train.accumulation = 2;
  const auto fixture = make();
  EXPECT_EQ(fixture->task.steps_per_epoch(), 2);
  fixture->task.start_at(0);
  for (int step = 0; step < 6; ++step) EXPECT_TRUE(fixture->task.step(step).finite);
}

TEST_F(PretrainTaskTest, SgdLearnsToo) {
  options_.solver.optimizer = OptimizerKind::kSgd;
  options_.solver.lr = 0.01;
  const auto fixture = make();
  fixture->task.start_at(0);
  EXPECT_TRUE(fixture->task.step(0).finite);
}

TEST_F(PretrainTaskTest, BFloat16StepStaysNearFloat32) {
  const auto full = make();
  full->task.start_at(0);
  const double expected = metric(full->task.step(0), "loss");
  options_.train.precision = Precision::kBFloat16;
  const auto half = make();
  half->task.start_at(0);
  // bfloat16 has 8 bits of mantissa; over some twenty layers the cosines of a fresh network move by a few hundredths.
  EXPECT_NEAR(metric(half->task.step(0), "loss"), expected, 0.5);
}

TEST_F(PretrainTaskTest, DumpedStepReplaysWithTheSameLoss) {
  const auto fixture = make();
  fixture->task.start_at(0);
  const StateDict before = fixture->task.state();
  const StepReport report = fixture->task.step(0);
  const std::string command = fixture->task.dump_last_step(temp_ / "dump");
  EXPECT_NE(command.find("soco replay"), std::string::npos);
  // The dump holds the weights after the step, which a finite step has moved; put those before it in their place.
  StateDict weights;
  for (const auto& [name, tensor] : before.entries())
    weights.add(name.starts_with("model.") ? name.substr(6) : name, tensor);
  write_safetensors(temp_ / "weights.safetensors", weights, {});
  ReplayOptions replay_options;
  replay_options.model = options_.model;
  replay(replay_options, temp_ / "weights.safetensors",
         {{.batch = temp_ / "dump" / "batch_0.safetensors",
           .out = temp_ / "out.safetensors",
           .lr = *options_.solver.lr,
           .ema_momentum = options_.solver.ema_momentum}});
  const SafetensorsFile out = read_safetensors(temp_ / "out.safetensors");
  EXPECT_EQ(out.tensors.at("loss").as<float>()[0], static_cast<float>(metric(report, "loss")));
  const StateDict after = fixture->task.state();
  for (const auto& [name, tensor] : after.entries()) {
    const std::string key = "after." + (name.starts_with("model.") ? name.substr(6) : name);
    EXPECT_TRUE(out.tensors.at(key).data == tensor.data) << key;
  }
}

}  // namespace
}  // namespace soco
