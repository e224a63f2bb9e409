// SPDX-License-Identifier: MIT
#include "soco/report/detection_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/json.h"

namespace soco {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

DetectionMetrics sample() {
  return {.metric = "coco",
          .num_images = 2,
          .num_objects = 1234,
          .num_detections = 7,
          .figures = {{"AP", 0.12345}, {"APs", kNoFigure}},
          .categories = {{"cat & dog", 1234, {{"AP", 0.5}}}},
          .mean_precision = std::vector<std::vector<double>>(kNumThresholds, std::vector<double>(kNumRecalls, 0.25))};
}

TEST(DetectionTable, IsInPercentWithDashesForWhatIsNotThere) {
  EXPECT_THAT(detection_table(sample()),
              AllOf(HasSubstr("2 images, 1,234 objects, 7 detections"), HasSubstr("AP      12.35\n"),
                    HasSubstr("APs         -\n"), HasSubstr("cat & dog"), HasSubstr("50.00")));
}

TEST(DetectionJson, HoldsEveryFigureInFull) {
  Repairs repairs;
  repairs.add("gt.json: left out");
  const Json json = parse_json(detection_json(sample(), {"gt.json", "dt.json", "bbox", repairs}), "test");
  EXPECT_EQ(json.at("figures").at("AP"), 0.12345);
  EXPECT_EQ(json.at("figures").at("APs"), -1);
  EXPECT_EQ(json.at("categories")[0].at("figures").at("AP"), 0.5);
  EXPECT_EQ(json.at("mean_precision").size(), 10u);
  EXPECT_EQ(json.at("recalls").size(), 101u);
  EXPECT_EQ(json.at("repairs")[0], "gt.json: left out");
}

TEST(DetectionSvg, DrawsACurveForEachThresholdShown) {
  const std::string svg = detection_svg(sample(), "a & b");
  EXPECT_THAT(svg, AllOf(HasSubstr("a &amp; b"), HasSubstr("IoU 0.5: 25.00"), HasSubstr("IoU 0.75"),
                         HasSubstr("IoU 0.9"), HasSubstr("recall")));
  // Precision 0.25 from recall 0 to 1: the frame's left and right ends, a quarter up from its bottom.
  EXPECT_THAT(svg, AllOf(HasSubstr("70.0,327.5"), HasSubstr("600.0,327.5")));
}

TEST(DetectionSvg, NeedsCurves) {
  DetectionMetrics metrics = sample();
  metrics.mean_precision.clear();
  EXPECT_THROW(detection_svg(metrics, ""), Error);
}

}  // namespace
}  // namespace soco
