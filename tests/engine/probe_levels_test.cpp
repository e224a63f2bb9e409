// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "soco/data/transforms/level.h"
#include "soco/engine/probe_network.h"

namespace soco {
namespace {

TEST(ProbeLevels, AreThoseOfTheRuleThatTrained) {
  ViewPlan plan;
  for (const LevelRule rule : {LevelRule::kRelease, LevelRule::kDetectron2}) {
    plan.level_rule = rule;
    for (int size = 1; size < 1000; ++size) {
      const double side = size;
      int expected = detectron2_level_of_box({0, 0, side, side, 0}, {0, 0, 1000, 1000}, 1000);
      if (rule == LevelRule::kRelease) expected = size <= 48 ? 0 : size <= 96 ? 1 : size <= 192 ? 2 : 3;
      const torch::Tensor box = torch::tensor({0.0f, 0.0f, static_cast<float>(size), static_cast<float>(size)});
      EXPECT_EQ(probe_levels(box.view({1, 4}), plan).item<std::int64_t>(), expected) << size;
    }
  }
  plan.level_thresholds.clear();  // one map
  EXPECT_EQ(probe_levels(torch::tensor({{0.0f, 0.0f, 900.0f, 900.0f}}), plan).item<std::int64_t>(), 0);
}

}  // namespace
}  // namespace soco
