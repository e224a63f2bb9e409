// SPDX-License-Identifier: MIT
#include "soco/base/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace soco {
namespace {

// The exit code of a child that installs the handlers and then runs `body`; -1 when a signal ended it.
int exit_code_of_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    install_stop_signals();
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(StopSignals, SetTheFlagWhenTheFirstArrives) {
  for (int number : {SIGINT, SIGTERM, SIGUSR1}) {
    EXPECT_EQ(exit_code_of_child([number] {
                if (stop_requested() || stop_signal() != 0) return 1;
                raise(number);
                return stop_requested() && stop_signal() == number ? 0 : 2;
              }),
              0);
  }
}

TEST(StopSignals, EndTheProcessWithCode75WhenTheSecondArrives) {
  EXPECT_EQ(exit_code_of_child([] { return raise(SIGINT), raise(SIGINT), 1; }), 75);
  EXPECT_EQ(exit_code_of_child([] { return raise(SIGTERM), raise(SIGUSR1), raise(SIGINT), 1; }), 75);
}

TEST(StopSignals, Sigusr1DoesNotCountAsTheFirst) {
  // A batch system's SIGTERM may come just after the SIGUSR1 that `soco launch` passes on.
  EXPECT_EQ(exit_code_of_child([] { return raise(SIGUSR1), raise(SIGTERM), stop_signal() == SIGTERM ? 0 : 1; }), 0);
}

TEST(StopSignals, OnlyRepeatTheRequestWhenTheSecondIsSigusr1) {
  EXPECT_EQ(exit_code_of_child([] { return raise(SIGTERM), raise(SIGUSR1), stop_signal() == SIGTERM ? 0 : 1; }), 0);
}

TEST(StopSignals, CanBeRequestedAndForgottenByTheHost) {
  request_stop(SIGTERM);
  EXPECT_TRUE(stop_requested());
  EXPECT_EQ(stop_signal(), SIGTERM);
  request_stop(0);
  EXPECT_FALSE(stop_requested());
}

}  // namespace
}  // namespace soco
