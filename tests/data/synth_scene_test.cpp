// SPDX-License-Identifier: MIT
#include "soco/data/synth_scene.h"

#include <gtest/gtest.h>

#include <cmath>

#include "soco/data/synth_canvas.h"

namespace soco {
namespace {

Scene scene_of(const SynthOptions& options, std::uint64_t index) {
  Rng rng(11, 0, index, purpose::kSynth);
  return draw_scene(options, rng);
}

SynthOptions small_options() {
  SynthOptions options;
  options.width = 128;
  options.height = 96;
  return options;
}

TEST(DrawScene, GivesEqualPicturesForEqualRandomNumbers) {
  const Scene a = scene_of(small_options(), 0), b = scene_of(small_options(), 0), c = scene_of(small_options(), 1);
  EXPECT_EQ(a.image.pixels, b.image.pixels);
  EXPECT_NE(a.image.pixels, c.image.pixels);
}

TEST(DrawScene, HasDisjointMasksOfTheImagesSize) {
  for (std::uint64_t index = 0; index < 30; ++index) {
    const Scene scene = scene_of(small_options(), index);
    ASSERT_EQ(scene.image.pixels.size(), static_cast<std::size_t>(scene.image.height) * scene.image.width * 3);
    ASSERT_GE(scene.objects.size(), 1U);
    std::vector<int> owners(static_cast<std::size_t>(scene.image.height) * scene.image.width);
    for (const SceneObject& object : scene.objects) {
      ASSERT_EQ(object.visible.height, scene.image.height);
      ASSERT_EQ(object.visible.width, scene.image.width);
      EXPECT_GE(mask_area(object.visible), 40);
      for (std::size_t i = 0; i < owners.size(); ++i) owners[i] += object.visible.pixels[i];
    }
    EXPECT_LE(*std::max_element(owners.begin(), owners.end()), 1);
  }
}

TEST(DrawScene, KeepsToTheOptions) {
  SynthOptions options = small_options();
  options.size_variation = 0;
  options.categories = 3;
  options.max_objects = 2;
  options.crowd_prob = 0;
  for (std::uint64_t index = 0; index < 30; ++index) {
    const Scene scene = scene_of(options, index);
    EXPECT_EQ(scene.image.height, 96);
    EXPECT_EQ(scene.image.width, 128);
    EXPECT_LE(scene.objects.size(), 2U);
    for (const SceneObject& object : scene.objects) {
      EXPECT_FALSE(object.crowd);
      EXPECT_LT(object.category, 3);
    }
  }
}

TEST(DrawScene, HoldsACrowdOfManyPiecesWhenAskedFor) {
  SynthOptions options = small_options();
  options.crowd_prob = 1;
  int num_crowds = 0;
  std::size_t num_outlines = 0;
  for (std::uint64_t index = 0; index < 10; ++index) {
    for (const SceneObject& object : scene_of(options, index).objects) {
      if (!object.crowd) continue;
      ++num_crowds;
      num_outlines += mask_outlines(object.visible).size();
    }
  }
  EXPECT_EQ(num_crowds, 10);
  EXPECT_GT(num_outlines, 40U);  // 12 to 30 members each, many of which touch
}

TEST(DrawScene, HidesObjectsBehindEachOtherButNeverMost) {
  // Several objects in a picture of their size: some masks must be cut by others (more than one outline, or a bite).
  SynthOptions options = small_options();
  options.max_objects = 8;
  options.crowd_prob = 0;
  int num_cut = 0, num_objects = 0;
  for (std::uint64_t index = 0; index < 40; ++index) {
    const Scene scene = scene_of(options, index);
    for (std::size_t i = 1; i < scene.objects.size(); ++i) {
      ++num_objects;
      // A pixel of this object beside a pixel of one further front.
      const BinaryMask& mask = scene.objects[i].visible;
      bool touches = false;
      for (std::size_t j = 0; j < i && !touches; ++j) {
        const BinaryMask& front = scene.objects[j].visible;
        for (int y = 0; y < mask.height && !touches; ++y) {
          for (int x = 1; x < mask.width && !touches; ++x) {
            touches = (mask.at(y, x) && front.at(y, x - 1)) || (mask.at(y, x - 1) && front.at(y, x));
          }
        }
      }
      num_cut += touches ? 1 : 0;
    }
  }
  EXPECT_GT(num_cut, num_objects / 4);
}

TEST(PlacedShape, CountsPixelsBeyondTheBorderInItsFullArea) {
  Rng rng(6, 0, 0, purpose::kSynth);
  const Shape disc = Shape::draw(ShapeFamily::kDisc, 10, rng);
  const PlacedShape inside(disc, 50, 50, 100, 100), corner(disc, 0, 0, 100, 100), away(disc, -50, 50, 100, 100);
  // Between the disc and its flattest form (0.85): pi 100 [0.85, 1]; pixel counting errs by about the outline / 10.
  EXPECT_GT(inside.full_area, 0.85 * 314.16 - 7);
  EXPECT_LT(inside.full_area, 314.16 + 7);
  EXPECT_EQ(corner.full_area, inside.full_area);  // moved by whole pixels
  EXPECT_EQ(corner.x1, 0);
  EXPECT_LE(corner.x2, 13);
  EXPECT_EQ(away.x1, away.x2);  // no pixel of the picture
  EXPECT_LE(inside.distance(50, 50), 0);
  EXPECT_GT(inside.distance(90, 50), 10);
}

}  // namespace
}  // namespace soco
