// SPDX-License-Identifier: MIT
#include "soco/run/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "soco/base/file.h"
#include "soco/base/signals.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Recorder : public Logger {
 public:
  void write(LogLevel, std::string_view message) override { text += std::string(message) + "\n"; }
  std::string text;
};

/// Each rank is a shell that runs `script`.
class LauncherTest : public ::testing::Test {
 protected:
  void TearDown() override { request_stop(0); }

  int run(const std::string& script, int num_ranks = 2, int max_restarts = 0) {
    return launch({.num_ranks = num_ranks,
                   .max_restarts = max_restarts,
                   .grace_s = 0.2,
                   .program = "/bin/sh",
                   .command = {"-c", "cd " + temp_.path().string() + "; " + script}},
                  log_);
  }
  std::string text(const std::string& name) const { return read_text_file(temp_ / name); }

  testing::TempDir temp_;
  Recorder log_;
};

TEST_F(LauncherTest, GivesEachRankItsPlaceAndReturnsZeroWhenAllDo) {
  EXPECT_EQ(run("echo $RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $MASTER_ADDR > rank$RANK; echo $MASTER_PORT > "
                "port$RANK",
                3),
            0);
  EXPECT_EQ(text("rank0"), "0 0 3 3 127.0.0.1\n");
  EXPECT_EQ(text("rank2"), "2 2 3 3 127.0.0.1\n");
  EXPECT_EQ(text("port0"), text("port2"));
}

TEST_F(LauncherTest, EndsTheOthersAndNamesTheRankThatFailed) {
  EXPECT_EQ(run("if [ $RANK = 1 ]; then exit 7; fi; echo $$ > pid; exec sleep 1000"), 7);
  EXPECT_THAT(log_.text, HasSubstr("rank 1"));
  EXPECT_THAT(log_.text, HasSubstr("exit code 7 before its first step"));
  if (fs::exists(temp_ / "pid")) EXPECT_NE(::kill(std::stoi(text("pid")), 0), 0) << "an orphan is left";
}

TEST_F(LauncherTest, TellsASignalAndTheLastStep) {
  // Eight bytes at rank * 8: what announce_step writes.
  EXPECT_EQ(run("printf '\\005\\000\\000\\000\\000\\000\\000\\000' | dd of=/proc/self/fd/$SOCO_STEP_FD bs=8 count=1 "
                "seek=$RANK conv=notrunc 2>/dev/null; [ $RANK = 0 ] || kill -KILL $$; exec sleep 1000"),
            128 + SIGKILL);
  EXPECT_THAT(log_.text, HasSubstr("signal 9"));
  EXPECT_THAT(log_.text, HasSubstr("after step 5"));
}

TEST_F(LauncherTest, StartsAgainSoManyTimes) {
  EXPECT_EQ(run("echo x >> tries$RANK; [ $(wc -l < tries0) -ge 3 ] || exit 3", 1, 5), 0);
  EXPECT_EQ(text("tries0"), "x\nx\nx\n");
  EXPECT_EQ(run("echo x >> more; exit 3", 1, 1), 3);
  EXPECT_EQ(text("more"), "x\nx\n");
}

TEST_F(LauncherTest, DoesNotRepeatWrongUsageStopsOrNumbersThatAreNotFinite) {
  for (const int code : {2, 75, 86}) {
    EXPECT_EQ(run("echo x >> code$$; exit " + std::to_string(code), 1, 5), code);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(temp_.path()), {}), 3);
}

TEST_F(LauncherTest, PassesAStopOn) {
  std::thread stopper([this] {
    while (!fs::exists(temp_ / "ready0") || !fs::exists(temp_ / "ready1"))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    request_stop(SIGTERM);
  });
  EXPECT_EQ(run("trap 'echo stopped > end$RANK; exit 75' USR1; echo > ready$RANK; while :; do sleep 0.01; done"), 75);
  stopper.join();
  EXPECT_EQ(text("end0"), "stopped\n");
  EXPECT_EQ(text("end1"), "stopped\n");
}

TEST_F(LauncherTest, NoRankOutlivesALauncherThatIsKilled) {
  const pid_t launcher = fork();
  if (launcher == 0) {
    run("echo $$ > started; mv started pid$RANK; exec sleep 1000", 1);
    _exit(0);
  }
  while (!fs::exists(temp_ / "pid0")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const pid_t rank = std::stoi(text("pid0"));
  ::kill(launcher, SIGKILL);
  ::waitpid(launcher, nullptr, 0);
  // It is killed by the kernel and inherited by another process; then its number is gone, or it is a zombie there.
  const auto state = [&] {
    std::ifstream stat("/proc/" + std::to_string(rank) + "/stat");
    std::string skipped, letter;
    stat >> skipped >> skipped >> letter;
    return letter;
  };
  for (int i = 0; i < 1000 && state() != "" && state() != "Z"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(state() == "" || state() == "Z") << state();
}

}  // namespace
}  // namespace soco
