// SPDX-License-Identifier: MIT
#include "soco/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "soco/base/atomic_file.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::size_t num_files(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(ReadFile, GivesTheBytes) {
  const testing::TempDir dir;
  const std::string content("a\0b\nc", 5);
  std::ofstream(dir / "x", std::ios::binary) << content;
  EXPECT_EQ(read_text_file(dir / "x"), content);
  EXPECT_EQ(text_of(read_file(dir / "x")), content);
  std::ofstream(dir / "empty").flush();
  EXPECT_TRUE(read_file(dir / "empty").empty());
}

TEST(ReadFile, NamesTheFileWhenItIsMissingAFolderAPipeOrTooLarge) {
  const testing::TempDir dir;
  std::ofstream(dir / "big") << "12345";
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { read_file(dir / "none"); }), HasSubstr("none: No such file"));
  EXPECT_THAT(error_of([&] { read_file(dir.path()); }), HasSubstr("it is a folder"));
  EXPECT_THAT(error_of([&] { read_file(dir / "pipe"); }), HasSubstr("not a regular file"));  // and does not wait
  EXPECT_THAT(error_of([&] { read_file(dir / "big", 4); }), HasSubstr("big has 5 B (5 bytes), but at most 4 B"));
  EXPECT_EQ(read_text_file(dir / "big", 5), "12345");
}

TEST(FreeBytes, AsksTheNearestFolderThatExists) {
  const testing::TempDir dir;
  EXPECT_GT(free_bytes(dir / "not" / "yet" / "there"), 0u);
}

TEST(AtomicFile, ShowsTheFileOnlyAfterCommit) {
  const testing::TempDir dir;
  AtomicFile file(dir / "x");
  file.write("ab");
  file.write(bytes_of("cd"));
  EXPECT_EQ(file.num_bytes(), 4u);
  EXPECT_FALSE(std::filesystem::exists(dir / "x"));
  EXPECT_THAT(file.temporary_path().filename().string(), HasSubstr(".x.tmp." + std::to_string(getpid())));
  file.commit();
  EXPECT_EQ(read_text_file(dir / "x"), "abcd");
  EXPECT_EQ(num_files(dir.path()), 1u);
  EXPECT_THROW(file.commit(), std::logic_error);
  EXPECT_THROW(file.write("more"), std::logic_error);
}

TEST(AtomicFile, LeavesTheOldFileAndNothingElseWhenNotCommitted) {
  const testing::TempDir dir;
  write_file_atomic(dir / "x", "old");
  { AtomicFile(dir / "x").write("new"); }
  EXPECT_EQ(read_text_file(dir / "x"), "old");
  EXPECT_EQ(num_files(dir.path()), 1u);
}

TEST(AtomicFile, KeepsTheOrderOfSmallAndLargeWrites) {
  const testing::TempDir dir;
  const std::string large(3 << 20, 'L');  // larger than any buffer of the writer
  AtomicFile file(dir / "x");
  file.write("a");
  file.write(large);
  file.write("z");
  file.commit();
  EXPECT_EQ(read_text_file(dir / "x"), "a" + large + "z");
}

TEST(AtomicFile, FollowsALinkInsteadOfReplacingIt) {
  const testing::TempDir dir;
  std::filesystem::create_directory(dir / "real");
  std::filesystem::create_symlink("real/target", dir / "link");
  write_file_atomic(dir / "link", "through");
  EXPECT_TRUE(std::filesystem::is_symlink(dir / "link"));
  EXPECT_EQ(read_text_file(dir.path() / "real" / "target"), "through");
  std::filesystem::create_symlink("loop", dir / "loop");
  EXPECT_THAT(error_of([&] { write_file_atomic(dir / "loop", ""); }), HasSubstr("cannot be followed"));
}

TEST(AtomicFile, NamesTheFolderWhenItIsMissing) {
  const testing::TempDir dir;
  const std::string text = error_of([&] { write_file_atomic(dir.path() / "no" / "x", "a"); });
  EXPECT_THAT(text, HasSubstr("folder " + (dir / "no").string()));
  EXPECT_THAT(text, HasSubstr("No such file or directory"));
  EXPECT_THAT(error_of([&] { write_file_atomic(dir.path() / "", "a"); }), HasSubstr("names no file"));
}

TEST(AtomicFile, TakesANameOfTheGreatestLength) {
  const testing::TempDir dir;
  const std::string name(255, 'n');
  write_file_atomic(dir / name, "a");
  EXPECT_EQ(read_text_file(dir / name), "a");
}

TEST(AtomicFile, RemovesItsFileWhenWritingFails) {
  const testing::TempDir dir;
  // A file size limit makes write() come up short and then fail; in a child, since the limit cannot be raised again.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit { 1000, 1000 };
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string text = error_of([&] { write_file_atomic(dir / "x", std::string(5000, 'x')); });
    _exit(text.find("File too large") != std::string::npos && num_files(dir.path()) == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(AtomicFile, SaysWhatIsNeededAndFreeWhenTheDiskIsFull) {
  // /dev/full refuses every write as a full disk does; a link to it stands for the temporary file.
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const testing::TempDir dir;
  AtomicFile file(dir / "x");
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  const std::string own = std::filesystem::canonical(file.temporary_path()).string();
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string() == own) {
      ASSERT_GE(::dup2(full, std::stoi(entry.path().filename().string())), 0);
    }
  }
  ::close(full);
  file.write(std::string(2000, 'x'));
  const std::string text = error_of([&] { file.commit(); });
  EXPECT_THAT(text, HasSubstr("disk is full"));
  EXPECT_THAT(text, HasSubstr("2.0 KiB (2000 bytes) are needed"));
  EXPECT_THAT(text, HasSubstr(" are free"));
}

TEST(IsOnNetwork, KnowsMemoryAndWhatIsNotThere) {
  EXPECT_FALSE(is_on_network("/proc/self/status"));
  EXPECT_FALSE(is_on_network("/dev/shm/no/such/folder"));  // tmpfs or the root's: never shared between machines
}

TEST(PutIntoPlace, ReplacesTheFinalFile) {
  const testing::TempDir dir;
  write_file_atomic(dir / "new", "new");
  write_file_atomic(dir / "final", "old");
  put_into_place(dir / "new", dir / "final");
  EXPECT_EQ(read_text_file(dir / "final"), "new");
  EXPECT_FALSE(std::filesystem::exists(dir / "new"));
  EXPECT_THROW(put_into_place(dir / "new", dir / "final"), Error);
  EXPECT_EQ(read_text_file(dir / "final"), "new");
}

}  // namespace
}  // namespace soco
