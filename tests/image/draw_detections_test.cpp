// SPDX-License-Identifier: MIT
#include "soco/image/draw_detections.h"

#include <gtest/gtest.h>

#include <limits>

namespace soco {
namespace {

Color pixel(const Image& image, int y, int x) {
  const std::uint8_t* p = image.row(y) + 3 * static_cast<std::ptrdiff_t>(x);
  return {p[0], p[1], p[2]};
}

ImageDetections one_object(float score) {
  const std::vector<Polygon> polygon{{20, 20, 40, 20, 40, 40, 20, 40}};
  return {.height = 60,
          .width = 80,
          .boxes = {{20, 20, 40, 40}},
          .scores = {score},
          .labels = {1},
          .masks = {mask_from_polygons(60, 80, polygon)}};
}

TEST(BlendMask, MixesInsideAlone) {
  Image image = make_image(4, 6);
  const std::vector<Polygon> polygon{{1, 1, 3, 1, 3, 3, 1, 3}};
  blend_mask(image, mask_from_polygons(4, 6, polygon), {200, 100, 50}, 0.5);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 6; ++x) {
      const bool inside = x >= 1 && x < 3 && y >= 1 && y < 3;
      EXPECT_EQ(pixel(image, y, x), inside ? (Color{100, 50, 25}) : (Color{0, 0, 0}));
    }
  }
}

TEST(DrawDetections, DrawsBoxMaskAndName) {
  Image image = make_image(60, 80);
  draw_detections(image, one_object(0.9f), std::vector<std::string>{"cat", "dog"});
  const Color color = label_color(1);
  EXPECT_EQ(pixel(image, 20, 30), color);  // the outline
  EXPECT_EQ(pixel(image, 39, 30), color);
  const Color inside = pixel(image, 30, 30);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(inside[c], color[c] * 0.4, 1);
  EXPECT_EQ(pixel(image, 50, 10), (Color{0, 0, 0}));
  EXPECT_EQ(pixel(image, 12, 21), color);  // behind the name, above the box
}

TEST(DrawDetections, LeavesOutWhatIsUnsure) {
  Image image = make_image(60, 80);
  draw_detections(image, one_object(0.4f), {});
  EXPECT_EQ(image, make_image(60, 80));
  draw_detections(image, one_object(0.4f), {}, {.min_score = 0.3f});
  EXPECT_NE(image, make_image(60, 80));
}

TEST(DrawDetections, TakesBoxesFromAnywhere) {
  constexpr float kHuge = 1e30f, kNan = std::numeric_limits<float>::quiet_NaN();
  Image image = make_image(10, 10);
  const ImageDetections wild{.height = 10,
                             .width = 10,
                             .boxes = {{-kHuge, -kHuge, kHuge, kHuge}, {kNan, kNan, kNan, kNan}, {8, 8, 2, 2}},
                             .scores = {1, 1, 1},
                             .labels = {0, 1, 1000}};
  EXPECT_NO_THROW(draw_detections(image, wild, {}));
}

TEST(LabelColor, NeighboursDiffer) {
  for (int label = 0; label < 100; ++label) EXPECT_NE(label_color(label), label_color(label + 1));
}

}  // namespace
}  // namespace soco
