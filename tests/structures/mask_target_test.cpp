// SPDX-License-Identifier: MIT
#include "soco/structures/mask_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/random.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

Box box_of(const Json& corners) {
  return {corners.at(0).get<float>(), corners.at(1).get<float>(), corners.at(2).get<float>(),
          corners.at(3).get<float>()};
}

std::string text_of(std::span<const std::uint8_t> pixels) {
  std::string text;
  for (const std::uint8_t pixel : pixels) text.push_back(static_cast<char>('0' + pixel));
  return text;
}

Polygon rectangle(double x1, double y1, double x2, double y2) { return {x1, y1, x2, y1, x2, y2, x1, y2}; }

InstanceShape mask_of_polygon(int height, int width, const Polygon& polygon) {
  return {.mask = mask_from_polygons(height, width, std::vector<Polygon>{polygon})};
}

TEST(MaskTarget, IsThePartOfTheShapeInTheBox) {
  // The left half of a box of 8 x 8 px, and its lower half.
  const InstanceShape left{.polygons = {rectangle(0, 0, 14, 40)}},
      low = mask_of_polygon(40, 40, rectangle(0, 14, 40, 40));
  const Box box{10, 10, 18, 18};
  EXPECT_THAT(mask_target(left, box, 2), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(mask_target(low, box, 2), ElementsAre(0, 0, 1, 1));
  const std::vector<InstanceShape> shapes{left, low};
  EXPECT_THAT(mask_targets(shapes, std::vector<std::int64_t>{1, 0}, std::vector<Box>{box, box}, 2),
              ElementsAre(0, 0, 1, 1, 1, 0, 1, 0));
  EXPECT_TRUE(mask_targets(shapes, {}, {}, 28).empty());
}

TEST(MaskTarget, PolygonsAreUnited) {
  const InstanceShape corners{.polygons = {rectangle(0, 0, 4, 4), rectangle(4, 4, 8, 8)}};
  EXPECT_THAT(mask_target(corners, {0, 0, 8, 8}, 2), ElementsAre(1, 0, 0, 1));
}

TEST(MaskTarget, OfABoxWithoutExtentOrBesideTheShapeIsWhole) {
  const InstanceShape polygon{.polygons = {rectangle(0, 0, 4, 4)}},
      mask = mask_of_polygon(30, 30, rectangle(0, 0, 4, 4));
  for (const InstanceShape* shape : {&polygon, &mask}) {
    EXPECT_EQ(mask_target(*shape, {3, 3, 3, 3}, 28).size(), 28u * 28u);
    EXPECT_THAT(mask_target(*shape, {10, 10, 20, 20}, 7), Each(0));
    EXPECT_THAT(mask_target(*shape, {-100, -100, -50, -50}, 7), Each(0));
    EXPECT_THAT(mask_target(*shape, {500, 500, 550, 550}, 7), Each(0));
  }
}

TEST(MaskTarget, OfPolygonsAndOfTheirMaskAreAlike) {
  // Both ways differ by rounding along the outline alone: of three sides, which lie in the box or end with it, a row or
  // column of 28 cells each, since cells are 1.4 px and more.
  Rng rng(3, 0, 0, 900);
  for (int i = 0; i < 50; ++i) {
    const double x = rng.uniform(0, 40), y = rng.uniform(0, 40), w = rng.uniform(40, 56), h = rng.uniform(40, 56);
    const Polygon polygon = rectangle(x, y, x + w, y + h);
    const Box box{static_cast<float>(x) - 4, static_cast<float>(y) + 3, static_cast<float>(x + w),
                  static_cast<float>(y + h)};
    const auto a = mask_target({.polygons = {polygon}}, box, 28),
               b = mask_target(mask_of_polygon(100, 100, polygon), box, 28);
    int num_different = 0;
    for (std::size_t k = 0; k < a.size(); ++k) num_different += a[k] != b[k];
    EXPECT_LE(num_different, 3 * 28);
  }
}

TEST(MaskTarget, OfPolygonsIsPycocotools) {
  SOCO_ORACLE_OR_SKIP(path, "polygon_target.json");
  const Json cases = parse_json(read_text_file(path, 64 << 20), path.string());
  ASSERT_GE(cases.size(), 400u);
  for (const Json& item : cases) {
    const InstanceShape shape{.polygons = item.at("polygons").get<std::vector<Polygon>>()};
    const auto target = mask_target(shape, box_of(item.at("box")), item.at("size").get<int>());
    ASSERT_EQ(text_of(target), item.at("target").get<std::string>()) << item.dump();
  }
}

TEST(MaskTarget, OfMasksIsTorchvisions) {
  SOCO_ORACLE_OR_SKIP(path, "bitmap_target.json");
  const Json cases = parse_json(read_text_file(path, 64 << 20), path.string());
  ASSERT_GE(cases.size(), 60u);
  for (const Json& item : cases) {
    std::vector<std::uint8_t> pixels;
    for (const char c : item.at("mask").get<std::string>()) pixels.push_back(c == '1');
    const InstanceShape shape{.mask =
                                  mask_from_pixels(item.at("height").get<int>(), item.at("width").get<int>(), pixels)};
    const Json &boxes = item.at("boxes"), &targets = item.at("targets");
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const auto target = mask_target(shape, box_of(boxes[i]), item.at("size").get<int>());
      ASSERT_EQ(text_of(target), targets[i].get<std::string>()) << boxes[i].dump();
    }
  }
}

}  // namespace
}  // namespace soco
