// SPDX-License-Identifier: MIT
#include "soco/engine/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <limits>
#include <set>

#include "soco/base/error.h"
#include "soco/base/signals.h"
#include "soco/report/metrics_log.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A model of one number that adds step + 1 in every finite step: its value tells which steps were done, how often.
class CountingTask final : public Task {
 public:
  std::int64_t total_steps() const override { return 10; }
  std::int64_t steps_per_epoch() const override { return 4; }
  void start_at(std::int64_t step) override { started_at = step; }
  StepReport step(std::int64_t step) override {
    if (step == stop_at) request_stop(SIGTERM);
    StepReport report;
    report.finite = !bad_steps.contains(step);
    if (report.finite) value += static_cast<double>(step + 1);
    report.num_images = 2;
    report.metrics = {{"loss", report.finite ? -value : std::numeric_limits<double>::quiet_NaN()}};
    return report;
  }
  StateDict state() const override {
    StateDict state;
    state.add("value", HostTensor::from<double>({}, std::vector<double>{value}));
    return state;
  }
  void load_state(const StateDict& state) override { value = state.at("value").as<double>()[0]; }
  std::string dump_last_step(const std::filesystem::path& folder) override {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "dump") << value;
    return "replay command";
  }

  double value = 0;
  std::int64_t started_at = -1;
  std::int64_t stop_at = -1;
  std::set<std::int64_t> bad_steps;
};

class TrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.checkpoint_every_steps = 3;
    options_.checkpoint_every_minutes = 0;
    options_.max_nonfinite_steps = 3;
  }
  void TearDown() override { request_stop(0); }

  double train(CountingTask& task) {
    NullLogger log;
    Trainer(task, options_, run_, {}, log).train();
    return task.value;
  }
  std::vector<std::int64_t> logged_steps() const {
    std::vector<std::int64_t> steps;
    for (const Json& record : read_metrics(run_.metrics())) steps.push_back(record.at("step").get<std::int64_t>());
    return steps;
  }

  testing::TempDir temp_;
  RunFolder run_ = RunFolder::create(temp_ / "run", ExistingRun::kRefuse);
  TrainOptions options_;
};

TEST_F(TrainerTest, DoesEveryStepOnceAndSavesTheEnd) {
  CountingTask task;
  EXPECT_EQ(train(task), 55);  // 1 + ... + 10
  EXPECT_EQ(task.started_at, 0);
  EXPECT_THAT(logged_steps(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  NullLogger log;
  const auto last = load_latest_checkpoint(run_.checkpoints(), log);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->step, 10);
  EXPECT_EQ(last->file.tensors.at("value").as<double>()[0], 55);
}

TEST_F(TrainerTest, StopSignalSavesTheStepAndTheNextRunContinues) {
  CountingTask first;
  first.stop_at = 4;
  try {
    train(first);
    FAIL() << "the stop was ignored";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    EXPECT_THAT(error.what(), HasSubstr("soco resume"));
  }
  request_stop(0);
  CountingTask second;
  EXPECT_EQ(train(second), 55);
  EXPECT_EQ(second.started_at, 5);
  EXPECT_THAT(logged_steps(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(TrainerTest, KilledRunRepeatsOnlyTheStepsSinceTheCheckpoint) {
  // As after SIGKILL at step 8: steps 6 and 7 were done and logged, and are lost with the process.
  CountingTask first;
  first.bad_steps = {};
  {
    NullLogger log;
    Checkpointer checkpointer(run_.checkpoints(), 2, log);
    first.value = 1 + 2 + 3 + 4 + 5 + 6;
    checkpointer.save(6, first.state(), {});
    MetricsLog metrics = MetricsLog::create(run_.metrics());
    for (int step = 0; step < 8; ++step) metrics.append(Json{{"step", step}});
  }
  CountingTask second;
  EXPECT_EQ(train(second), 55);
  EXPECT_EQ(second.started_at, 6);
  EXPECT_THAT(logged_steps(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(TrainerTest, FinishedRunHasNothingToDo) {
  CountingTask first;
  train(first);
  CountingTask second;
  EXPECT_EQ(train(second), 55);
  EXPECT_EQ(second.started_at, -1);
}

TEST_F(TrainerTest, NonfiniteStepsAreCountedAndTrainingGoesOn) {
  CountingTask task;
  task.bad_steps = {2, 3, 7};
  EXPECT_EQ(train(task), 55 - 3 - 4 - 8);
  EXPECT_EQ(read_metrics(run_.metrics()).back().at("nonfinite_total").get<double>(), 3);
}

TEST_F(TrainerTest, NonfiniteStepsInARowStopWithADumpAndKeepTheGoodCheckpoint) {
  CountingTask task;
  task.bad_steps = {6, 7, 8, 9};
  try {
    train(task);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_THAT(error.what(), HasSubstr("replay command"));
  }
  EXPECT_TRUE(std::filesystem::exists(run_.path() / "nonfinite" / "step_8" / "dump"));
  NullLogger log;
  EXPECT_EQ(load_latest_checkpoint(run_.checkpoints(), log)->step, 6);
}

TEST_F(TrainerTest, RowOfNonfiniteStepsIsRememberedOverAResume) {
  CountingTask first;
  first.bad_steps = {3, 4};
  first.stop_at = 4;
  EXPECT_THROW(train(first), Error);
  request_stop(0);
  CountingTask second;
  second.bad_steps = {5};
  EXPECT_THROW(train(second), Error);  // the third in a row
}

TEST_F(TrainerTest, CorruptNewestCheckpointFallsBackToThePrevious) {
  CountingTask first;
  first.stop_at = 6;
  EXPECT_THROW(train(first), Error);  // checkpoints of 6 (periodic) and 7 (stop)
  request_stop(0);
  NullLogger log;
  const auto newest = load_latest_checkpoint(run_.checkpoints(), log);
  ASSERT_EQ(newest->step, 7);
  std::fstream file(newest->path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('\x55');
  file.close();
  CountingTask second;
  EXPECT_EQ(train(second), 55);
  EXPECT_EQ(second.started_at, 6);
}

}  // namespace
}  // namespace soco
