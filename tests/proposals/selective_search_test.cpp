// SPDX-License-Identifier: MIT
#include "soco/proposals/selective_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "proposals/test_images.h"
#include "soco/base/error.h"
#include "testing/instruction_sets.h"

namespace soco {
namespace {

using testing::fill_rectangle;
using testing::flat_image;
using testing::scene_image;

TEST(SelectiveSearch, GivesTheWholeImageWhenItIsFlat) {
  EXPECT_EQ(selective_search(flat_image(40, 60, {1, 2, 3})), (std::vector<Box>{{0, 0, 60, 40}}));
}

TEST(SelectiveSearch, GivesOnePixelItsTrueBounds) {
  EXPECT_EQ(selective_search(flat_image(1, 1, {9, 9, 9})), (std::vector<Box>{{0, 0, 1, 1}}));
}

TEST(SelectiveSearch, LeavesHalvesApartBecauseTheirBoxesOnlyTouch) {
  Image image = flat_image(32, 64, {0, 0, 0});
  fill_rectangle(image, 32, 0, 64, 32, {255, 255, 255});
  EXPECT_EQ(selective_search(image, {.sigma = 0}), (std::vector<Box>{{0, 0, 32, 32}, {32, 0, 64, 32}}));
}

TEST(SelectiveSearch, MergesAnObjectWithTheGroundAroundIt) {
  Image image = flat_image(60, 80, {20, 40, 60});
  fill_rectangle(image, 25, 20, 45, 40, {220, 30, 10});
  EXPECT_EQ(selective_search(image, {.sigma = 0}),
            (std::vector<Box>{{0, 0, 80, 60}, {25, 20, 45, 40}, {0, 0, 80, 60}}));
}

TEST(SelectiveSearch, GivesWholePixelsInsideTheImage) {
  const Image image = scene_image(100, 140, 4);
  const std::vector<Box> boxes = selective_search(image);
  EXPECT_GT(boxes.size(), 5u);
  for (const Box& b : boxes) {
    EXPECT_TRUE(b.x1 >= 0 && b.y1 >= 0 && b.x1 < b.x2 && b.y1 < b.y2 && b.x2 <= 140 && b.y2 <= 100);
    EXPECT_EQ(b.x1, static_cast<int>(b.x1));
    EXPECT_EQ(b.y2, static_cast<int>(b.y2));
  }
}

TEST(SelectiveSearch, RepeatsItself) {
  const Image image = scene_image(80, 80, 9);
  EXPECT_EQ(selective_search(image), selective_search(image));
}

TEST(SelectiveSearch, FailsWhenTheImageIsEmpty) { EXPECT_THROW(selective_search(Image{}), Error); }

TEST(SelectiveSearch, NamesSizeAndLimitWhenTheImageIsTooLarge) {
  try {
    selective_search(flat_image(10, 20, {0, 0, 0}), {.max_pixels = 199});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("200 pixels, more than max_pixels = 199"), std::string::npos) << e.what();
  }
}

TEST(SelectiveSearchOptions, AreReadByName) {
  SelectiveSearchOptions options;
  apply_override(options, "scales=150");
  apply_override(options, "strategy=soco");
  EXPECT_EQ(options.scales, std::vector<double>{150});
  EXPECT_THROW(apply_override(options, "min_size=0"), Error);
  EXPECT_THROW(apply_override(options, "strategy=quick"), Error);
}

TEST(SelectiveSearchOptions, AreRefusedWhenTheStrategyDoesNotUseThem) {
  EXPECT_THROW((SelectiveSearchOptions{.seed = 3}.validate()), Error);
  EXPECT_THROW((SelectiveSearchOptions{.scales = {100, 200}}.validate()), Error);
  EXPECT_NO_THROW(
      (SelectiveSearchOptions{.strategy = SearchStrategy::kFast, .scales = {100, 200}, .seed = 3}.validate()));
}

TEST(IdentityText, NamesWhatTheBoxesHangOnAlone) {
  EXPECT_EQ(identity_text({}), "strategy=soco scale=300 sigma=0.9 min_size=100");
  EXPECT_EQ(identity_text({.max_pixels = 5}), identity_text({}));
  EXPECT_EQ(identity_text({.max_side = 500}), "strategy=soco scale=300 sigma=0.9 min_size=100 max_side=500");
  EXPECT_EQ(identity_text({.strategy = SearchStrategy::kSingle, .seed = 4}),
            "strategy=single scale=200 sigma=0.8 min_size=100 ranking=votes colours=hsv "
            "similarities=colour_texture_size_fill seed=4 "
            "duplicate_iou=0.9 max_boxes=0");
}

class RankedStrategy : public ::testing::TestWithParam<SearchStrategy> {
 protected:
  SelectiveSearchOptions options{.strategy = GetParam()};
};

void expect_unique_boxes_inside(const std::vector<Box>& boxes, float width, float height) {
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Box& b = boxes[i];
    EXPECT_TRUE(b.x1 >= 0 && b.y1 >= 0 && b.x1 < b.x2 && b.y1 < b.y2 && b.x2 <= width && b.y2 <= height);
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(b == boxes[j]);
  }
  EXPECT_NE(std::find(boxes.begin(), boxes.end(), Box{0, 0, width, height}), boxes.end());
}

TEST_P(RankedStrategy, GivesUniqueBoxesInsideTheImageAndTheWhole) {
  options.duplicate_iou = 1;  // else a nearly whole box may stand for the whole
  expect_unique_boxes_inside(selective_search(scene_image(100, 140, 4), options), 140, 100);
}

TEST_P(RankedStrategy, FindsAnObject) {
  Image image = flat_image(60, 80, {20, 40, 60});
  fill_rectangle(image, 25, 20, 45, 40, {220, 30, 10});
  options.sigma = 0;
  const auto boxes = selective_search(image, options);
  EXPECT_NE(std::find(boxes.begin(), boxes.end(), Box{25, 20, 45, 40}), boxes.end());
}

TEST_P(RankedStrategy, HangsOnTheSeedInOrderAlone) {
  const Image image = scene_image(90, 120, 5);
  options.duplicate_iou = 1;
  const auto boxes = selective_search(image, options);
  EXPECT_EQ(selective_search(image, options), boxes);
  options.seed = 1;
  auto others = selective_search(image, options);
  EXPECT_NE(others, boxes);
  EXPECT_TRUE(std::is_permutation(others.begin(), others.end(), boxes.begin(), boxes.end()));
}

TEST_P(RankedStrategy, IsTheSameOnEveryInstructionSet) {
  const Image image = scene_image(90, 121, 6);
  const auto boxes = selective_search(image, options), exact = selective_search(image);
  testing::for_each_target([&] {
    EXPECT_EQ(selective_search(image, options), boxes);
    EXPECT_EQ(selective_search(image), exact);
  });
}

TEST_P(RankedStrategy, KeepsTheBestWhenAskedForFewer) {
  const Image image = scene_image(90, 120, 7);
  const auto all = selective_search(image, options);
  options.max_boxes = 5;
  ASSERT_GT(all.size(), 5u);
  EXPECT_EQ(selective_search(image, options), std::vector<Box>(all.begin(), all.begin() + 5));
}

INSTANTIATE_TEST_SUITE_P(Strategies, RankedStrategy,
                         ::testing::Values(SearchStrategy::kSingle, SearchStrategy::kFast, SearchStrategy::kQuality),
                         [](const auto& info) { return enum_name(info.param, kSearchStrategyNames); });

class AnyStrategy : public RankedStrategy {};

TEST_P(AnyStrategy, GivesOneBoxForOneColourWhateverTheShape) {
  for (const auto& [height, width] : {std::pair(1, 1), std::pair(1, 300), std::pair(300, 1), std::pair(200, 2),
                                      std::pair(2, 200), std::pair(40, 60)}) {
    EXPECT_EQ(selective_search(flat_image(height, width, {9, 9, 9}), options),
              (std::vector<Box>{{0, 0, static_cast<float>(width), static_cast<float>(height)}}))
        << height << " x " << width;
  }
}

TEST_P(AnyStrategy, WorksOnGreyAndOnThinScenes) {
  Image grey = scene_image(80, 90, 3);
  for (std::size_t i = 0; i < grey.pixels.size(); i += 3) grey.pixels[i + 1] = grey.pixels[i + 2] = grey.pixels[i];
  EXPECT_GT(selective_search(grey, options).size(), 3u);
  Image thin = flat_image(2, 900, {0, 0, 0});
  fill_rectangle(thin, 300, 0, 600, 2, {255, 255, 255});
  options.sigma = 0;
  const auto boxes = selective_search(thin, options);
  EXPECT_NE(std::find(boxes.begin(), boxes.end(), Box{300, 0, 600, 2}), boxes.end());
}

TEST_P(AnyStrategy, WorksOnNoise) {
  Image noise = flat_image(300, 400, {0, 0, 0});
  Rng rng(1, 0, 0, 0);
  for (auto& v : noise.pixels) v = static_cast<std::uint8_t>(rng.uniform_int(256));
  const auto boxes = selective_search(noise, options);
  EXPECT_GE(boxes.size(), 1u);
  EXPECT_LE(boxes.size(), 100000u);  // at most 1200 segments a scale and space, twice as many boxes in each grouping
}

TEST_P(AnyStrategy, SearchesLargeImagesAtMaxSide) {
  Image image = flat_image(600, 800, {20, 40, 60});
  fill_rectangle(image, 240, 200, 480, 400, {220, 30, 10});
  options.max_side = 100;
  const auto boxes = selective_search(image, options);
  const bool found = std::any_of(boxes.begin(), boxes.end(), [](const Box& b) {
    const auto near = [](float a, float c) { return std::abs(a - c) <= 16; };  // two pixels of the searched size
    return near(b.x1, 240) && near(b.y1, 200) && near(b.x2, 480) && near(b.y2, 400);
  });
  EXPECT_TRUE(found);
  for (const Box& b : boxes) EXPECT_TRUE(b.x1 >= 0 && b.y1 >= 0 && b.x2 <= 800 && b.y2 <= 600 && b.x1 < b.x2);
}

TEST_P(AnyStrategy, IsTheSameWithMemoryOfAnotherImage) {
  const Image large = scene_image(120, 160, 1), small = scene_image(70, 50, 2);
  SelectiveSearcher searcher(options);
  searcher.search(large);
  EXPECT_EQ(searcher.search(small), selective_search(small, options));
}

INSTANTIATE_TEST_SUITE_P(Strategies, AnyStrategy,
                         ::testing::Values(SearchStrategy::kSoco, SearchStrategy::kSingle, SearchStrategy::kFast,
                                           SearchStrategy::kQuality),
                         [](const auto& info) { return enum_name(info.param, kSearchStrategyNames); });

TEST(SelectiveSearch, TakesSixtyMegapixelsOnlyWithMaxSide) {
  const Image image = flat_image(6000, 10000, {50, 60, 70});
  try {
    selective_search(image);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("set max_side"), std::string::npos) << e.what();
  }
  EXPECT_EQ(selective_search(image, {.max_side = 500}), (std::vector<Box>{{0, 0, 10000, 6000}}));
}

}  // namespace
}  // namespace soco
