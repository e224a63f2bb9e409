// SPDX-License-Identifier: MIT
#include "soco/structures/tiling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/random.h"

namespace soco {
namespace {

using ::testing::ElementsAre;

TEST(PlanTiles, CoversTheImageWithTheOverlap) {
  Rng rng(2, 0, 0, 900);
  const auto draw = [&](int n) { return static_cast<int>(rng.uniform_int(static_cast<std::uint64_t>(n))); };
  for (int i = 0; i < 300; ++i) {
    const int height = 1 + draw(300), width = 1 + draw(300), size = 2 + draw(120), overlap = draw(size);
    const auto tiles = plan_tiles(height, width, size, overlap);
    std::vector<int> xs;
    for (const Tile& tile : tiles) {
      ASSERT_TRUE(tile.x >= 0 && tile.y >= 0 && tile.x + tile.width <= width && tile.y + tile.height <= height);
      ASSERT_EQ(tile.width, std::min(size, width));
      ASSERT_EQ(tile.height, std::min(size, height));
      if (tile.y == 0) xs.push_back(tile.x);
    }
    ASSERT_EQ(xs.front(), 0);
    ASSERT_EQ(xs.back() + tiles[0].width, width);
    for (std::size_t k = 1; k < xs.size(); ++k) ASSERT_TRUE(xs[k] > xs[k - 1] && xs[k - 1] + size - xs[k] >= overlap);
    // One tile fewer could not: n tiles reach size + (n - 1) * (size - overlap) px.
    if (xs.size() > 1) {
      ASSERT_LT(size + (static_cast<int>(xs.size()) - 2) * (size - overlap), width);
    }
  }
}

TEST(PlanTiles, OfASmallImageIsTheImage) { EXPECT_THAT(plan_tiles(40, 50, 64, 16), ElementsAre(Tile{0, 0, 40, 50})); }

ImageDetections found(std::vector<Box> boxes, std::vector<float> scores, int label = 0) {
  ImageDetections detections{.boxes = std::move(boxes), .scores = std::move(scores)};
  detections.labels.assign(detections.boxes.size(), label);
  return detections;
}

TEST(MergeTiles, OneObjectOfTwoTilesIsOneDetection) {
  // Tiles of 100 px side by side, 40 px in common; the object is at 70..90 of the image, in both whole.
  const auto tiles = plan_tiles(100, 160, 100, 40);
  ASSERT_THAT(tiles, ElementsAre(Tile{0, 0, 100, 100}, Tile{60, 0, 100, 100}));
  const std::vector<ImageDetections> detections{found({{70, 10, 90, 30}}, {0.8f}), found({{10, 10, 31, 30}}, {0.9f})};
  const ImageDetections merged = merge_tiles(100, 160, tiles, detections);
  EXPECT_THAT(merged.boxes, ElementsAre(Box{70, 10, 91, 30}));
  EXPECT_THAT(merged.scores, ElementsAre(0.9f));
  EXPECT_EQ(merged.width, 160);
}

TEST(MergeTiles, AnObjectCutByATileGivesWayToTheWholeOne) {
  // 65..130 of the image: the left tile has it up to its edge, 65..100, and is surer of that.
  const auto tiles = plan_tiles(100, 160, 100, 40);
  const std::vector<ImageDetections> detections{found({{65, 10, 100, 30}}, {0.95f}), found({{5, 10, 70, 30}}, {0.9f})};
  EXPECT_THAT(merge_tiles(100, 160, tiles, detections).boxes, ElementsAre(Box{65, 10, 130, 30}));
  // Of another label it is another object.
  const std::vector<ImageDetections> labels{found({{65, 10, 100, 30}}, {0.95f}, 1), found({{5, 10, 70, 30}}, {0.9f})};
  EXPECT_THAT(merge_tiles(100, 160, tiles, labels).scores, ElementsAre(0.95f, 0.9f));
  // At the image's own edge nothing is cut: a part of a whole object stays.
  const std::vector<ImageDetections> nested{found({{0, 10, 20, 30}, {0, 0, 60, 60}}, {0.95f, 0.9f}), found({}, {})};
  EXPECT_EQ(merge_tiles(100, 160, tiles, nested).boxes.size(), 2u);
}

TEST(MergeTiles, MasksMoveWithTheirTile) {
  const auto tiles = plan_tiles(4, 6, 4, 2);
  ASSERT_EQ(tiles.size(), 2u);
  ImageDetections right = found({{1, 1, 3, 3}}, {0.5f});
  const std::vector<Polygon> polygon{{1, 1, 3, 1, 3, 3, 1, 3}};
  right.masks = {mask_from_polygons(4, 4, polygon)};
  const ImageDetections merged = merge_tiles(4, 6, tiles, std::vector{found({}, {}), right});
  const std::vector<Polygon> moved{{3, 1, 5, 1, 5, 3, 3, 3}};
  EXPECT_THAT(merged.masks, ElementsAre(mask_from_polygons(4, 6, moved)));
  EXPECT_THAT(merged.boxes, ElementsAre(Box{3, 1, 5, 3}));
}

}  // namespace
}  // namespace soco
