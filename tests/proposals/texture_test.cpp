// SPDX-License-Identifier: MIT
#include "soco/proposals/texture.h"

#include <gtest/gtest.h>

#include "proposals/test_images.h"

namespace soco {
namespace {

using testing::grey_image;

/// Codes of one channel of the whole image.
std::vector<std::uint8_t> local_binary_pattern(const Image& image, int channel) {
  PatternRows rows;
  rows.start(image);
  std::vector<std::uint8_t> codes;
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* row = rows.next()[channel];
    codes.insert(codes.end(), row, row + image.width);
  }
  return codes;
}

int centre_code(const std::vector<std::vector<int>>& rows) {
  const Image image = grey_image(rows);
  return local_binary_pattern(image, 0)[4];
}

TEST(LocalBinaryPattern, SetsNoBitWhenTheCentreIsGreatest) {
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 100, 0}, {0, 0, 0}}), 0);
}

TEST(LocalBinaryPattern, CountsBitsFromTheRightCounterClockwise) {
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 50, 100}, {0, 0, 0}}), 1 << 0);
  EXPECT_EQ(centre_code({{0, 100, 0}, {0, 50, 0}, {0, 0, 0}}), 1 << 2);
  EXPECT_EQ(centre_code({{0, 0, 0}, {100, 50, 0}, {0, 0, 0}}), 1 << 4);
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 50, 0}, {0, 100, 0}}), 1 << 6);
  EXPECT_EQ(centre_code({{0, 0, 200}, {0, 50, 0}, {0, 0, 0}}), 1 << 1);  // 0.5 * 200 + 0.0858 * 50 = 104
  EXPECT_EQ(centre_code({{200, 0, 0}, {0, 50, 0}, {0, 0, 0}}), 1 << 3);
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 50, 0}, {200, 0, 0}}), 1 << 5);
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 50, 0}, {0, 0, 200}}), 1 << 7);
}

TEST(LocalBinaryPattern, InterpolatesDiagonalPoints) {
  // Up-right point: (1 - 0.70711) of the way towards the centre's row holds 0.29289 * 50 + 0.70711 * v, so its value is
  // 0.29289 * (14.64 + 0.70711 v): 45.7 for v = 200, 56.1 for v = 250. Down-right is alike.
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 50, 200}, {0, 0, 0}}), 1);
  EXPECT_EQ(centre_code({{0, 0, 0}, {0, 50, 250}, {0, 0, 0}}), 1 + 2 + 128);
}

TEST(LocalBinaryPattern, TakesPointsOutsideAsZero) {
  EXPECT_EQ(local_binary_pattern(grey_image({{10}}), 0)[0], 0);
  EXPECT_EQ(local_binary_pattern(grey_image({{0}}), 0)[0], 255);  // 0 >= 0 all around
  const std::vector<std::uint8_t> row = local_binary_pattern(grey_image({{10, 20}}), 0);
  EXPECT_EQ(row[0], 1);  // diagonals: 0.29289 * (2.93 + 14.14) = 5 < 10
  EXPECT_EQ(row[1], 0);
}

TEST(LocalBinaryPattern, ReadsTheChannelAskedFor) {
  Image image = grey_image({{0, 0, 0}, {0, 50, 0}, {0, 0, 0}});
  image.row(1)[3 * 2 + 1] = 100;  // green, right of the centre
  EXPECT_EQ(local_binary_pattern(image, 0)[4], 0);
  EXPECT_EQ(local_binary_pattern(image, 1)[4], 1);
  EXPECT_EQ(local_binary_pattern(image, 2)[4], 0);
}

TEST(LocalBinaryPattern, SetsStraightBitsInFlatAreas) {
  const Image image = testing::flat_image(9, 11, {77, 77, 77});
  const std::vector<std::uint8_t> codes = local_binary_pattern(image, 0);
  for (int y = 1; y < 8; ++y) {
    for (int x = 1; x < 10; ++x) EXPECT_EQ(codes[y * 11 + x] & 0b01010101, 0b01010101);
  }
}

}  // namespace
}  // namespace soco
