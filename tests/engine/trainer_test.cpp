// SPDX-License-Identifier: MIT
#include "soco/engine/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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
  std::string name() const override { return "count"; }
  std::int64_t total_steps() const override { return num_steps; }
  std::int64_t steps_per_epoch() const override { return 4; }
  void start_at(std::int64_t step) override { started_at = step; }
  StepReport step(std::int64_t step) override {
    if (step == stop_at) request_stop(SIGTERM);
    StepReport report;
    report.finite = !bad_steps.contains(step);
    if (lr_scale < 1 && bad_steps_end_at_lower_lr) report.finite = true;
    if (report.finite) value += static_cast<double>(step + 1);
    report.num_images = 2;
    report.metrics = {{"loss", report.finite ? -value : std::numeric_limits<double>::quiet_NaN()}};
    return report;
  }
  void set_lr_scale(double scale) override { lr_scale = scale; }
  StateDict state() const override {
    StateDict state;
    state.add("value", HostTensor::from<double>({}, std::vector<double>{value}));
    state.add("judged", HostTensor::from<double>({}, std::vector<double>{judged}));
    return state;
  }
  void load_state(const StateDict& state) override {
    value = state.at("value").as<double>()[0];
    judged = state.at("judged").as<double>()[0];
  }
  std::string dump_last_step(const std::filesystem::path& folder) override {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "dump") << value;
    return "replay command";
  }

  /// Every fifth step is judged, by its number; a stop may come in the middle.
  std::vector<std::pair<std::string, double>> figures_after(std::int64_t steps) override {
    if (!figures_pending(steps)) return {};
    if (steps == stop_judging_at) {
      request_stop(SIGTERM);
      throw Error(ErrorKind::kInterrupted, "stopped while judging");
    }
    judged = static_cast<double>(steps);
    return {{"judged", judged}};
  }
  bool figures_pending(std::int64_t steps) const override {
    return judges && steps % 5 == 0 && judged < static_cast<double>(steps);
  }
  bool is_finished() const override { return finish_at > 0 && judged >= static_cast<double>(finish_at); }

  bool judges = false;
  double judged = 0;
  std::int64_t stop_judging_at = -1, finish_at = 0;
  std::int64_t num_steps = 10;
  double value = 0;
  std::int64_t started_at = -1;
  std::int64_t stop_at = -1;
  double lr_scale = 1;
  bool bad_steps_end_at_lower_lr = false;
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

  double train(CountingTask& task) { return train(task, run_); }
  double train(CountingTask& task, const RunFolder& run) {
    NullLogger log;
    SingleProcess alone;
    Trainer(task, options_, run, {}, alone, log).train();
    return task.value;
  }
  std::vector<std::int64_t> logged_steps() const {
    std::vector<std::int64_t> steps;
    for (const Json& record : read_metrics(run_.metrics())) steps.push_back(record.at("step").get<std::int64_t>());
    return steps;
  }

  testing::TempDir temp_;
  RunFolder run_ = RunFolder::create(temp_ / "run", ExistingRun::kRefuse);
  LoopOptions options_;
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
    Checkpointer checkpointer(run_.checkpoints(), {.keep_last = 2}, log);
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

TEST_F(TrainerTest, AStopWhileJudgingIsMadeGoodByTheResume) {
  for (const std::int64_t when : {5, 10}) {  // in the middle, and after the last step
    SCOPED_TRACE(when);
    const RunFolder run = RunFolder::create(temp_ / fmt::format("run_{}", when), ExistingRun::kRefuse);
    CountingTask first;
    first.judges = true;
    first.stop_judging_at = when;
    try {
      train(first, run);
      FAIL() << "the stop was ignored";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
      EXPECT_THAT(error.what(), HasSubstr(fmt::format("after step {} of 10", when)));
    }
    request_stop(0);
    CountingTask second;
    second.judges = true;
    EXPECT_EQ(train(second, run), 55);
    std::vector<double> judged;
    for (const Json& record : read_metrics(run.metrics()))
      if (record.contains("judged")) judged.push_back(record.at("judged").get<double>());
    EXPECT_THAT(judged, ElementsAre(5, 10));
    NullLogger log;
    EXPECT_EQ(load_latest_checkpoint(run.checkpoints(), log)->file.tensors.at("judged").as<double>()[0], 10);
  }
}

TEST_F(TrainerTest, EndsWhenTheTaskIsFinished) {
  CountingTask first;
  first.judges = true;
  first.finish_at = 5;
  EXPECT_EQ(train(first), 1 + 2 + 3 + 4 + 5);
  CountingTask second;
  second.judges = true;
  second.finish_at = 5;
  EXPECT_EQ(train(second), 1 + 2 + 3 + 4 + 5) << "a resume went on";
  EXPECT_EQ(second.started_at, -1);
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
    EXPECT_EQ(error.kind(), ErrorKind::kNotFinite);
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

TEST_F(TrainerTest, GoesBackOnceWithALowerLearningRateWhenAsked) {
  options_.nonfinite_retry_lr = 0.5;
  CountingTask task;
  task.bad_steps = {5, 6, 7};
  task.bad_steps_end_at_lower_lr = true;
  EXPECT_EQ(train(task), 55);  // 5, 6 and 7 were done anew, after the checkpoint of 3: nothing twice
  EXPECT_EQ(task.started_at, 3);
  EXPECT_EQ(task.lr_scale, 0.5);
  EXPECT_THAT(logged_steps(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_TRUE(std::filesystem::exists(run_.path() / "nonfinite" / "step_7" / "dump"));
  CountingTask resumed;
  train(resumed);
  EXPECT_EQ(resumed.lr_scale, 0.5) << "a resume forgets the lower learning rate";
}

TEST_F(TrainerTest, GoesBackToTheStartWhenThereIsNoOtherGoodState) {
  options_.nonfinite_retry_lr = 0.5;
  CountingTask task;
  task.bad_steps = {0, 1, 2};
  task.bad_steps_end_at_lower_lr = true;
  EXPECT_EQ(train(task), 55);
  EXPECT_EQ(task.started_at, 0);
}

TEST_F(TrainerTest, GivesUpWhenTheLowerLearningRateDoesNotHelp) {
  options_.nonfinite_retry_lr = 0.5;
  CountingTask task;
  task.bad_steps = {5, 6, 7};
  try {
    train(task);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNotFinite);
  }
  NullLogger log;
  EXPECT_EQ(load_latest_checkpoint(run_.checkpoints(), log)->step, 3);
}

/// A checkpoint in the middle of a row, as a stop signal makes it, is none to go back to.
TEST_F(TrainerTest, GoesBackBehindACheckpointOfTheMiddleOfARow) {
  options_.nonfinite_retry_lr = 0.5;
  CountingTask first;
  first.bad_steps = {5, 6};
  first.stop_at = 6;
  EXPECT_THROW(train(first), Error);
  request_stop(0);
  CountingTask second;
  second.bad_steps = {7};
  second.bad_steps_end_at_lower_lr = true;
  EXPECT_EQ(train(second), 55);
  EXPECT_EQ(second.started_at, 3);
}

TEST_F(TrainerTest, KeepsEveryNthCheckpoint) {
  options_.checkpoint_every_steps = 1;
  options_.keep_checkpoints = 1;
  options_.keep_every = 4;
  CountingTask task;
  train(task);
  NullLogger log;
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(run_.checkpoints()))
    names.insert(entry.path().filename().string());
  EXPECT_THAT(names, ElementsAre("last", "step_00000004.safetensors", "step_00000008.safetensors",
                                 "step_00000010.safetensors"));
}

TEST_F(TrainerTest, SaysHowLongTrainingWaitedForCheckpoints) {
  CountingTask task;
  train(task);
  for (const Json& record : read_metrics(run_.metrics())) EXPECT_GE(record.at("save_stall_s").get<double>(), 0);
}

std::int64_t num_open_files() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

/// Resident memory, bytes.
std::int64_t resident_bytes() {
  std::int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_F(TrainerTest, HundredThousandStepsLeaveMemoryAndFileHandlesFlat) {
  options_.checkpoint_every_steps = 5000;
  options_.log_every_steps = 50;
  CountingTask task;
  task.num_steps = 10'000;
  train(task);
  const std::int64_t files = num_open_files(), memory = resident_bytes();
  task.num_steps = 110'000;
  train(task);
  EXPECT_EQ(num_open_files(), files);
  // metrics.jsonl, 30 kB a thousand steps, is read whole at the start; a leak of a hundred bytes a step would be 10 MB.
  EXPECT_LT(resident_bytes() - memory, std::int64_t{8} << 20);
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
