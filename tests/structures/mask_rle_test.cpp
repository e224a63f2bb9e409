// SPDX-License-Identifier: MIT
#include "soco/structures/mask_rle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/random.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class F>
std::string error_of(const F& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string text_error(std::string_view text) {
  return error_of([&] { mask_from_text(4, 6, text); });
}

std::vector<std::uint8_t> random_pixels(Rng& rng, std::size_t count) {
  std::vector<std::uint8_t> pixels(count);
  for (std::uint8_t& pixel : pixels) pixel = rng.uniform_int(3) == 0 ? 1 : 0;
  return pixels;
}

TEST(MaskRle, RunsGoDownTheColumns) {
  // . X X
  // . X .
  const MaskRle mask = mask_from_pixels(2, 3, std::vector<std::uint8_t>{0, 1, 1, 0, 1, 0});
  EXPECT_THAT(mask.runs, ElementsAre(2, 3, 1));
  EXPECT_EQ(mask_area(mask), 3);
  EXPECT_EQ(mask_box(mask), (CocoBox{1, 0, 2, 2}));
  EXPECT_EQ(mask_text(mask), "231");  // below 16 a number is one character, '0' + it
}

TEST(MaskRle, TextsOfLongerNumbersAndDifferences) {
  // 100 = 3 * 32 + 4: "T3", 4 with the bit that more follows (4 + 32 + 48 = 'T'), then 3. The fourth number is written
  // as 5 - 7 = -2: 30 with the sign bit, 30 + 48 = 'N'.
  const MaskRle mask = mask_from_counts(4, 30, std::vector<std::int64_t>{100, 7, 8, 5});
  EXPECT_EQ(mask_text(mask), "T378N");
  EXPECT_EQ(mask_from_text(4, 30, "T378N"), mask);
}

TEST(MaskRle, PixelsTextsAndCountsComeBack) {
  Rng rng(7, 0, 0, 0);
  for (int i = 0; i < 200; ++i) {
    const int height = 1 + static_cast<int>(rng.uniform_int(20)), width = 1 + static_cast<int>(rng.uniform_int(20));
    const auto pixels = random_pixels(rng, static_cast<std::size_t>(height * width));
    const MaskRle mask = mask_from_pixels(height, width, pixels);
    EXPECT_EQ(mask_pixels(mask), pixels);
    EXPECT_EQ(mask_from_text(height, width, mask_text(mask)), mask);
    EXPECT_EQ(mask_area(mask), std::count(pixels.begin(), pixels.end(), 1));
  }
}

TEST(MaskRle, RunsOfNoLengthAreJoined) {
  const MaskRle mask = mask_from_counts(2, 3, std::vector<std::int64_t>{0, 0, 2, 0, 0, 3, 0, 1});
  EXPECT_THAT(mask.runs, ElementsAre(2, 4));
}

TEST(MaskRle, MergesAndOverlapsAreThoseOfThePixels) {
  Rng rng(8, 0, 0, 0);
  for (int i = 0; i < 200; ++i) {
    const auto a = random_pixels(rng, 60), b = random_pixels(rng, 60);
    const std::vector<MaskRle> masks{mask_from_pixels(6, 10, a), mask_from_pixels(6, 10, b)};
    std::vector<std::uint8_t> either(60), both(60);
    double num_either = 0, num_both = 0, num_a = 0;
    for (std::size_t k = 0; k < 60; ++k) {
      num_either += either[k] = a[k] | b[k];
      num_both += both[k] = a[k] & b[k];
      num_a += a[k];
    }
    EXPECT_EQ(mask_pixels(merge_masks(masks, MaskOperation::kUnion)), either);
    EXPECT_EQ(mask_pixels(merge_masks(masks, MaskOperation::kIntersection)), both);
    EXPECT_EQ(mask_iou(masks[0], masks[1], false), num_both == 0 ? 0 : num_both / num_either);
    EXPECT_EQ(mask_iou(masks[0], masks[1], true), num_both == 0 ? 0 : num_both / num_a);
  }
}

TEST(MaskRle, PlacedMasksAreThePixelsAtTheirPlace) {
  Rng rng(7, 0, 0, 900);
  for (int i = 0; i < 200; ++i) {
    const auto draw = [&](int n) { return static_cast<int>(rng.uniform_int(static_cast<std::uint64_t>(n))); };
    const int h = 1 + draw(6), w = 1 + draw(6), y = draw(4), x = draw(4), height = y + h + draw(4),
              width = x + w + draw(4);
    const auto pixels = random_pixels(rng, static_cast<std::size_t>(h * w));
    std::vector<std::uint8_t> expected(static_cast<std::size_t>(height * width));
    for (int r = 0; r < h; ++r) {
      for (int c = 0; c < w; ++c)
        expected[static_cast<std::size_t>((y + r) * width + x + c)] = pixels[static_cast<std::size_t>(r * w + c)];
    }
    ASSERT_EQ(mask_pixels(place_mask(mask_from_pixels(h, w, pixels), height, width, x, y)), expected);
  }
}

TEST(MaskRle, ResizedMasksTakeThePixelUnderTheCentre) {
  // 2 x 4 px, the right half inside; each output pixel covers half an input pixel, or two.
  const MaskRle mask = mask_from_pixels(2, 4, std::vector<std::uint8_t>{0, 0, 1, 1, 0, 0, 1, 1});
  EXPECT_EQ(mask_pixels(resize_mask(mask, 1, 2)), (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(mask_pixels(resize_mask(mask, 1, 2, MaskMirror::kYes)), (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(mask_area(resize_mask(mask, 4, 8)), 16);
  EXPECT_EQ(resize_mask(mask, 2, 4), mask);
  EXPECT_THROW(resize_mask(mask, 0, 4), Error);
}

TEST(MaskRle, EmptyMasksHaveNoBox) {
  const MaskRle mask = mask_from_counts(2, 3, std::vector<std::int64_t>{6});
  EXPECT_EQ(mask_box(mask), CocoBox{});
  EXPECT_EQ(mask_area(mask), 0);
  EXPECT_EQ(mask_iou(mask, mask, false), 0);
}

TEST(MaskRle, TextsThatAreNone) {
  EXPECT_THAT(text_error("23"), HasSubstr("add up to 5, not 6 x 4 = 24 pixels"));
  EXPECT_THAT(text_error("2o"), HasSubstr("ends inside a number"));
  EXPECT_THAT(text_error("2 3"), HasSubstr("character 32"));
  EXPECT_THAT(text_error("2\xFF"), HasSubstr("character 255"));
  EXPECT_THAT(text_error("oooooooo1"), HasSubstr("more than 8 characters"));
  EXPECT_THAT(text_error("ooooooo1"), HasSubstr("more than"));  // more pixels than the image has
  EXPECT_THAT(text_error("O"), HasSubstr("a run of -1 pixels"));
  EXPECT_THAT(text_error(""), HasSubstr("add up to 0"));
}

TEST(MaskRle, SizesThatAreNone) {
  for (const auto& size : std::vector<std::pair<int, int>>{{0, 4}, {4, -1}, {1 << 24, 1 << 24}, {(1 << 24) + 1, 1}}) {
    EXPECT_THAT(error_of([&] { mask_from_text(size.first, size.second, "1"); }), HasSubstr("sides go from 1"));
  }
}

TEST(MaskFromPolygons, FillsWholePixels) {
  // The square of pixels 1 and 2 both ways.
  const Polygon square{1, 1, 3, 1, 3, 3, 1, 3};
  EXPECT_THAT(mask_from_polygons(4, 4, std::vector<Polygon>{square}).runs, ElementsAre(5, 2, 2, 2, 5));
}

TEST(MaskFromPolygons, CoordinatesFarOutsideCostNothing) {
  const Polygon large{-1e9, -1e9, 1e9, -1e9, 1e9, 1e9, -1e9, 1e9};
  EXPECT_EQ(mask_area(mask_from_polygons(100, 100, std::vector<Polygon>(1000, large))), 10000);
}

TEST(MaskFromPolygons, RefusesWhatIsNoPolygon) {
  const auto error = [](const Polygon& polygon) {
    return error_of([&] { mask_from_polygons(4, 4, std::vector<Polygon>{polygon}); });
  };
  EXPECT_THAT(error({1, 2, 3, 4}), HasSubstr("a polygon of 4 numbers"));
  EXPECT_THAT(error({1, 2, 3, 4, 5, 6, 7}), HasSubstr("a polygon of 7 numbers"));
  EXPECT_THAT(error({}), HasSubstr("a polygon of 0 numbers"));
  EXPECT_THAT(error({1, 2, 3, 4, 5, 2e9}), HasSubstr("no image reaches"));
}

TEST(MaskOracle, PolygonsAreRasterisedAsPycocotoolsDoes) {
  SOCO_ORACLE_OR_SKIP(path, "detection/masks.json");
  const Json cases = parse_json(read_text_file(path, 1u << 28), path.string());
  ASSERT_GE(cases.size(), 3000u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Json& one = cases[i];
    const std::vector<Polygon> polygon{one.at("polygon").get<Polygon>()};
    const MaskRle mask = mask_from_polygons(one.at("height"), one.at("width"), polygon);
    ASSERT_EQ(mask_text(mask), one.at("counts").get<std::string>()) << i << " " << one.dump();
    ASSERT_EQ(mask_area(mask), one.at("area").get<std::int64_t>()) << i;
    const auto box = one.at("box").get<std::vector<double>>();
    ASSERT_EQ(mask_box(mask), (CocoBox{box[0], box[1], box[2], box[3]})) << i;
  }
}

TEST(MaskOracle, MergesAndOverlapsArePycocotools) {
  SOCO_ORACLE_OR_SKIP(path, "detection/merges.json");
  const Json cases = parse_json(read_text_file(path, 1u << 28), path.string());
  ASSERT_GE(cases.size(), 300u);
  for (const Json& one : cases) {
    std::vector<MaskRle> masks;
    for (const Json& text : one.at("masks")) masks.push_back(mask_from_text(240, 320, text.get<std::string>()));
    EXPECT_EQ(mask_from_counts(240, 320, one.at("uncompressed").get<std::vector<std::int64_t>>()), masks[0]);
    EXPECT_EQ(mask_text(merge_masks(masks, MaskOperation::kUnion)), one.at("union").get<std::string>());
    EXPECT_EQ(mask_text(merge_masks(masks, MaskOperation::kIntersection)), one.at("intersection").get<std::string>());
    EXPECT_EQ(mask_iou(masks[0], masks[1], false), one.at("iou").get<double>());
    EXPECT_EQ(mask_iou(masks[0], masks[1], true), one.at("crowd_iou").get<double>());
  }
}

}  // namespace
}  // namespace soco
