// SPDX-License-Identifier: MIT
#include "soco/report/recall_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/json.h"

namespace soco {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

/// Two objects of 10 x 10 in one image and category; the second of three proposals equals one of them.
ProposalRecall example() {
  ProposalRecallEvaluator evaluator({"cat", "dog"});
  evaluator.add_image({{.box = {0, 0, 10, 10}, .area = 100}, {.box = {50, 0, 10, 10}, .area = 100}},
                      std::vector<CocoBox>{{90, 90, 1, 1}, {0, 0, 10, 10}, {80, 80, 1, 1}});
  return evaluator.result();
}

TEST(RecallTable, HasARowForEachNumberOfBoxesAndCategory) {
  const std::string table = recall_table(example());
  EXPECT_THAT(table, HasSubstr("1 images, 2 objects, 0 crowds left out, 3.0 boxes an image"));
  EXPECT_THAT(table, ContainsRegex("\n +1 +0.0000 +0.0000 +0.0000 +0.0000 +- +- +0.0000 +0.0000\n"));
  for (const char* count : {"10", "100", "300", "1000", "2000", "all"}) {
    EXPECT_THAT(table,
                ContainsRegex(fmt::format("\n +{} +0.5000 +0.5000 +0.5000 +0.5000 +- +- +0.5000 +0.5000\n", count)));
  }
  EXPECT_THAT(table, ContainsRegex("\ncat +2 +0.5000"));
  EXPECT_THAT(table, ContainsRegex("\ndog +0 +- +-"));
}

TEST(RecallJson, HoldsAllFigures) {
  const Json json = parse_json(recall_json(example(), "gt.json", "p.db"), "r.json");
  EXPECT_EQ(json["gt"], "gt.json");
  EXPECT_EQ(json["proposals"], "p.db");
  EXPECT_EQ(json["counts"].size(), kProposalCounts.size());
  EXPECT_TRUE(json["counts"].back().is_null());
  EXPECT_EQ(json["sizes"][0]["num_objects"], 2);
  EXPECT_EQ(json["sizes"][0]["recall"].size(), kNumThresholds);
  EXPECT_EQ(json["sizes"][0]["recall"][0][0], 0);
  EXPECT_EQ(json["sizes"][0]["recall"][0][1], 0.5);
  EXPECT_TRUE(json["sizes"][3]["ar"][0].is_null());
  EXPECT_EQ(json["categories"][1]["name"], "dog");
  EXPECT_EQ(json["mabo"][1], 0.5);
}

TEST(RecallSvg, DrawsUpToTheMeanNumberOfBoxes) {
  const std::string svg = recall_svg(example(), "p.db on gt.json");
  EXPECT_THAT(svg, HasSubstr("p.db on gt.json"));
  EXPECT_THAT(svg, HasSubstr("recall at IoU 0.5: 0.500"));
  // 1, 2 and "all" = 3 boxes; the axis ends at 10: 70 + 530 log10(2) = 229.5, 70 + 530 log10(3) = 322.9.
  EXPECT_THAT(svg, HasSubstr("points=\"70.0,420.0 229.5,235.0 322.9,235.0\""));
}

}  // namespace
}  // namespace soco
