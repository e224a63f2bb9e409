// SPDX-License-Identifier: MIT
#include "soco/base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <regex>
#include <thread>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/progress.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

constexpr const char* kErase = "\r\x1b[K";

// A console whose output is a file that can be read back.
class Console {
 public:
  Console() : descriptor_(::open((dir_ / "out").c_str(), O_RDWR | O_CREAT, 0600)) {}
  ~Console() { ::close(descriptor_); }
  int descriptor() const { return descriptor_; }
  std::string text() const { return read_text_file(dir_ / "out"); }

 private:
  testing::TempDir dir_;
  int descriptor_;
};

TEST(ConsoleLogger, WritesPlainLinesAboveTheMinimum) {
  const Console console;
  ConsoleLogger logger(LogLevel::kInfo, console.descriptor());
  logger.debug("no {}", 1);
  logger.info("{} images", 3);
  logger.warning("odd");
  logger.error("bad");
  EXPECT_FALSE(logger.interactive());  // a file is no terminal
  EXPECT_EQ(console.text(), "3 images\nwarning: odd\nerror: bad\n");
}

TEST(ConsoleLogger, NeverDrawsTheStatusLineWhenNotATerminal) {
  const Console console;
  ConsoleLogger logger(LogLevel::kInfo, console.descriptor());
  logger.show_status("working");
  logger.info("message");
  logger.show_status("");
  EXPECT_EQ(console.text(), "message\n");
}

TEST(ConsoleLogger, ErasesAndRedrawsTheStatusLineAroundMessages) {
  const Console console;
  {
    ConsoleLogger logger(LogLevel::kInfo, console.descriptor(), ConsoleMode::kTerminal);
    logger.info("before");
    logger.show_status("10%");
    logger.info("message");
    logger.show_status("20%");
  }
  const std::string erase = kErase;
  EXPECT_EQ(console.text(), "before\n" + erase + "10%" + erase + "message\n10%" + erase + "20%" + erase);
}

TEST(ConsoleLogger, CutsTheStatusLineToOneLineOfTheTerminal) {
  const Console console;
  ConsoleLogger logger(LogLevel::kInfo, console.descriptor(), ConsoleMode::kTerminal);
  std::string line = "a\nb\t";
  for (int i = 0; i < 100; ++i) line += "\xc3\xa4";  // 100 characters of two bytes
  logger.show_status(line);
  std::string expected = "a b ";
  for (int i = 0; i < 75; ++i) expected += "\xc3\xa4";  // 79 of 80 columns
  EXPECT_EQ(console.text(), kErase + expected);
}

TEST(ConsoleLogger, AppendsAllLevelsWithTimestampsToItsFile) {
  const Console console;
  const testing::TempDir dir;
  for (int run = 0; run < 2; ++run) {
    ConsoleLogger logger(LogLevel::kError, console.descriptor());
    logger.add_file(dir / "train.log");
    logger.debug("run {}", run);
  }
  const std::string time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";
  const std::regex pattern(time + " debug run 0\n" + time + " debug run 1\n");
  EXPECT_TRUE(std::regex_match(read_text_file(dir / "train.log"), pattern)) << read_text_file(dir / "train.log");
  EXPECT_EQ(console.text(), "");
}

TEST(ConsoleLogger, SaysOnceWhenItsFileCannotBeWritten) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const Console console;
  ConsoleLogger logger(LogLevel::kInfo, console.descriptor());
  logger.add_file("/dev/full");
  logger.info("one");
  logger.info("two");
  EXPECT_EQ(console.text(),
            "one\nwarning: cannot write the log file /dev/full: No space left on device (28); it ends here\ntwo\n");
  EXPECT_THROW(logger.add_file("/no/such/folder/log"), Error);
}

TEST(ConsoleLogger, StartsANewFileWhenOneIsFullAndKeepsSoMany) {
  const testing::TempDir dir;
  const Console console;
  {
    ConsoleLogger logger(LogLevel::kInfo, console.descriptor());
    logger.add_file(dir / "train.log", {.max_bytes = 60, .keep = 2});  // a line is "<24 bytes of time> info m0\n": 33
    for (int i = 0; i < 5; ++i) logger.info("m{}", i);
  }
  const auto ends_with = [&](const char* name, const char* message) {
    return read_text_file(dir / name).ends_with(std::string("info ") + message + "\n");
  };
  EXPECT_TRUE(ends_with("train.log", "m4"));
  EXPECT_TRUE(ends_with("train.log.1", "m3"));
  EXPECT_TRUE(ends_with("train.log.2", "m2"));
  EXPECT_FALSE(std::filesystem::exists(dir / "train.log.3"));
}

TEST(ConsoleLogger, CountsWhatALogFileHoldsAlready) {
  const testing::TempDir dir;
  const Console console;
  for (int run = 0; run < 2; ++run) {
    ConsoleLogger logger(LogLevel::kInfo, console.descriptor());
    logger.add_file(dir / "train.log", {.max_bytes = 60, .keep = 2});
    logger.info("run{}", run);
  }
  EXPECT_TRUE(read_text_file(dir / "train.log").ends_with("run1\n"));
  EXPECT_TRUE(read_text_file(dir / "train.log.1").ends_with("run0\n"));
}

TEST(ConsoleLogger, KeepsLinesWholeWhenManyThreadsWrite) {
  const Console console;
  ConsoleLogger logger(LogLevel::kInfo, console.descriptor());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) logger.info("{}", std::string(100, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += std::string(100, 'x') + "\n";
  EXPECT_EQ(console.text(), expected);
}

TEST(Printable, WritesOutControlCharacters) {
  EXPECT_EQ(printable("a\x1b[2Jb\r\x7f\tc\nd\xc3\xa4"), "a\\x1b[2Jb\\x0d\\x7f\tc\nd\xc3\xa4");
}

// A logger that keeps what it is told.
class RecordingLogger : public Logger {
 public:
  explicit RecordingLogger(bool interactive) : interactive_(interactive) {}
  void write(LogLevel, std::string_view message) override { messages.emplace_back(message); }
  bool interactive() const override { return interactive_; }
  void show_status(std::string_view line) override { lines.emplace_back(line); }

  std::vector<std::string> messages;
  std::vector<std::string> lines;

 private:
  bool interactive_;
};

TEST(Progress, ShowsCountRateAndTimeLeft) {
  RecordingLogger logger(true);
  double now = 100;
  Progress progress(logger, "proposals", 5000, "images", [&] { return now; });
  now = 140;
  progress.update(1200, "2 bad");
  // 1200 in 40 s are 30 a second; 3800 are left: 126.7 s.
  EXPECT_EQ(logger.lines, (std::vector<std::string>{"proposals 1200/5000 images 24% 30.0/s ETA 2m07s 2 bad"}));
  EXPECT_TRUE(logger.messages.empty());
}

TEST(Progress, RedrawsAtMostFiveTimesASecond) {
  RecordingLogger logger(true);
  double now = 0;
  Progress progress(logger, "w", 100, "things", [&] { return now; });
  for (int i = 1; i <= 100; ++i) {
    now = i / 64.0;  // 1.5625 seconds in all; exact in binary
    progress.update(i);
  }
  EXPECT_GE(logger.lines.size(), 7u);
  EXPECT_LE(logger.lines.size(), 7u);  // every 13/64 s: at 13, 26, 39, 52, 65, 78, 91
}

TEST(Progress, LogsEveryTenSecondsWhenNobodyLooks) {
  RecordingLogger logger(false);
  double now = 0;
  Progress progress(logger, "train", 100, "steps", [&] { return now; });
  for (int second = 1; second <= 25; ++second) {
    now = second;
    progress.update(second);
  }
  EXPECT_EQ(logger.messages,
            (std::vector<std::string>{"train 10/100 steps 10% 1/s ETA 1m30s", "train 20/100 steps 20% 1/s ETA 1m20s"}));
  EXPECT_TRUE(logger.lines.empty());
}

TEST(Progress, CountsOnlyThisRunsWorkInTheRateWhenItResumes) {
  RecordingLogger logger(false);
  double now = 0;
  Progress progress(logger, "train", 1000, "steps", [&] { return now; });
  progress.start_at(900);
  now = 10;
  progress.update(920);
  EXPECT_EQ(logger.messages, (std::vector<std::string>{"train 920/1000 steps 92% 2/s ETA 40.0s"}));
}

TEST(Progress, GivesNoTimeLeftWhenTheTotalIsUnknown) {
  RecordingLogger logger(false);
  double now = 0;
  Progress progress(logger, "scan", 0, "files", [&] { return now; });
  now = 10;
  progress.update(5);
  EXPECT_EQ(logger.messages, (std::vector<std::string>{"scan 5 files 0.5/s"}));
}

TEST(Progress, RemovesTheLineAndSumsUpOnceWhenFinished) {
  RecordingLogger logger(true);
  double now = 0;
  {
    Progress progress(logger, "scan", 4, "files", [&] { return now; });
    now = 2;
    progress.update(4);
    progress.finish();
    progress.finish();
    progress.update(4);
  }
  EXPECT_EQ(logger.messages, (std::vector<std::string>{"scan: 4 files in 2.00s (2/s)"}));
  EXPECT_EQ(logger.lines.back(), "");
  EXPECT_EQ(logger.lines.size(), 2u);
}

TEST(Progress, RemovesTheLineWhenAnErrorPassesBy) {
  RecordingLogger logger(true);
  double now = 0;
  {
    Progress progress(logger, "scan", 4, "files", [&] { return now; });
    now = 1;
    progress.update(1);
  }
  EXPECT_EQ(logger.lines.back(), "");
  EXPECT_TRUE(logger.messages.empty());
}

}  // namespace
}  // namespace soco
