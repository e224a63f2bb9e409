// SPDX-License-Identifier: MIT
#include "soco/run/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "soco/base/error.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempDir;

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RunFolder, MakesFolderWithParents) {
  TempDir temp;
  const RunFolder run = RunFolder::create(temp / "a/b", ExistingRun::kRefuse);
  EXPECT_TRUE(fs::is_directory(run.checkpoints()));
  EXPECT_FALSE(is_run_folder(run.path()));  // not before its configuration is there
}

TEST(RunFolder, RefusesAFolderInUseAndSaysHowToGoOn) {
  TempDir temp;
  write(temp / "notes.txt", "mine");
  const std::string error = error_of([&] { RunFolder::create(temp.path(), ExistingRun::kRefuse); });
  EXPECT_THAT(error, HasSubstr("not empty"));
  EXPECT_THAT(error, HasSubstr("soco resume"));
}

TEST(RunFolder, OverwriteRemovesTheRunAndNothingElse) {
  TempDir temp;
  write(temp / "config.toml", "old");
  write(temp / "events.out.tfevents.1.host.2", "old");
  write(temp / "notes.txt", "mine");
  const RunFolder run = RunFolder::create(temp.path(), ExistingRun::kOverwrite);
  EXPECT_FALSE(fs::exists(temp / "config.toml"));
  EXPECT_FALSE(fs::exists(temp / "events.out.tfevents.1.host.2"));
  EXPECT_TRUE(fs::exists(temp / "notes.txt"));
}

TEST(RunFolder, RefusesAFile) {
  TempDir temp;
  write(temp / "file", "x");
  EXPECT_THAT(error_of([&] { RunFolder::create(temp / "file", ExistingRun::kRefuse); }), HasSubstr("is a file"));
}

TEST(RunFolder, OpenNeedsARun) {
  TempDir temp;
  EXPECT_THAT(error_of([&] { RunFolder::open(temp.path()); }), HasSubstr("not a run folder"));
}

TEST(RunFolder, SecondProcessIsRefusedAndTheLockDiesWithItsHolder) {
  TempDir temp;
  {
    const RunFolder run = RunFolder::create(temp.path(), ExistingRun::kRefuse);
    write(run.config(), "");
  }
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const RunFolder run = RunFolder::open(temp.path());
    if (::write(ready[1], "x", 1) != 1) _exit(1);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(error_of([&] { RunFolder::open(temp.path()); }), HasSubstr("pid " + std::to_string(child)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(error_of([&] { RunFolder::open(temp.path()); }), "no error");
}

}  // namespace
}  // namespace soco
