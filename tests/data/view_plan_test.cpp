// SPDX-License-Identifier: MIT
#include "soco/data/view_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/plans.h"
#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

std::string validation_message(const ViewPlan& plan) {
  try {
    plan.validate();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "";
}

TEST(ViewPlan, FpnPlanHasTheReferencesNumbers) {
  const ViewPlan plan = soco_fpn_view_plan(true);
  ASSERT_EQ(plan.views.size(), 3u);
  EXPECT_EQ(plan.views[0].crop, "whole");
  EXPECT_EQ(plan.views[1].crop, "random");
  EXPECT_EQ(plan.views[2].crop, "random");
  EXPECT_EQ(plan.views[0].size, 224);
  EXPECT_EQ(plan.views[1].size, 224);
  EXPECT_EQ(plan.views[2].size, 112);
  EXPECT_EQ(plan.views[2].min_scale, 0.5);
  EXPECT_EQ(plan.views[0].photometric.blur_prob, 1.0);
  EXPECT_EQ(plan.views[0].photometric.solarize_prob, 0.0);
  EXPECT_EQ(plan.views[1].photometric.blur_prob, 0.1);
  EXPECT_EQ(plan.views[1].photometric.solarize_prob, 0.2);
  EXPECT_FALSE(plan.views[0].cutout);
  EXPECT_TRUE(plan.views[1].cutout);
  EXPECT_TRUE(plan.views[2].cutout);
  EXPECT_FALSE(soco_fpn_view_plan(false).views[1].cutout);
  ASSERT_EQ(plan.pairs.size(), 2u);
  EXPECT_EQ(plan.pairs[1].a, 0);
  EXPECT_EQ(plan.pairs[1].b, 2);
  EXPECT_EQ(plan.num_boxes, 4);
}

TEST(ViewPlan, ValidatesAllThreeVariants) {
  EXPECT_EQ(validation_message(soco_fpn_view_plan(true)), "");
  EXPECT_EQ(validation_message(testing::c4_plan()), "");
  EXPECT_EQ(validation_message(testing::star_plan()), "");
}

TEST(ViewPlan, SurvivesTheWayThroughToml) {
  const ViewPlan plan = testing::star_plan();
  ViewPlan read;
  load_toml(read, dump_toml(plan), "plan.toml");
  EXPECT_EQ(dump_toml(read), dump_toml(plan));
  ASSERT_EQ(read.views.size(), 4u);
  EXPECT_EQ(read.views[3].crop, "same:1");
  EXPECT_EQ(read.views[2].size, 192);
  EXPECT_EQ(read.level_thresholds, plan.level_thresholds);
}

TEST(ViewPlan, NamesTheKeyAndValueThatIsWrong) {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.views[2].crop = "same:2";
  EXPECT_THAT(validation_message(plan), HasSubstr("views.2.crop = 'same:2'"));
  plan.views[2].crop = "centre";
  EXPECT_THAT(validation_message(plan), HasSubstr("expected whole, random or same:"));
  plan = soco_fpn_view_plan(false);
  plan.views[1].min_scale = 0.9;
  plan.views[1].max_scale = 0.5;
  EXPECT_THAT(validation_message(plan), HasSubstr("views.1.min_scale = 0.9"));
  plan = soco_fpn_view_plan(false);
  plan.pairs[1].b = 3;
  EXPECT_THAT(validation_message(plan), HasSubstr("pairs.1 names view 3"));
  plan.pairs[1].b = 0;
  EXPECT_THAT(validation_message(plan), HasSubstr("itself"));
  plan = soco_fpn_view_plan(false);
  plan.level_thresholds = {96, 48};
  EXPECT_THAT(validation_message(plan), HasSubstr("level_thresholds[1] = 48"));
  plan = soco_fpn_view_plan(false);
  plan.pairs.clear();
  EXPECT_THAT(validation_message(plan), HasSubstr("pairs is empty"));
  plan = soco_fpn_view_plan(false);
  plan.cutout_min_area = 0.5;
  EXPECT_THAT(validation_message(plan), HasSubstr("cutout_min_area = 0.5"));
  EXPECT_THAT(validation_message(ViewPlan{}), HasSubstr("views has 0 entries"));
}

TEST(CropSource, ReadsTheThreeForms) {
  EXPECT_EQ(parse_crop_source("whole", 0).kind, CropSource::Kind::kWhole);
  EXPECT_EQ(parse_crop_source("random", 5).kind, CropSource::Kind::kRandom);
  const CropSource same = parse_crop_source("same:11", 12);
  EXPECT_EQ(same.kind, CropSource::Kind::kSame);
  EXPECT_EQ(same.view, 11);
}

TEST(CropSource, RefusesTextsThatAreNearlyRight) {
  for (const char* text : {"", "Whole", "same", "same:", "same:x", "same:1x", "same:-1", "same: 1", "same:3",
                           "same:99999999999999999999"}) {
    EXPECT_THROW(parse_crop_source(text, 3), Error) << text;
  }
}

TEST(RootView, FollowsAChainOfSame) {
  ViewPlan plan = testing::star_plan();
  plan.views.push_back(plan.views[3]);
  plan.views[4].crop = "same:3";
  EXPECT_EQ(root_view(plan, 4), 1);
  EXPECT_EQ(root_view(plan, 3), 1);
  EXPECT_EQ(root_view(plan, 2), 2);
}

}  // namespace
}  // namespace soco
