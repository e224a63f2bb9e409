// SPDX-License-Identifier: MIT
#include "soco/data/collate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace soco {
namespace {

using ::testing::ElementsAre;

ViewPlan two_pixel_plan() {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.views.resize(2);
  plan.views[0].size = 1;
  plan.views[1].size = 2;
  plan.pairs = {{.a = 0, .b = 1}};
  plan.num_boxes = 2;
  return plan;
}

Sample hand_made_sample(float value) {
  Sample sample;
  const SampleSide a{{{value, 0, 1, 1}, {0, value, 1, 1}}, {3, 5}, {1, -1}};
  const SampleSide b{{{0, 0, value, 1}, {0, 0, 1, value}}, {5, 3}, {0, 2}};
  sample.pairs = {{a, b}};
  return sample;
}

TEST(ShapeBatch, GivesEveryArrayItsSize) {
  PretrainBatch batch;
  shape_batch(two_pixel_plan(), 3, {}, batch);
  EXPECT_EQ(batch.num_images, 3);
  EXPECT_EQ(batch.boxes_per_image, 2);
  EXPECT_EQ(batch.sample_indices.size(), 3u);
  ASSERT_EQ(batch.views.size(), 2u);
  EXPECT_EQ(batch.views[1].height, 2);
  EXPECT_EQ(batch.views[1].width, 2);
  EXPECT_EQ(batch.views[1].floats().size(), 3u * 3 * 2 * 2);
  ASSERT_EQ(batch.pairs.size(), 1u);
  EXPECT_EQ(batch.pairs[0].view_b, 1);
  EXPECT_EQ(batch.pairs[0].a.boxes.size(), 3u * 2 * 4);
  EXPECT_EQ(batch.pairs[0].b.ids.size(), 3u * 2);
  EXPECT_EQ(batch.pairs[0].b.levels.size(), 3u * 2);
}

TEST(ShapeBatch, HasOneBoxWhereTheBoxIsTheImage) {
  ViewPlan plan = two_pixel_plan();
  plan.boxes = BoxChoice::kImage;
  PretrainBatch batch;
  shape_batch(plan, 3, {}, batch);
  EXPECT_EQ(batch.boxes_per_image, 1);
  EXPECT_EQ(batch.pairs[0].a.ids.size(), 3u);
}

TEST(ShapeBatch, KeepsMemoryThatFits) {
  PretrainBatch batch;
  shape_batch(two_pixel_plan(), 3, {}, batch);
  const std::byte* before = batch.views[1].pixels.data();
  shape_batch(two_pixel_plan(), 3, {}, batch);
  EXPECT_EQ(batch.views[1].pixels.data(), before);
}

TEST(ShapeBatch, TakesTheElementsAndTheMemoryThatAreAskedFor) {
  static int num_blocks = 0;
  const HostAllocator counting = [](std::size_t bytes) {
    ++num_blocks;
    return allocate_plain(bytes);
  };
  PretrainBatch batch;
  const BatchFormat format{.type = ElementType::kBfloat16, .layout = PixelLayout::kHwc, .allocator = counting};
  for (int i = 0; i < 2; ++i) shape_batch(two_pixel_plan(), 3, format, batch);
  EXPECT_EQ(num_blocks, 2);  // one for each view, kept
  EXPECT_EQ(batch.views[1].pixels.size(), 3u * 3 * 2 * 2 * 2);
  EXPECT_EQ(batch.views[1].layout, PixelLayout::kHwc);
  PretrainBatch other = std::move(batch);
  shape_batch(two_pixel_plan(), 3, format, batch);  // has given its memory away
  EXPECT_EQ(num_blocks, 4);
}

TEST(ShapeBatch, UnfinishedViewsAreBytesWithTheirChanges) {
  PretrainBatch batch;
  for (const bool finished : {false, true, false}) shape_batch(two_pixel_plan(), 3, {.finished = finished}, batch);
  EXPECT_EQ(batch.views[1].pixels.size(), 3u * 3 * 2 * 2);
  EXPECT_THROW(batch.views[1].floats(), std::logic_error);
  std::vector<ViewMemory> views;
  views_of_row(batch, 2, views);
  EXPECT_EQ(views[1].data, batch.views[1].pixels.data() + 24);
  EXPECT_EQ(views[1].type, ElementType::kUint8);
  EXPECT_EQ(views[1].layout, PixelLayout::kHwc);
  Sample sample = hand_made_sample(0.25f);
  sample.trace.views.resize(2);
  sample.trace.views[1].flipped = true;
  sample.trace.views[1].cutouts = {{0, 1, 1, 1}};
  copy_boxes_into(sample, 70, 2, batch);
  ASSERT_EQ(batch.views[1].pending.size(), 3u);
  EXPECT_TRUE(batch.views[1].pending[2].flipped);
  EXPECT_EQ(batch.views[1].pending[2].cutouts, sample.trace.views[1].cutouts);
  EXPECT_FALSE(batch.views[0].pending[2].flipped);
}

TEST(ViewsOfRow, GivesEachRowItsPlaceInEveryView) {
  PretrainBatch batch;
  shape_batch(two_pixel_plan(), 2, {}, batch);
  std::vector<ViewMemory> views(7);
  views_of_row(batch, 1, views);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].data, batch.views[0].floats().data() + 3);
  EXPECT_EQ(views[1].data, batch.views[1].floats().data() + 12);
  EXPECT_THROW(views_of_row(batch, 2, views), std::logic_error);
}

TEST(CopyBoxesInto, WritesItsRowAndNoOther) {
  PretrainBatch batch;
  shape_batch(two_pixel_plan(), 2, {}, batch);
  copy_boxes_into(hand_made_sample(0.25f), 70, 1, batch);
  copy_boxes_into(hand_made_sample(0.5f), 60, 0, batch);
  EXPECT_THAT(batch.sample_indices, ElementsAre(60, 70));
  EXPECT_THAT(batch.pairs[0].a.boxes, ElementsAre(0.5f, 0, 1, 1, 0, 0.5f, 1, 1, 0.25f, 0, 1, 1, 0, 0.25f, 1, 1));
  EXPECT_THAT(batch.pairs[0].b.ids, ElementsAre(5, 3, 5, 3));
  EXPECT_THAT(batch.pairs[0].a.levels, ElementsAre(1, -1, 1, -1));
}

TEST(CopyBoxesInto, RefusesASampleOfAnotherPlan) {
  PretrainBatch batch;
  shape_batch(two_pixel_plan(), 2, {}, batch);
  Sample sample = hand_made_sample(0.5f);
  sample.pairs.clear();
  EXPECT_THROW(copy_boxes_into(sample, 0, 0, batch), std::logic_error);
  EXPECT_THROW(copy_boxes_into(hand_made_sample(0.5f), 0, 2, batch), std::logic_error);
}

}  // namespace
}  // namespace soco
