// SPDX-License-Identifier: MIT
#include "soco/checkpoint/checkpointer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;
using ::testing::UnorderedElementsAre;

class RecordingLogger : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    if (level == LogLevel::kWarning) warnings.emplace_back(message);
  }
  std::vector<std::string> warnings;
};

/// A state whose every value is the step, so that a mixture of two saves would show.
StateDict state_of(std::int64_t step, std::size_t size = 64) {
  StateDict state;
  state.add("w", HostTensor::from<float>({static_cast<std::int64_t>(size)},
                                         std::vector<float>(size, static_cast<float>(step))));
  state.add("n", HostTensor::from<std::int64_t>({}, {step}));
  return state;
}

std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename().string());
  return names;
}

void flip_last_byte(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-1, std::ios::end);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(-1, std::ios::end);
  file.put(byte);
}

TEST(Checkpointer, LoadsTheNewestSave) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir / "checkpoints", {.keep_last = 2}, logger);
  EXPECT_FALSE(checkpointer.load_latest());
  for (const std::int64_t step : {5, 10}) checkpointer.save(step, state_of(step), {{"seed", "3"}});
  const auto loaded = checkpointer.load_latest();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->step, 10);
  EXPECT_EQ(loaded->file.tensors, state_of(10));
  EXPECT_EQ(loaded->file.metadata.at("seed"), "3");
  EXPECT_EQ(loaded->file.metadata.at("step"), "10");
  EXPECT_EQ(read_text_file(dir / "checkpoints/last"), "step_00000010.safetensors\n");
}

TEST(Checkpointer, KeepsSoManyAndRemovesOlder) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 2}, logger);
  for (const std::int64_t step : {1, 2, 3, 4}) checkpointer.save(step, state_of(step), {});
  EXPECT_THAT(names_in(dir.path()),
              UnorderedElementsAre("step_00000003.safetensors", "step_00000004.safetensors", "last"));
}

TEST(Checkpointer, KeepsThoseOfRoundStepsToo) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 1, .keep_every = 10}, logger);
  for (const std::int64_t step : {5, 10, 15, 20, 25, 27}) checkpointer.save(step, state_of(step), {});
  EXPECT_THAT(names_in(dir.path()), UnorderedElementsAre("step_00000010.safetensors", "step_00000020.safetensors",
                                                         "step_00000027.safetensors", "last"));
  checkpointer.save(12, state_of(12), {});  // as after a resume from an older one: what it has superseded goes
  EXPECT_THAT(names_in(dir.path()),
              UnorderedElementsAre("step_00000010.safetensors", "step_00000012.safetensors", "last"));
}

TEST(Checkpointer, FallsBackWithAWarningWhenTheNewestIsDamaged) {
  TempDir dir;
  RecordingLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 3}, logger);
  for (const std::int64_t step : {1, 2, 3}) checkpointer.save(step, state_of(step), {});
  flip_last_byte(dir / "step_00000003.safetensors");
  const auto loaded = checkpointer.load_latest();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->step, 2);
  EXPECT_THAT(logger.warnings, ElementsAre(HasSubstr("step_00000003")));
}

TEST(Checkpointer, SaveAfterAFallbackRemovesTheSupersededFile) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 3}, logger);
  for (const std::int64_t step : {10, 20}) checkpointer.save(step, state_of(step), {});
  flip_last_byte(dir / "step_00000020.safetensors");
  checkpointer.save(15, state_of(15), {});
  EXPECT_THAT(names_in(dir.path()),
              UnorderedElementsAre("step_00000010.safetensors", "step_00000015.safetensors", "last"));
  EXPECT_EQ(checkpointer.load_latest()->step, 15);
}

TEST(Checkpointer, ErrorWhenAllAreDamaged) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 2}, logger);
  checkpointer.save(1, state_of(1), {});
  flip_last_byte(dir / "step_00000001.safetensors");
  EXPECT_THROW(checkpointer.load_latest(), Error);
}

TEST(Checkpointer, MissingOrSenselessLastFallsBackToTheHighestStep) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 3}, logger);
  for (const std::int64_t step : {1, 2}) checkpointer.save(step, state_of(step), {});
  for (const char* text : {"../../etc/passwd", "", "step_00000009.safetensors", "step_-1.safetensors"}) {
    std::ofstream(dir / "last") << text;
    EXPECT_EQ(checkpointer.load_latest()->step, 2) << text;
  }
  std::filesystem::remove(dir / "last");
  EXPECT_EQ(checkpointer.load_latest()->step, 2);
}

TEST(Checkpointer, RenamedFileIsPassedOver) {
  TempDir dir;
  RecordingLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 3}, logger);
  checkpointer.save(1, state_of(1), {});
  std::filesystem::copy_file(dir / "step_00000001.safetensors", dir / "step_00000007.safetensors");
  std::filesystem::remove(dir / "last");
  EXPECT_EQ(checkpointer.load_latest()->step, 1);
  EXPECT_THAT(logger.warnings, ElementsAre(HasSubstr("renamed")));
}

TEST(Checkpointer, RemovesUnfinishedFilesOfKilledRunsOnly) {
  TempDir dir;
  NullLogger logger;
  for (const char* name : {".step_00000003.safetensors.tmp.123.0", ".last.tmp.1.2", ".hidden", "notes.txt"})
    std::ofstream(dir / name) << "x";
  load_latest_checkpoint(dir.path(), logger);
  EXPECT_EQ(names_in(dir.path()).size(), 4u);  // reading changes nothing
  Checkpointer checkpointer(dir.path(), {.keep_last = 1}, logger);
  EXPECT_THAT(names_in(dir.path()), UnorderedElementsAre(".hidden", "notes.txt"));
}

TEST(Checkpointer, ReadingAMissingFolderFindsNothing) {
  TempDir dir;
  NullLogger logger;
  EXPECT_FALSE(load_latest_checkpoint(dir / "none", logger));
}

TEST(Checkpointer, RefusesSenselessArguments) {
  TempDir dir;
  NullLogger logger;
  EXPECT_THROW(Checkpointer(dir.path(), {.keep_last = 0}, logger), Error);
  EXPECT_THROW(Checkpointer(dir.path(), {.keep_last = 1}, logger).save(-1, {}, {}), Error);
}

TEST(Checkpointer, DiskFullKeepsTheOldOne) {
  TempDir dir;
  NullLogger logger;
  Checkpointer checkpointer(dir.path(), {.keep_last = 1}, logger);
  checkpointer.save(1, state_of(1), {});
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 16, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(checkpointer.save(2, state_of(2, 1 << 20), {}), Error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(names_in(dir.path()), UnorderedElementsAre("step_00000001.safetensors", "last"));
  EXPECT_EQ(checkpointer.load_latest()->file.tensors, state_of(1));
}

/// A child saves without end and is killed at a moment that differs from round to round; what it leaves must load, and
/// never be older than what an earlier round left.
TEST(Checkpointer, KilledInTheMiddleOfSavesAlwaysLeavesAWholeOne) {
  TempDir dir;
  NullLogger logger;
  std::int64_t least_step = 0;
  Checkpointer(dir.path(), {.keep_last = 1}, logger).save(0, state_of(0, 1 << 16), {});
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Checkpointer checkpointer(dir.path(), {.keep_last = 1}, logger);
      for (std::int64_t step = least_step + 1;; ++step) checkpointer.save(step, state_of(step, 1 << 16), {});
    }
    usleep(static_cast<useconds_t>(1500 + 1777 * round));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    RecordingLogger recorder;
    const auto loaded = load_latest_checkpoint(dir.path(), recorder);
    ASSERT_TRUE(loaded) << round;
    EXPECT_TRUE(recorder.warnings.empty()) << recorder.warnings.front();
    EXPECT_GE(loaded->step, least_step);
    EXPECT_EQ(loaded->file.tensors, state_of(loaded->step, 1 << 16));
    least_step = loaded->step;
  }
  Checkpointer checkpointer(dir.path(), {.keep_last = 1}, logger);  // removes what the killed ones left
  checkpointer.save(least_step + 1, state_of(1), {});
  EXPECT_EQ(names_in(dir.path()).size(), 2u);
}

}  // namespace
}  // namespace soco
