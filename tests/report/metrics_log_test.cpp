// SPDX-License-Identifier: MIT
#include "soco/report/metrics_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "soco/base/error.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void put(const std::filesystem::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

std::string record_line(int step) { return fmt::format("{{\"step\":{},\"loss\":{}.5}}\n", step, -step); }

Json record(int step) { return {{"step", step}, {"loss", -step - 0.5}}; }

std::vector<std::int64_t> steps(const std::filesystem::path& path) {
  std::vector<std::int64_t> found;
  for (const Json& line : read_metrics(path)) found.push_back(line["step"].get<std::int64_t>());
  return found;
}

class MetricsLogTest : public ::testing::Test {
 protected:
  MetricsLog resume(std::int64_t step) { return MetricsLog::resume(path_, step, log_); }

  testing::TempDir dir_;
  const std::filesystem::path path_ = dir_ / "metrics.jsonl";
  NullLogger log_;
};

TEST_F(MetricsLogTest, WritesOneObjectPerLineAtOnce) {
  MetricsLog metrics = MetricsLog::create(path_);
  metrics.append({{"step", 1}, {"loss", -2.5}});
  EXPECT_EQ(content(path_), "{\"step\":1,\"loss\":-2.5}\n");
  metrics.append({{"step", 2}, {"note", "a\nb"}});
  EXPECT_EQ(content(path_), "{\"step\":1,\"loss\":-2.5}\n{\"step\":2,\"note\":\"a\\nb\"}\n");
}

TEST_F(MetricsLogTest, WritesNullForNotFiniteNumbers) {
  MetricsLog metrics = MetricsLog::create(path_);
  metrics.append({{"step", 1}, {"loss", NAN}, {"norm", INFINITY}});
  EXPECT_EQ(content(path_), "{\"step\":1,\"loss\":null,\"norm\":null}\n");
}

TEST_F(MetricsLogTest, RefusesToOverwriteARun) {
  put(path_, record_line(1));
  EXPECT_THROW(MetricsLog::create(path_), Error);
  EXPECT_EQ(content(path_), record_line(1));
}

TEST_F(MetricsLogTest, RefusesRecordsWithoutStepOrBackwards) {
  MetricsLog metrics = MetricsLog::create(path_);
  EXPECT_THROW(metrics.append({{"loss", 1}}), Error);
  EXPECT_THROW(metrics.append({{"step", 1.5}}), Error);
  EXPECT_THROW(metrics.append(Json::array({1})), Error);
  metrics.append(record(5));
  metrics.append(record(5));  // two records of a step are allowed
  EXPECT_THROW(metrics.append(record(4)), Error);
  EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{5, 5}));
}

TEST_F(MetricsLogTest, HoldsEachStepOnceAfterAResume) {
  {
    MetricsLog metrics = MetricsLog::create(path_);
    for (int step = 1; step <= 7; ++step) metrics.append(record(step));
  }
  MetricsLog metrics = resume(4);  // the last checkpoint was at step 4
  EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{1, 2, 3, 4}));
  for (int step = 5; step <= 9; ++step) metrics.append(record(step));
  EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(MetricsLogTest, LeavesTheFileAsItIsWhenNothingIsBeyond) {
  put(path_, record_line(1) + record_line(2));
  resume(2);
  EXPECT_EQ(content(path_), record_line(1) + record_line(2));
  resume(100);
  EXPECT_EQ(content(path_), record_line(1) + record_line(2));
}

TEST_F(MetricsLogTest, ResumesWithoutAFile) {
  resume(3).append(record(4));
  EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{4}));
}

TEST_F(MetricsLogTest, ResumesFromTheStart) {
  put(path_, record_line(1) + record_line(2));
  resume(0).append(record(1));
  EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{1}));
}

TEST_F(MetricsLogTest, DropsATornLastLineAtEveryCut) {
  const std::string whole = record_line(1) + record_line(2);
  for (std::size_t size = record_line(1).size(); size < whole.size(); ++size) {
    put(path_, whole.substr(0, size));
    EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{1})) << size;
    MetricsLog metrics = resume(2);
    EXPECT_EQ(content(path_), record_line(1)) << size;
    metrics.append(record(2));
    EXPECT_EQ(content(path_), whole) << size;
  }
}

TEST_F(MetricsLogTest, DropsUnreadableLinesInTheMiddle) {
  // What a power cut may leave: a block of zeros; and text that is JSON but no record.
  put(path_, record_line(1) + std::string(16, '\0') + "\n" + "[1]\n{\"step\":\"2\"}\n" + record_line(3));
  EXPECT_EQ(steps(path_), (std::vector<std::int64_t>{1, 3}));
  resume(3);
  EXPECT_EQ(content(path_), record_line(1) + record_line(3));
}

TEST_F(MetricsLogTest, KnowsTheLastStepAfterAResume) {
  put(path_, record_line(1) + record_line(2));
  MetricsLog metrics = resume(2);
  EXPECT_THROW(metrics.append(record(1)), Error);
}

TEST_F(MetricsLogTest, ReadingAMissingFileIsAnError) { EXPECT_THROW(read_metrics(path_), Error); }

}  // namespace
}  // namespace soco
