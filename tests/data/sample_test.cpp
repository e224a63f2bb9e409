// SPDX-License-Identifier: MIT
#include "soco/data/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "data/plans.h"
#include "soco/base/error.h"
#include "soco/data/transforms/level.h"
#include "soco/image/normalize.h"

namespace soco {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

Rng sample_rng(std::uint64_t index) { return {11, 0, index, purpose::kViews}; }

std::vector<ViewPlan> all_plans() {
  return {soco_fpn_view_plan(true), soco_fpn_view_plan(false), testing::c4_plan(), testing::star_plan()};
}

void expect_valid_side(const SampleSide& side, int num_boxes, int num_levels) {
  ASSERT_EQ(side.boxes.size(), static_cast<std::size_t>(num_boxes));
  ASSERT_EQ(side.ids.size(), side.boxes.size());
  ASSERT_EQ(side.levels.size(), side.boxes.size());
  for (std::size_t i = 0; i < side.boxes.size(); ++i) {
    const Box& box = side.boxes[i];
    ASSERT_TRUE(0 <= box.x1 && box.x1 < box.x2 && box.x2 <= 1) << box.x1 << " " << box.x2;
    ASSERT_TRUE(0 <= box.y1 && box.y1 < box.y2 && box.y2 <= 1) << box.y1 << " " << box.y2;
    ASSERT_GE(side.ids[i], 1);
    ASSERT_GE(side.levels[i], kNoLevel);
    ASSERT_LT(side.levels[i], num_levels);
  }
}

TEST(MakeSample, GivesEveryPlanItsViewsAndBoxes) {
  const Image image = testing::test_image(150, 200, 1);
  const ProposalSet proposals = testing::test_proposals(150, 200, 12, 1);
  for (const ViewPlan& plan : all_plans()) {
    Rng rng = sample_rng(0);
    const Sample sample = make_sample(image, proposals, plan, rng);
    ASSERT_EQ(sample.views.size(), plan.views.size());
    for (std::size_t v = 0; v < plan.views.size(); ++v) {
      EXPECT_EQ(sample.views[v].size(), std::size_t{3} * plan.views[v].size * plan.views[v].size);
    }
    ASSERT_EQ(sample.pairs.size(), plan.pairs.size());
    for (const Sample::Pair& pair : sample.pairs) {
      expect_valid_side(pair.a, 4, std::max<int>(1, plan.level_thresholds.size()));
      expect_valid_side(pair.b, 4, std::max<int>(1, plan.level_thresholds.size()));
    }
  }
}

TEST(MakeSample, IsAFunctionOfTheRandomStream) {
  const Image image = testing::test_image(90, 120, 1);
  const ProposalSet proposals = testing::test_proposals(90, 120, 12, 1);
  const ViewPlan plan = soco_fpn_view_plan(true);
  Rng a = sample_rng(3), b = sample_rng(3), c = sample_rng(4);
  const Sample first = make_sample(image, proposals, plan, a), again = make_sample(image, proposals, plan, b);
  EXPECT_EQ(first.views, again.views);
  EXPECT_EQ(first.pairs[1].b.boxes, again.pairs[1].b.boxes);
  EXPECT_NE(first.views, make_sample(image, proposals, plan, c).views);
}

TEST(DrawSample, KeepsTheInvariantsOverManyDraws) {
  Rng shapes(5, 0, 0, purpose::kSynth);
  for (const ViewPlan& plan : all_plans()) {
    for (int i = 0; i < 300; ++i) {
      const int height = 60 + static_cast<int>(shapes.uniform_int(400));
      const int width = 60 + static_cast<int>(shapes.uniform_int(400));
      const int count = static_cast<int>(shapes.uniform_int(9));
      const ProposalSet proposals = testing::test_proposals(height, width, count, i);
      Rng rng = sample_rng(i);
      const Sample sample = draw_sample(height, width, proposals, plan, rng);
      ASSERT_TRUE(sample.trace.num_tries >= 1 && sample.trace.num_tries <= plan.max_tries);
      for (std::size_t p = 0; p < plan.pairs.size(); ++p) {
        const Sample::Pair& pair = sample.pairs[p];
        expect_valid_side(pair.a, 4, 4);
        expect_valid_side(pair.b, 4, 4);
        // View 1 is the whole image and selected boxes overlap both crops, so both sides keep the same ids.
        const std::set<int> a(pair.a.ids.begin(), pair.a.ids.end()), b(pair.b.ids.begin(), pair.b.ids.end());
        ASSERT_EQ(a, b);
        const BoxSetTrace& set = sample.trace.box_sets[sample.trace.box_set_of_pair[p]];
        ASSERT_EQ(set.selected_ids.size(), std::min<std::size_t>(4, set.num_candidates));
        ASSERT_EQ(set.selected_ids.size(), set.jitters.size());
      }
    }
  }
}

TEST(DrawSample, JittersSideAOnly) {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.flip_prob = 0;
  plan.box_jitter_prob = 1;
  plan.num_boxes = 1;
  const ProposalSet proposals{
      .height = 300, .width = 400, .boxes = {{100, 80, 302, 232}}};  // corners 100..300, 80..230
  for (int i = 0; i < 50; ++i) {
    Rng rng = sample_rng(i);
    const Sample sample = draw_sample(300, 400, proposals, plan, rng);
    const Box exact{100.0f / 400, 80.0f / 300, 300.0f / 400, 230.0f / 300};
    const Box jittered = sample.pairs[0].a.boxes[0];
    EXPECT_NE(jittered, exact);
    EXPECT_NEAR(jittered.x1, exact.x1, 0.1 * 201 / 400 + 1e-6);  // shift of at most a tenth of the width
    EXPECT_NE(jittered, sample.pairs[1].a.boxes[0]);             // each set has its own jitter
    const CropRect crop = sample.trace.views[1].crop;
    const float x1 = static_cast<float>(std::max(0.0, 100.0 - crop.x) / crop.width);
    const float y2 = static_cast<float>((std::min(230, crop.y + crop.height - 1) - crop.y) / double(crop.height));
    EXPECT_EQ(sample.pairs[0].b.boxes[0].x1, x1);
    EXPECT_EQ(sample.pairs[0].b.boxes[0].y2, y2);
  }
}

TEST(DrawSample, FlipMirrorsBoxesAndKeepsLevels) {
  ViewPlan never = soco_fpn_view_plan(false), always = never;
  never.flip_prob = 0;
  always.flip_prob = 1;
  const ProposalSet proposals = testing::test_proposals(300, 400, 20, 1);
  for (int i = 0; i < 50; ++i) {
    Rng rng_a = sample_rng(i), rng_b = sample_rng(i);
    const Sample straight = draw_sample(300, 400, proposals, never, rng_a);
    const Sample mirrored = draw_sample(300, 400, proposals, always, rng_b);
    for (std::size_t p = 0; p < straight.pairs.size(); ++p) {
      for (const auto side : {&Sample::Pair::a, &Sample::Pair::b}) {
        const SampleSide &s = straight.pairs[p].*side, &m = mirrored.pairs[p].*side;
        EXPECT_EQ(s.levels, m.levels);
        EXPECT_EQ(s.ids, m.ids);
        for (std::size_t k = 0; k < s.boxes.size(); ++k) EXPECT_EQ(m.boxes[k], flip_box(s.boxes[k]));
      }
    }
  }
}

TEST(DrawSample, HalvesTheRequirementWhenThereAreTooFewBoxes) {
  // One box in the middle lies in every crop of half the image, but K / 2 = 2 are asked for first: the second try
  // passes.
  const ProposalSet proposals{.height = 200, .width = 200, .boxes = {{80, 80, 120, 120}}};
  Rng rng = sample_rng(0);
  const Sample sample = draw_sample(200, 200, proposals, soco_fpn_view_plan(false), rng);
  EXPECT_EQ(sample.trace.num_tries, 2);
  EXPECT_THAT(sample.pairs[0].a.ids, ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(sample.trace.box_sets[0].padding_b, ElementsAre(0, 0, 0));
}

TEST(DrawSample, GoesOnWithTheWholeViewsAfterTheLastTry) {
  // No crop of at most 2 % of the image around a fixed seed's position reaches both corners' boxes.
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.views[1].min_scale = plan.views[2].min_scale = 0.0001;
  plan.views[1].max_scale = plan.views[2].max_scale = 0.0002;
  plan.flip_prob = 0;
  const ProposalSet proposals{.height = 1000, .width = 1000, .boxes = {{0, 0, 40, 40}}};
  Rng rng = sample_rng(1);
  const Sample sample = draw_sample(1000, 1000, proposals, plan, rng);
  ASSERT_EQ(sample.trace.num_tries, 5);
  ASSERT_EQ(sample.trace.box_sets[0].num_candidates, 0);
  EXPECT_THAT(sample.pairs[0].a.ids, ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(sample.pairs[0].b.ids, ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(sample.pairs[0].a.boxes[3], (Box{0, 0, 0.999f, 0.999f}));
}

TEST(DrawSample, SharesOneSelectionAmongPairsOfTheSameCrops) {
  ViewPlan plan = testing::star_plan();
  plan.flip_prob = 0;
  const ProposalSet proposals = testing::test_proposals(300, 400, 30, 2);
  Rng rng = sample_rng(2);
  const Sample sample = draw_sample(300, 400, proposals, plan, rng);
  EXPECT_THAT(sample.trace.box_set_of_pair, ElementsAre(0, 1, 0));
  EXPECT_EQ(sample.pairs[2].a.boxes, sample.pairs[0].a.boxes);
  EXPECT_EQ(sample.pairs[2].a.ids, sample.pairs[0].a.ids);
  EXPECT_EQ(sample.pairs[2].b.boxes, sample.pairs[0].b.boxes);  // shares of the view do not depend on its size
  EXPECT_EQ(sample.pairs[2].b.ids, sample.pairs[0].b.ids);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_LE(sample.pairs[2].b.levels[k], sample.pairs[0].b.levels[k]);
  EXPECT_NE(sample.pairs[1].a.ids, sample.pairs[0].a.ids);
}

TEST(DrawSample, AssignsNoLevelsInAPlanWithOneFeatureMap) {
  Rng rng = sample_rng(0);
  const Sample sample = draw_sample(300, 400, testing::test_proposals(300, 400, 9, 1), testing::c4_plan(), rng);
  EXPECT_THAT(sample.pairs[0].a.levels, Each(0));
}

TEST(DrawSample, AssignsLevelsByTheRuleOfThePlan) {
  ViewPlan plan = testing::without_colors(soco_fpn_view_plan(false));
  plan.flip_prob = 0;
  const ProposalSet proposals = testing::test_proposals(300, 400, 12, 1);
  Rng rng = sample_rng(1), again = sample_rng(1);
  const Sample by_thresholds = draw_sample(300, 400, proposals, plan, rng);
  plan.level_rule = LevelRule::kDetectron2;
  const Sample by_log = draw_sample(300, 400, proposals, plan, again);
  EXPECT_EQ(by_log.pairs[0].a.boxes, by_thresholds.pairs[0].a.boxes);
  EXPECT_NE(by_log.pairs[0].a.levels, by_thresholds.pairs[0].a.levels);
  for (std::size_t i = 0; i < by_log.pairs[0].a.boxes.size(); ++i) {
    const Box& box = by_log.pairs[0].a.boxes[i];
    const double side = 224 * std::sqrt((box.x2 - box.x1) * (box.y2 - box.y1));
    EXPECT_EQ(by_log.pairs[0].a.levels[i], side < 112 ? 0 : side < 224 ? 1 : 2);
  }
}

TEST(DrawSample, DrawsCutoutsOnlyWhereThePlanSaysSo) {
  ViewPlan plan = soco_fpn_view_plan(true);
  plan.cutout_prob = 1;
  Rng rng = sample_rng(0);
  const Sample sample = draw_sample(300, 400, testing::test_proposals(300, 400, 9, 1), plan, rng);
  EXPECT_EQ(sample.trace.views[0].cutouts.size(), 0u);
  EXPECT_EQ(sample.trace.views[1].cutouts.size(), 4u);
  EXPECT_EQ(sample.trace.views[2].cutouts.size(), 4u);
}

TEST(DrawSample, ImageBoxesAreTheWholeViewsWithoutProposalsOrJitter) {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.boxes = BoxChoice::kImage;
  plan.box_jitter_prob = 1;
  plan.flip_prob = 0;
  for (int i = 0; i < 20; ++i) {
    Rng rng = sample_rng(i);
    const Sample sample = draw_sample(300, 400, {300, 400, {}}, plan, rng);
    for (std::size_t p = 0; p < 2; ++p) {
      for (const auto& [side, view] :
           {std::pair(sample.pairs[p].a, 0), std::pair(sample.pairs[p].b, plan.pairs[p].b)}) {
        const CropRect& crop = sample.trace.views[view].crop;
        const auto last = [](int extent) {
          return static_cast<float>((extent - 1.0) / extent);
        };  // the release's corner
        EXPECT_THAT(side.boxes, ElementsAre(Box{0, 0, last(crop.width), last(crop.height)}));
        EXPECT_THAT(side.ids, ElementsAre(1));
        EXPECT_THAT(side.levels, ElementsAre(plan.views[view].size == 112 ? 2 : 3));  // 112 and 224 px: P4, P5
      }
    }
  }
}

TEST(DrawSample, RandomBoxesAreNewInEachStreamAndSeenByEveryPair) {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.boxes = BoxChoice::kRandom;
  plan.box_jitter_prob = 0;
  plan.flip_prob = 0;
  Rng first = sample_rng(0), again = sample_rng(0), other = sample_rng(1);
  const Sample sample = draw_sample(300, 400, {300, 400, {}}, plan, first);
  EXPECT_EQ(draw_sample(300, 400, {300, 400, {}}, plan, again).trace.random_boxes, sample.trace.random_boxes);
  EXPECT_NE(draw_sample(300, 400, {300, 400, {}}, plan, other).trace.random_boxes, sample.trace.random_boxes);
  for (const Sample::Pair& pair : sample.pairs) {
    for (int k = 0; k < 4; ++k) {  // view 1 is the whole image: its boxes are the drawn ones, by the release's corners
      const Box drawn = sample.trace.random_boxes.at(pair.a.ids[k] - 1);
      EXPECT_EQ(pair.a.boxes[k], (Box{drawn.x1 / 400, drawn.y1 / 300, (drawn.x2 - 2) / 400, (drawn.y2 - 2) / 300}));
    }
  }
}

TEST(DrawSample, OneLevelServesAllBoxesUnderHighThresholds) {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.level_thresholds = {10000, 10001, 10002, 10003};
  plan.num_boxes = 9;
  Rng rng = sample_rng(0);
  const Sample sample = draw_sample(300, 400, testing::test_proposals(300, 400, 20, 1), plan, rng);
  EXPECT_EQ(sample.pairs[0].b.levels.size(), 9u);
  EXPECT_THAT(sample.pairs[0].a.levels, Each(0));
  EXPECT_THAT(sample.pairs[1].b.levels, Each(0));
}

TEST(DecodeRequest, IsTheRegionOfAllCropsOrTheSmallestScaleThatSuffices) {
  ViewPlan plan = soco_fpn_view_plan(false);
  SampleTrace trace;
  trace.views.resize(3);
  trace.views[0].crop = {40, 30, 900, 1000};
  trace.views[1].crop = {100, 10, 1000, 500};
  trace.views[2].crop = {60, 60, 500, 500};
  const DecodeRequest exact = decode_request_for(plan, trace, Quality::kExact);
  EXPECT_EQ(exact.region, (CropRect{40, 10, 1060, 1020}));
  EXPECT_EQ(exact.scale, 1);
  EXPECT_FALSE(exact.fast);
  // 500 / 2 = 250 is above 0.6 * 224 = 134.4, 500 / 4 is not.
  EXPECT_EQ(decode_request_for(plan, trace, Quality::kFast).scale, 2);
  trace.views[1].crop = {0, 0, 268, 500};
  EXPECT_EQ(decode_request_for(plan, trace, Quality::kFast).scale, 1);
}

TEST(DrawSample, RefusesProposalsOfAnotherImageSize) {
  Rng rng = sample_rng(0);
  try {
    draw_sample(300, 400, testing::test_proposals(400, 300, 9, 1), soco_fpn_view_plan(false), rng);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("400 x 300"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("300 x 400"));
  }
}

TEST(MakeSample, HandlesTheSmallestAndTheLongestImages) {
  for (const auto& [height, width] : {std::pair{1, 1}, std::pair{1, 300}, std::pair{300, 2}}) {
    Rng rng = sample_rng(0);
    const Sample sample = make_sample(testing::test_image(height, width, 1),
                                      {.height = height, .width = width, .boxes = {}}, soco_fpn_view_plan(true), rng);
    EXPECT_THAT(sample.pairs[0].b.ids, Each(1));
  }
}

TEST(RenderViews, MakesASameViewFromTheOtherViewsPixels) {
  ViewPlan plan = testing::without_colors(testing::star_plan());
  plan.flip_prob = 0;
  const Image image = testing::test_image(200, 300, 4);
  Rng rng = sample_rng(0);
  const Sample sample = make_sample(image, testing::test_proposals(200, 300, 9, 1), plan, rng);
  const Image second = crop_and_resize(image, sample.trace.views[1].crop, 224, 224);
  const Image fourth = crop_and_resize(second, {0, 0, 224, 224}, 112, 112);
  std::vector<float> expected(3 * 112 * 112);
  normalize_to_chw(fourth, kImageNetMean, kImageNetStd, expected.data());
  EXPECT_EQ(sample.views[3], expected);
}

// A red rectangle on black at the proposal's place must be found, in every view, where the view's box says. The
// margin: two px of the image for the release's corners, and the width of the resize filter.
void expect_painted_under_box(const std::vector<float>& view, int size, const Box& box, double margin) {
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const float red = view[static_cast<std::size_t>(y) * size + x] * kImageNetStd[0] + kImageNetMean[0];
      const double u = x + 0.5, v = y + 0.5;
      const double inside = std::min({u - box.x1 * size, box.x2 * size - u, v - box.y1 * size, box.y2 * size - v});
      if (std::abs(inside) <= margin) continue;
      ASSERT_EQ(red > 0.5f, inside > 0) << x << " " << y;
    }
  }
}

Image painted_image(int height, int width, const Box& box) {
  Image image{.height = height, .width = width, .pixels = std::vector<std::uint8_t>(std::size_t{3} * height * width)};
  for (int y = static_cast<int>(box.y1); y < box.y2; ++y) {
    for (int x = static_cast<int>(box.x1); x < box.x2; ++x) image.row(y)[3 * x] = 255;
  }
  return image;
}

TEST(MakeSample, KeepsAPaintedRectangleUnderItsBoxInEveryView) {
  Rng shapes(8, 0, 0, purpose::kSynth);
  for (int i = 0; i < 12; ++i) {
    ViewPlan plan = testing::without_colors(testing::star_plan());
    plan.num_boxes = 1;
    plan.box_jitter_prob = 0;
    const int height = 150 + static_cast<int>(shapes.uniform_int(300));
    const int width = 150 + static_cast<int>(shapes.uniform_int(300));
    const ProposalSet proposals = testing::test_proposals(height, width, 1, i);
    Rng rng = sample_rng(i);
    const Sample sample = make_sample(painted_image(height, width, proposals.boxes[0]), proposals, plan, rng);
    for (std::size_t p = 0; p < plan.pairs.size(); ++p) {
      if (sample.trace.box_sets[sample.trace.box_set_of_pair[p]].num_candidates == 0) continue;
      const auto check = [&](int v, const SampleSide& side) {
        const CropRect& crop = sample.trace.views[v].crop;
        const double px = static_cast<double>(plan.views[v].size) / std::min(crop.width, crop.height);
        expect_painted_under_box(sample.views[v], plan.views[v].size, side.boxes[0], 2 * px + std::max(1.0, px) + 1);
      };
      check(plan.pairs[p].a, sample.pairs[p].a);
      check(plan.pairs[p].b, sample.pairs[p].b);
    }
  }
}

}  // namespace
}  // namespace soco
