// SPDX-License-Identifier: MIT
#include "soco/report/study_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "soco/base/json.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

StudyRun run(const std::string& init, double percent, std::int64_t seed, std::int64_t num_images, double ap) {
  return {.init = init, .percent = percent, .seed = seed, .num_images = num_images, .figures = {{"val_box_AP", ap}}};
}

const std::vector<StudyRun> kRuns{run("random", 5, 0, 10, 0.1), run("random", 5, 1, 12, 0.3),
                                  run("soco", 5, 0, 10, 0.4), run("soco", 5, 1, 12, 0.4),
                                  run("soco", 100, 0, 200, 0.5)};

TEST(StudyReport, PointsAreMeansAndSampleDeviations) {
  const std::vector<StudyPoint> points = study_points(kRuns, "val_box_AP");
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].init, "random");
  EXPECT_EQ(points[0].num_runs, 2);
  EXPECT_DOUBLE_EQ(points[0].num_images, 11);
  EXPECT_DOUBLE_EQ(points[0].mean, 0.2);
  EXPECT_DOUBLE_EQ(points[0].deviation, std::sqrt(0.02));  // (0.1^2 + 0.1^2) / (2 - 1)
  EXPECT_EQ(points[1].deviation, 0);
  EXPECT_EQ(points[2].percent, 100);
  EXPECT_TRUE(std::isnan(points[2].deviation));
}

TEST(StudyReport, WhatDoesNotExistDoesNotCount) {
  EXPECT_TRUE(study_points(kRuns, "val_mask_AP").empty());
  std::vector<StudyRun> runs{run("a", 5, 0, 10, -1), run("a", 5, 1, 10, 0.25)};
  EXPECT_DOUBLE_EQ(study_points(runs, "val_box_AP").at(0).mean, 0.25);
  EXPECT_EQ(study_points(runs, "val_box_AP").at(0).num_runs, 1);
}

TEST(StudyReport, TableHasARowForEachStart) {
  EXPECT_EQ(study_table(kRuns),
            "| box AP | 11 labelled images (5 %) | 200 labelled images (100 %) |\n|---|---|---|\n"
            "| random | 20.0 ± 14.1 | - |\n| soco | 40.0 ± 0.0 | 50.0 |\n");
}

TEST(StudyReport, JsonHoldsRunsAndPoints) {
  const Json json = parse_json(study_json(kRuns), "study");
  EXPECT_EQ(json.at("runs").size(), 5u);
  EXPECT_EQ(json.at("points").at("val_box_AP").at(1).at("mean"), 0.4);
  EXPECT_TRUE(json.at("points").at("val_box_AP").at(2).at("deviation").is_null());
}

TEST(StudyReport, PlotHasALineForEachStart) {
  const std::string svg = study_svg(kRuns, "study");
  EXPECT_THAT(svg, HasSubstr(">random: 0.200<"));
  EXPECT_THAT(svg, HasSubstr(">soco: 0.500<"));
}

}  // namespace
}  // namespace soco
