// SPDX-License-Identifier: MIT
#include "soco/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

struct Options {
  int size = 3;
  template <class V>
  void visit(V& v) {
    v.field("size", size, "how large", Range<int>{1, 9});
  }
};

struct Parsed {
  int exit_code = 0;  // of run_guarded
  std::string out;
  Options options;
  std::string error, output;
};

Parsed parse(std::vector<std::string> words) {
  words.insert(words.begin(), "demo");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  Parsed parsed;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  parsed.exit_code = run_guarded([&] {
    CommandLine line("demo", "A demonstration.", "  soco demo --out x size=4\n");
    line.app.add_option("--out", parsed.out, "where")->required();
    line.take_overrides(parsed.options);
    if (!line.parse(static_cast<int>(argv.size()), argv.data())) return 0;
    line.apply_overrides(parsed.options);
    return 0;
  });
  parsed.output = ::testing::internal::GetCapturedStdout();
  parsed.error = ::testing::internal::GetCapturedStderr();
  return parsed;
}

TEST(CommandLine, ReadsFlagsAndKeysInAnyOrder) {
  const Parsed parsed = parse({"size=5", "--out", "file"});
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_EQ(parsed.out, "file");
  EXPECT_EQ(parsed.options.size, 5);
}

TEST(CommandLine, HelpListsFlagsKeysDefaultsAndExamples) {
  const Parsed parsed = parse({"--help"});
  EXPECT_EQ(parsed.exit_code, 0);
  for (const char* part : {"--out", "size=3", "how large", "soco demo --out x size=4"})
    EXPECT_THAT(parsed.output, HasSubstr(part));
}

TEST(CommandLine, MistakesAreUsageErrorsWithASuggestion) {
  EXPECT_EQ(parse({}).exit_code, 2);
  EXPECT_THAT(parse({}).error, HasSubstr("--out"));
  EXPECT_EQ(parse({"--out", "f", "--uot", "g"}).exit_code, 2);
  EXPECT_THAT(parse({"--out", "f", "--otu"}).error, HasSubstr("did you mean '--out'?"));
  EXPECT_THAT(parse({"--out", "f", "sise=4"}).error, HasSubstr("size"));
  EXPECT_EQ(parse({"--out", "f", "size=10"}).exit_code, 2);
  EXPECT_EQ(parse({"--out", "f", "stray"}).exit_code, 2);
}

TEST(RunGuarded, GivesTheExitCodeOfTheErrorsKind) {
  EXPECT_EQ(run_guarded([]() -> int { fail("x"); }), 1);
  EXPECT_EQ(run_guarded([]() -> int { fail_usage("x"); }), 2);
  EXPECT_EQ(run_guarded([]() -> int { throw Error(ErrorKind::kInterrupted, "x"); }), 75);
  EXPECT_EQ(run_guarded([]() -> int { throw std::bad_alloc(); }), 1);
  EXPECT_EQ(run_guarded([]() -> int { throw std::logic_error("x"); }), 1);
}

}  // namespace
}  // namespace soco
