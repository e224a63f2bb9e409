// SPDX-License-Identifier: MIT
#include "soco/data/transforms/cutout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace soco {
namespace {

TEST(CutoutRect, IsTheHandCalculation) {
  // 100 x 100, a quarter: side 50, half 25, so 51 pixels around the centre.
  EXPECT_EQ(cutout_rect(100, 100, 0.25, 60, 80, 224), (CutoutRect{35, 55, 85, 105}));
  // Side round(sqrt(0.1 * 40 * 40)) = round(12.65) = 13, half 6.
  EXPECT_EQ(cutout_rect(40, 40, 0.1, 10, 10, 112), (CutoutRect{4, 4, 16, 16}));
}

TEST(CutoutRect, StopsAtTheViewsBorder) {
  EXPECT_EQ(cutout_rect(100, 100, 0.25, 0, 111, 112), (CutoutRect{0, 86, 25, 111}));
  EXPECT_FALSE(cutout_rect(4, 4, 0.1, 200, 10, 112));
}

TEST(DrawCutout, CentresInTheBoxWithTheAskedArea) {
  ViewPlan plan = soco_fpn_view_plan(true);
  Rng rng(4, 0, 0, purpose::kViews);
  const Box box{0.25f, 0.25f, 0.75f, 0.75f};  // corners 56 .. 168 of 224, 113 pixels a side
  int drawn = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto rect = draw_cutout(box, 224, plan, rng);
    if (!rect) continue;
    ++drawn;
    const int width = rect->x2 - rect->x1 + 1, height = rect->y2 - rect->y1 + 1;
    ASSERT_EQ(width, height);  // this box is far from the border
    ASSERT_EQ(width % 2, 1);
    // round(sqrt(0.1)*113) = 36 .. round(sqrt(0.3)*113) = 62, then 2 * (side / 2) + 1
    ASSERT_GE(width, 37);
    ASSERT_LE(width, 63);
    const int center_x = rect->x1 + width / 2, center_y = rect->y1 + height / 2;
    ASSERT_TRUE(center_x >= 56 && center_x <= 168 && center_y >= 56 && center_y <= 168);
  }
  EXPECT_NEAR(drawn, 2000, 5 * std::sqrt(1000.0));
}

TEST(DrawCutout, UsesTheSameNumberOfDrawsWhetherActiveOrNot) {
  ViewPlan never = soco_fpn_view_plan(true), always = never;
  never.cutout_prob = 0;
  always.cutout_prob = 1;
  const Box box{0.1f, 0.1f, 0.9f, 0.9f};
  Rng a(9, 0, 0, purpose::kViews), b(9, 0, 0, purpose::kViews);
  EXPECT_FALSE(draw_cutout(box, 112, never, a));
  EXPECT_TRUE(draw_cutout(box, 112, always, b));
  EXPECT_EQ(a.next_u64(), b.next_u64());
}

TEST(DrawCutout, HandlesBoxesOfNoExtent) {
  ViewPlan plan = soco_fpn_view_plan(true);
  plan.cutout_prob = 1;
  Rng rng(4, 0, 0, purpose::kViews);
  const auto rect = draw_cutout({0.5f, 0.5f, 0.5f, 0.5f}, 112, plan, rng);
  EXPECT_EQ(rect, (CutoutRect{56, 56, 56, 56}));
}

TEST(ApplyCutout, ZeroesTheRectangleInAllChannelsAndNothingElse) {
  std::vector<float> view(3 * 6 * 6, 1.0f);
  apply_cutout({1, 2, 3, 5}, 6, {view.data()});
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 6; ++x) {
        const bool inside = x >= 1 && x <= 3 && y >= 2 && y <= 5;
        ASSERT_EQ(view[(c * 6 + y) * 6 + x], inside ? 0.0f : 1.0f) << c << " " << y << " " << x;
      }
    }
  }
}

TEST(ApplyCutout, FindsThePixelsInBfloat16AndInChannelsLast) {
  std::vector<std::uint16_t> view(3 * 6 * 6, 7);
  apply_cutout({1, 2, 3, 5}, 6, {view.data(), ElementType::kBfloat16, PixelLayout::kHwc});
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 6; ++x) {
      const bool inside = x >= 1 && x <= 3 && y >= 2 && y <= 5;
      for (int c = 0; c < 3; ++c) ASSERT_EQ(view[(y * 6 + x) * 3 + c], inside ? 0 : 7) << c << " " << y << " " << x;
    }
  }
}

}  // namespace
}  // namespace soco
