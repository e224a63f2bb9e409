// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "soco/data/transforms/level.h"
#include "soco/engine/probe_network.h"

namespace soco {
namespace {

TEST(ProbeLevels, AreThoseOfTheRuleThatTrained) {
  ViewPlan plan;
  EXPECT_EQ(level_ends(plan), plan.level_thresholds);
  plan.level_rule = LevelRule::kDetectron2;
  const std::vector<double> ends = level_ends(plan);
  for (int size = 1; size < 1000; ++size) {
    int level = 0;
    while (static_cast<float>(size) > static_cast<float>(ends.at(static_cast<std::size_t>(level)))) ++level;
    const double side = size;
    EXPECT_EQ(level, detectron2_level_of_box({0, 0, side, side, 0}, {0, 0, 1000, 1000}, 1000)) << size;
  }
  plan.level_thresholds.clear();  // one map
  EXPECT_TRUE(level_ends(plan).empty());
}

}  // namespace
}  // namespace soco
