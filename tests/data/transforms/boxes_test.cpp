// SPDX-License-Identifier: MIT
#include "soco/data/transforms/boxes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(IdBoxesFromProposals, AreTheReleasesInclusiveCorners) {
  // Pixels 10..49 x 20..79: stored by the release as x=10 y=20 w=39 h=59, read as x2 = 48, y2 = 78.
  const ProposalSet set{.height = 100, .width = 90, .boxes = {{10, 20, 50, 80}, {0, 0, 40, 40}}};
  EXPECT_THAT(id_boxes_from_proposals(set), ElementsAre(IdBox{10, 20, 48, 78, 1}, IdBox{0, 0, 38, 38, 2}));
}

TEST(IdBoxesFromProposals, GiveTheWholeImageWhenThereAreNone) {
  EXPECT_THAT(id_boxes_from_proposals({.height = 100, .width = 90, .boxes = {}}), ElementsAre(IdBox{0, 0, 89, 99, 1}));
}

TEST(OverlapOf, IsStrictAndKeepsTheFirstId) {
  const IdBox a{0, 0, 10, 10, 7};
  EXPECT_EQ(overlap_of(a, {5, 6, 20, 20, 9}), (IdBox{5, 6, 10, 10, 7}));
  EXPECT_FALSE(overlap_of(a, {10, 0, 20, 10, 9}));  // a shared edge is no overlap
  EXPECT_FALSE(overlap_of(a, {0, 11, 10, 20, 9}));
}

TEST(BoxesInBothCrops, KeepsOrderAndDropsOutsiders) {
  const std::vector<IdBox> boxes{{0, 0, 30, 30, 1}, {60, 60, 90, 90, 2}, {45, 45, 90, 90, 3}};
  // Crops: pixels 0..49 and 25..99 in both axes; common 25..49.
  EXPECT_THAT(boxes_in_both_crops(boxes, {0, 0, 50, 50}, {25, 25, 75, 75}), ElementsAre(boxes[0], boxes[2]));
  EXPECT_THAT(boxes_in_both_crops(boxes, {0, 0, 20, 20}, {50, 50, 20, 20}), IsEmpty());
}

TEST(SelectBoxes, TakesAllInOrderWhenThereAreTooFew) {
  const std::vector<IdBox> boxes{{0, 0, 1, 1, 5}, {0, 0, 1, 1, 2}, {0, 0, 1, 1, 9}};
  Rng rng(1, 0, 0, purpose::kViews);
  EXPECT_EQ(select_boxes(boxes, 4, rng), boxes);
  EXPECT_THAT(select_boxes({}, 4, rng), IsEmpty());
}

TEST(SelectBoxes, DrawsWithoutReplacementAndEachEquallyOften) {
  std::vector<IdBox> boxes;
  for (int i = 0; i < 10; ++i) boxes.push_back({0, 0, 1, 1, i});
  Rng rng(1, 0, 0, purpose::kViews);
  std::array<int, 10> count{};
  for (int i = 0; i < 5000; ++i) {
    std::set<int> ids;
    for (const IdBox& box : select_boxes(boxes, 4, rng)) ids.insert(box.id);
    ASSERT_EQ(ids.size(), 4u);
    for (const int id : ids) ++count[id];
  }
  for (const int c : count) EXPECT_NEAR(c, 2000, 5 * std::sqrt(5000 * 0.4 * 0.6));  // five standard deviations
}

TEST(JitterBox, IsTheHandCalculation) {
  // w = 100, h = 50: x1 10 + 10, y1 20 - 5, new size 90 x 55 -> x2 = 20 + 90 - 1, y2 = 15 + 55 - 1.
  const IdBox box{10, 20, 109, 69, 3};
  const IdBox moved = jitter_box(box, {.active = true, .dx = 0.1, .dy = -0.1, .dw = -0.1, .dh = 0.1});
  EXPECT_DOUBLE_EQ(moved.x1, 20);
  EXPECT_DOUBLE_EQ(moved.y1, 15);
  EXPECT_DOUBLE_EQ(moved.x2, 109);
  EXPECT_DOUBLE_EQ(moved.y2, 69);
  EXPECT_EQ(moved.id, 3);
}

TEST(JitterBox, ChangesNothingWhenInactive) {
  const IdBox box{10, 20, 109, 69, 3};
  EXPECT_EQ(jitter_box(box, {.active = false, .dx = 0.1, .dy = 0.1, .dw = 0.1, .dh = 0.1}), box);
}

TEST(DrawBoxJitter, IsActiveAsOftenAsAskedAndWithinTheRatio) {
  Rng rng(2, 0, 0, purpose::kViews);
  int active = 0;
  for (int i = 0; i < 4000; ++i) {
    const BoxJitter jitter = draw_box_jitter(0.5, 0.1, rng);
    active += jitter.active;
    for (const double share : {jitter.dx, jitter.dy, jitter.dw, jitter.dh}) ASSERT_LE(std::abs(share), 0.1);
  }
  EXPECT_NEAR(active, 2000, 5 * std::sqrt(1000.0));
}

TEST(ClipBoxes, MovesIntoTheCropAndDropsWhatIsOutside) {
  const std::vector<IdBox> boxes{{0, 0, 30, 30, 4}, {70, 0, 90, 30, 5}, {25, 25, 28.5, 27, 6}};
  EXPECT_THAT(clip_boxes(boxes, {20, 10, 40, 50}), ElementsAre(IdBox{0, 0, 10, 20, 4}, IdBox{5, 15, 8.5, 17, 6}));
}

TEST(ClipBoxes, GivesTheWholeCropWithIdOneWhenNoneIsLeft) {
  EXPECT_THAT(clip_boxes({{70, 70, 90, 90, 5}}, {20, 10, 40, 50}), ElementsAre(IdBox{0, 0, 39, 49, 1}));
  EXPECT_THAT(clip_boxes({}, {20, 10, 40, 50}), ElementsAre(IdBox{0, 0, 39, 49, 1}));
}

TEST(DrawPadding, RepeatsOnlyBoxesWhoseIdIsOnBothSides) {
  const std::vector<IdBox> boxes{{0, 0, 1, 1, 7}, {0, 0, 1, 1, 8}, {0, 0, 1, 1, 9}};
  const std::vector<IdBox> other{{0, 0, 2, 2, 9}, {0, 0, 2, 2, 7}};
  Rng rng(5, 0, 0, purpose::kViews);
  std::set<int> rows;
  for (int i = 0; i < 100; ++i) {
    const auto padding = draw_padding(boxes, other, 5, rng);
    ASSERT_EQ(padding.size(), 2u);
    rows.insert(padding.begin(), padding.end());
  }
  EXPECT_THAT(rows, ElementsAre(0, 2));
  EXPECT_THAT(draw_padding(boxes, other, 3, rng), IsEmpty());
  EXPECT_THAT(draw_padding(boxes, other, 2, rng), IsEmpty());
}

TEST(DrawPadding, RepeatsAnyBoxWhenNoIdIsCommon) {
  Rng rng(5, 0, 0, purpose::kViews);
  EXPECT_THAT(draw_padding({{0, 0, 1, 1, 7}}, {{0, 0, 1, 1, 1}}, 4, rng), ElementsAre(0, 0, 0));
}

TEST(PadBoxes, AppendsCopiesOfTheRows) {
  const std::vector<IdBox> boxes{{0, 0, 1, 1, 7}, {0, 0, 2, 2, 8}};
  EXPECT_THAT(pad_boxes(boxes, {1, 0}), ElementsAre(boxes[0], boxes[1], boxes[1], boxes[0]));
}

TEST(NormalizedBox, DividesInclusiveCornersByTheCropsSize) {
  // The release's trap: 39 / 40, not 40 / 40.
  const Box box = normalized_box({10, 5, 39, 25, 1}, {100, 100, 40, 50});
  EXPECT_EQ(box, (Box{0.25f, 0.1f, 0.975f, 0.5f}));
}

TEST(FlipBox, MirrorsAndIsItsOwnInverse) {
  const Box box{0.25f, 0.125f, 0.75f, 0.5f};
  EXPECT_EQ(flip_box({0.125f, 0.125f, 0.5f, 0.5f}), (Box{0.5f, 0.125f, 0.875f, 0.5f}));
  EXPECT_EQ(flip_box(flip_box(box)), box);
}

}  // namespace
}  // namespace soco
