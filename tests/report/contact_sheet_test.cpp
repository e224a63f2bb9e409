// SPDX-License-Identifier: MIT
#include "soco/report/contact_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "soco/base/error.h"
#include "soco/image/draw.h"

namespace soco {
namespace {

// Two views of the whole image, 224 and 112 px, one pair, no chance.
ViewPlan two_view_plan() {
  ViewPlan plan;
  plan.views.resize(2);
  plan.views[0].name = "large";
  plan.views[0].crop = "whole";
  plan.views[1].name = "small";
  plan.views[1].crop = "whole";
  plan.views[1].size = 112;
  plan.pairs = {{}};
  return plan;
}

// A black 100 x 100 image with one proposal, id 1, and a sample whose views are black and show the box at
// (0.25, 0.5) .. (0.75, 1) and (0, 0) .. (0.5, 0.5).
DrawnSample one_box_sample() {
  DrawnSample drawn;
  drawn.title = "a/b.jpg";
  drawn.image = make_image(100, 100);
  drawn.proposals = {.height = 100, .width = 100, .boxes = {{10, 20, 60, 80}}};
  for (const int size : {224, 112}) {
    std::vector<float> view;
    for (std::size_t c = 0; c < 3; ++c) {
      view.insert(view.end(), static_cast<std::size_t>(size * size), -kImageNetMean[c] / kImageNetStd[c]);
    }
    drawn.sample.views.push_back(view);
  }
  drawn.sample.pairs = {{.a = {{{0.25F, 0.5F, 0.75F, 1}}, {1}, {1}}, .b = {{{0, 0, 0.5F, 0.5F}}, {1}, {0}}}};
  drawn.sample.trace.views.resize(2);
  for (ViewTrace& view : drawn.sample.trace.views) view.crop = {0, 0, 100, 100};
  drawn.sample.trace.box_sets.resize(1);
  drawn.sample.trace.box_sets[0].selected_ids = {1};
  drawn.sample.trace.box_sets[0].jitters.resize(1);
  drawn.sample.trace.box_set_of_pair = {0};
  return drawn;
}

struct Extent {
  int x1 = 1 << 30, y1 = 1 << 30, x2 = -1, y2 = -1;
  int count = 0;
};

// Where a colour is in the columns [from, to).
Extent extent_of(const Image& image, Color color, int from, int to) {
  Extent extent;
  for (int y = 0; y < image.height; ++y) {
    for (int x = from; x < to; ++x) {
      if (!std::equal(color.begin(), color.end(), image.row(y) + 3 * x)) continue;
      extent = {std::min(extent.x1, x), std::min(extent.y1, y), std::max(extent.x2, x + 1), std::max(extent.y2, y + 1),
                extent.count + 1};
    }
  }
  return extent;
}

constexpr Color kFirstIdColor{90, 220, 90};  // of id 1
constexpr int kLargeColumn = 6 + 320 + 6;    // gap, source cell, gap
constexpr int kSmallColumn = kLargeColumn + 224 + 6;

TEST(ImageFromView, UndoesTheNormalisation) {
  // (p / 255 - mean) / std by hand for p = 0, 128, 255 in the three channels, on a view of one pixel.
  const std::vector<float> view{(0.0F - 0.485F) / 0.229F, (128.0F / 255 - 0.456F) / 0.224F, (1.0F - 0.406F) / 0.225F};
  EXPECT_EQ(image_from_view(view, 1).pixels, (std::vector<std::uint8_t>{0, 128, 255}));
  // Cutouts are 0: the mean colour, 255 (0.485, 0.456, 0.406) rounded.
  EXPECT_EQ(image_from_view({0, 0, 0}, 1).pixels, (std::vector<std::uint8_t>{124, 116, 104}));
  EXPECT_EQ(image_from_view({-9, 9, 0}, 1).pixels, (std::vector<std::uint8_t>{0, 255, 104}));  // clipped
}

TEST(ImageFromView, RefusesAnotherNumberOfValues) {
  EXPECT_THROW(image_from_view(std::vector<float>(11), 2), Error);
  EXPECT_THROW(image_from_view({}, 0), Error);
}

TEST(UnjitteredBoxes, AreTheProposalsOfJitteredBoxesInTheView) {
  const ViewPlan plan = two_view_plan();
  DrawnSample drawn = one_box_sample();
  EXPECT_TRUE(unjittered_boxes(drawn.proposals, drawn.sample, plan, 0).empty());  // not jittered
  // The release's inclusive corners read back one short: x2 = 10 + 49 - 1, y2 = 20 + 59 - 1.
  drawn.sample.trace.box_sets[0].jitters[0].active = true;
  const auto boxes = unjittered_boxes(drawn.proposals, drawn.sample, plan, 0);
  ASSERT_EQ(boxes.size(), 1U);
  EXPECT_NEAR(boxes[0].x1, 0.10, 1e-6);
  EXPECT_NEAR(boxes[0].y1, 0.20, 1e-6);
  EXPECT_NEAR(boxes[0].x2, 0.58, 1e-6);
  EXPECT_NEAR(boxes[0].y2, 0.78, 1e-6);
  drawn.sample.trace.views[0].flipped = true;
  const auto flipped = unjittered_boxes(drawn.proposals, drawn.sample, plan, 0);
  EXPECT_NEAR(flipped[0].x1, 0.42, 1e-6);
  EXPECT_NEAR(flipped[0].x2, 0.90, 1e-6);
}

TEST(UnjitteredBoxes, LeaveOutBoxesBeyondTheCrop) {
  const ViewPlan plan = two_view_plan();
  DrawnSample drawn = one_box_sample();
  drawn.sample.trace.box_sets[0].jitters[0].active = true;
  drawn.sample.trace.views[0].crop = {70, 0, 30, 100};
  EXPECT_TRUE(unjittered_boxes(drawn.proposals, drawn.sample, plan, 0).empty());
}

TEST(DrawViews, ShowsMatchingBoxesInOneColourWhereTheyAre) {
  const Image sheet = draw_views({one_box_sample()}, two_view_plan());
  EXPECT_EQ(sheet.width, kSmallColumn + 224 + 6);  // the small view is magnified to 224 px
  const Extent large = extent_of(sheet, kFirstIdColor, kLargeColumn, kSmallColumn);
  EXPECT_EQ(large.x1, kLargeColumn + 56);
  EXPECT_EQ(large.x2, kLargeColumn + 168);
  EXPECT_EQ(large.y2 - large.y1, 112);
  const Extent small = extent_of(sheet, kFirstIdColor, kSmallColumn, sheet.width);
  EXPECT_EQ(small.x1, kSmallColumn);
  EXPECT_EQ(small.x2, kSmallColumn + 112);
  EXPECT_EQ(large.y1 - small.y1, 112);
}

TEST(DrawViews, ShowsTheSourceWithSelectedProposals) {
  const Extent box = extent_of(draw_views({one_box_sample()}, two_view_plan()), kFirstIdColor, 0, kLargeColumn);
  EXPECT_EQ(box.x1, 6 + 10);  // the 100 px source is shown at its own size
  EXPECT_EQ(box.x2, 6 + 60);
  EXPECT_EQ(box.y2 - box.y1, 60);
}

TEST(DrawViews, OutlinesCutouts) {
  DrawnSample drawn = one_box_sample();
  const Color white{255, 255, 255};
  const int before = extent_of(draw_views({drawn}, two_view_plan()), white, kSmallColumn, kSmallColumn + 224).count;
  drawn.sample.trace.views[1].cutouts = {{60, 60, 69, 79}};  // 10 x 20 px of 112, inclusive corners
  const int after = extent_of(draw_views({drawn}, two_view_plan()), white, kSmallColumn, kSmallColumn + 224).count;
  EXPECT_EQ(after - before, 2 * 20 + 2 * 40 - 4);  // magnified twice
}

TEST(DrawViews, DashesTheBoxBeforeItsJitter) {
  DrawnSample drawn = one_box_sample();
  const ViewPlan plan = two_view_plan();
  const Image before = draw_views({drawn}, plan);
  drawn.sample.trace.box_sets[0].jitters[0].active = true;
  const Image after = draw_views({drawn}, plan);
  int changed_large = 0, changed_elsewhere = 0;
  for (int y = 0; y < after.height; ++y) {
    for (int x = 0; x < after.width; ++x) {
      const bool same = std::equal(after.row(y) + 3 * x, after.row(y) + 3 * x + 3, before.row(y) + 3 * x);
      (x >= kLargeColumn && x < kSmallColumn ? changed_large : changed_elsewhere) += same ? 0 : 1;
    }
  }
  // About half of the outline of (0.10 .. 0.58) x (0.20 .. 0.78) of 224 px: 2 (107.5 + 130) / 2, less what is covered.
  EXPECT_GT(changed_large, 120);
  EXPECT_LT(changed_large, 300);
  EXPECT_EQ(changed_elsewhere, 0);
}

TEST(DrawViews, GivesEachSampleARow) {
  const ViewPlan plan = two_view_plan();
  const int one = draw_views({one_box_sample()}, plan).height;
  const int two = draw_views({one_box_sample(), one_box_sample()}, plan).height;
  const int three = draw_views({one_box_sample(), one_box_sample(), one_box_sample()}, plan).height;
  EXPECT_GT(two, one);
  EXPECT_EQ(three - two, two - one);
}

TEST(DrawViews, TakesSamplesOfMakeSample) {
  const ViewPlan plan = soco_fpn_view_plan(true);
  Rng rng(1, 0, 0, purpose::kViews);
  DrawnSample drawn{"x", make_image(120, 160), {.height = 120, .width = 160, .boxes = {}}, {}};
  for (float i = 0; i < 6; ++i) drawn.proposals.boxes.push_back({10 * i, 5 * i, 10 * i + 60, 5 * i + 70});
  drawn.sample = make_sample(drawn.image, drawn.proposals, plan, rng);
  EXPECT_EQ(draw_views({drawn}, plan).width, 6 + 320 + 6 + 3 * (224 + 6));
}

TEST(DrawViews, TakesAnImageWithoutProposals) {
  DrawnSample drawn = one_box_sample();
  drawn.proposals.boxes.clear();
  EXPECT_NO_THROW(draw_views({drawn}, two_view_plan()));
}

TEST(DrawViews, RefusesWhatDoesNotFit) {
  const ViewPlan plan = two_view_plan();
  EXPECT_THROW(draw_views({}, plan), Error);
  EXPECT_THROW(draw_views({one_box_sample()}, soco_fpn_view_plan(false)), Error);
  DrawnSample without_pixels = one_box_sample();
  without_pixels.sample.views.assign(2, {});
  EXPECT_THROW(draw_views({without_pixels}, plan), Error);
  EXPECT_THROW(draw_views(std::vector<DrawnSample>(2000, without_pixels), plan), Error);  // sheet too large
}

}  // namespace
}  // namespace soco
