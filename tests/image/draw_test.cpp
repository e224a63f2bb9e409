// SPDX-License-Identifier: MIT
#include "soco/image/draw.h"

#include <gtest/gtest.h>

#include <climits>
#include <set>
#include <string>

#include "soco/image/font.h"

namespace soco {
namespace {

constexpr Color kWhite{255, 255, 255};

/// The red channel as text: '#' where it is set, a line a row.
std::string picture(const Image& image) {
  std::string text;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) text += image.row(y)[3 * x] != 0 ? '#' : '.';
    text += '\n';
  }
  return text;
}

TEST(Draw, FillsFromFirstToBeforeLast) {
  Image image = make_image(3, 5);
  fill_rectangle(image, 1, 1, 4, 2, kWhite);
  EXPECT_EQ(picture(image), ".....\n.###.\n.....\n");
}

TEST(Draw, OutlinesInsideTheRectangle) {
  Image image = make_image(6, 7);
  draw_rectangle(image, 0, 0, 7, 6, kWhite, 2);
  EXPECT_EQ(picture(image), "#######\n#######\n##...##\n##...##\n#######\n#######\n");
}

TEST(Draw, ThickOutlineStaysInAThinRectangle) {
  Image image = make_image(3, 4);
  draw_rectangle(image, 1, 1, 3, 2, kWhite, 5);
  EXPECT_EQ(picture(image), "....\n.##.\n....\n");
}

TEST(Draw, DashesAreAsLongAsTheirGaps) {
  Image image = make_image(3, 8);
  draw_dashed_rectangle(image, 0, 0, 8, 3, kWhite, 2);
  EXPECT_EQ(picture(image), "##..##.#\n#......#\n##..##..\n");
}

TEST(Draw, LinesHitBothEnds) {
  Image image = make_image(3, 5);
  draw_line(image, 4, 0, 0, 2, kWhite);
  EXPECT_EQ(picture(image), "....#\n..##.\n##...\n");
  Image dot = make_image(1, 2);
  draw_line(dot, 1, 0, 1, 0, kWhite);
  EXPECT_EQ(picture(dot), ".#\n");
}

TEST(Draw, EndlessShapesAreClippedAtOnce) {
  Image image = make_image(3, 3);
  draw_line(image, INT_MIN, INT_MIN, INT_MAX, INT_MAX, kWhite);
  EXPECT_EQ(picture(image), "#..\n.#.\n..#\n");
  draw_line(image, INT_MAX, 5, INT_MIN, 5, kWhite);
  draw_rectangle(image, INT_MIN, INT_MIN, INT_MAX, INT_MAX, kWhite, INT_MAX);
  EXPECT_EQ(picture(image), "###\n###\n###\n");
  draw_dashed_rectangle(image, INT_MIN, INT_MIN, INT_MAX, INT_MAX, kWhite, INT_MAX);
  draw_text(image, INT_MIN, INT_MAX, "far", kWhite, 1000000);
  paste(image, make_image(2, 2), INT_MAX, INT_MIN);
  EXPECT_EQ(picture(image), "###\n###\n###\n");
}

TEST(Draw, TextFollowsTheFontAndScales) {
  Image image = make_image(7, 11);
  draw_text(image, 0, 0, "1L", kWhite);
  EXPECT_EQ(picture(image),
            "..#...#....\n"
            ".##...#....\n"
            "#.#...#....\n"
            "..#...#....\n"
            "..#...#....\n"
            "..#...#....\n"
            "#####.#####\n");
  Image large = make_image(14, 22);
  draw_text(large, 0, 0, "1L", kWhite, 2);
  for (int y = 0; y < 14; ++y) {
    for (int x = 0; x < 22; ++x) EXPECT_EQ(large.row(y)[3 * x], image.row(y / 2)[3 * (x / 2)]);
  }
}

TEST(Draw, EveryCharacterHasItsOwnGlyphOfFiveBySeven) {
  std::set<std::string_view> seen;
  for (char letter = 32; letter < 127; ++letter) {
    const std::string_view dots = glyph(letter);
    ASSERT_EQ(dots.size(), static_cast<std::size_t>((kGlyphWidth + 1) * kGlyphHeight - 1)) << letter;
    for (std::size_t i = 0; i < dots.size(); ++i) {
      EXPECT_TRUE(i % 6 == 5 ? dots[i] == '/' : dots[i] == '#' || dots[i] == '.') << letter;
    }
    EXPECT_TRUE(seen.insert(dots).second) << letter;
  }
  EXPECT_EQ(glyph('\n'), glyph('?'));
  EXPECT_EQ(glyph('\xc3'), glyph('?'));
}

TEST(Draw, PasteCopiesWhatIsInside) {
  Image source = make_image(2, 2);
  fill_rectangle(source, 0, 0, 2, 2, kWhite);
  Image image = make_image(3, 3);
  paste(image, source, 2, -1);
  paste(image, source, -1, 2);
  EXPECT_EQ(picture(image), "..#\n...\n#..\n");
}

TEST(ContactSheet, CentresImagesInCells) {
  Image wide = make_image(1, 3), tall = make_image(3, 1);
  fill_rectangle(wide, 0, 0, 3, 1, kWhite);
  fill_rectangle(tall, 0, 0, 1, 3, kWhite);
  const Image sheet = contact_sheet({wide, tall, tall}, 2, 1, {0, 9, 0});
  EXPECT_EQ(picture(sheet),
            ".........\n"
            "......#..\n"
            ".###..#..\n"
            "......#..\n"
            ".........\n"
            "..#......\n"
            "..#......\n"
            "..#......\n"
            ".........\n");
  EXPECT_EQ(sheet.row(0)[1], 9);
  EXPECT_EQ(contact_sheet({wide}, 5, 0, kWhite), wide);
  EXPECT_THROW(contact_sheet({}, 1, 0, kWhite), std::logic_error);
}

}  // namespace
}  // namespace soco
