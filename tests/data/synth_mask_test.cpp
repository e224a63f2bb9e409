// SPDX-License-Identifier: MIT
#include "soco/data/synth_mask.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "soco/base/random.h"

namespace soco {
namespace {

// Rows of '#' (set) and '.' as a mask.
BinaryMask mask_from(const std::vector<std::string>& rows) {
  BinaryMask mask{static_cast<int>(rows.size()), static_cast<int>(rows.front().size()), {}};
  for (const std::string& row : rows) {
    for (const char c : row) mask.pixels.push_back(c == '#' ? 1 : 0);
  }
  return mask;
}

BinaryMask random_mask(int height, int width, double density, Rng& rng) {
  BinaryMask mask{height, width, {}};
  for (int i = 0; i < height * width; ++i) mask.pixels.push_back(rng.bernoulli(density) ? 1 : 0);
  return mask;
}

// Even-odd filling of outlines at pixel centres: the count of vertical edges to the left of the centre, per row.
BinaryMask fill(const std::vector<std::vector<int>>& outlines, int height, int width) {
  BinaryMask mask{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width)};
  for (const auto& outline : outlines) {
    for (std::size_t i = 0; i < outline.size(); i += 2) {
      const std::size_t next = (i + 2) % outline.size();
      if (outline[i] != outline[next]) continue;  // not vertical
      const auto [y1, y2] = std::minmax(outline[i + 1], outline[next + 1]);
      for (int y = y1; y < y2; ++y) {
        for (int x = outline[i]; x < width; ++x) mask.pixels[static_cast<std::size_t>(y) * width + x] ^= 1;
      }
    }
  }
  return mask;
}

// Reads the compressed form back, by COCO's rule.
std::vector<std::uint32_t> decompress(const std::string& text) {
  std::vector<std::uint32_t> counts;
  for (std::size_t at = 0; at < text.size();) {
    std::int64_t value = 0;
    int shift = 0, group = 0;
    do {
      group = text[at++] - 48;
      value |= static_cast<std::int64_t>(group & 31) << shift;
      shift += 5;
    } while ((group & 32) != 0);
    if ((group & 16) != 0) value |= -(std::int64_t{1} << shift);
    if (counts.size() > 2) value += counts[counts.size() - 2];
    counts.push_back(static_cast<std::uint32_t>(value));
  }
  return counts;
}

TEST(MaskBounds, AreTightAndEmptyForNothing) {
  EXPECT_EQ(mask_bounds(mask_from({".....", "..#..", ".#...", "....."})), (PixelBounds{1, 1, 2, 2}));
  EXPECT_EQ(mask_bounds(mask_from({"#..", "...", "..#"})), (PixelBounds{0, 0, 3, 3}));
  EXPECT_EQ(mask_bounds(mask_from({"...", "..."})), PixelBounds{});
}

TEST(MaskArea, CountsSetPixels) { EXPECT_EQ(mask_area(mask_from({"#.#", ".#."})), 3); }

TEST(RleCounts, RunDownTheColumnsFromBackground) {
  // Columns: (.,#) (#,#) (.,.) -> 1 off, 3 on, 2 off.
  EXPECT_EQ(rle_counts(mask_from({".#.", "##."})), (std::vector<std::uint32_t>{1, 3, 2}));
}

TEST(RleCounts, BeginWithZeroWhenTheFirstPixelIsSet) {
  EXPECT_EQ(rle_counts(mask_from({"##", "##"})), (std::vector<std::uint32_t>{0, 4}));
  EXPECT_EQ(rle_counts(mask_from({"..", ".."})), (std::vector<std::uint32_t>{4}));
}

TEST(CompressRle, GivesTheStringsOfPycocotools) {
  // pycocotools.mask.frPyObjects({"size": [h, w], "counts": counts}, h, w)["counts"]
  EXPECT_EQ(compress_rle(std::vector<std::uint32_t>{1, 3, 2}), "132");
  EXPECT_EQ(compress_rle(std::vector<std::uint32_t>{0, 4}), "04");
  EXPECT_EQ(compress_rle(std::vector<std::uint32_t>{6, 1, 40, 4, 5, 4, 5, 4, 21}), "61X13mN000`0");
}

TEST(CompressRle, ReadsBackForRandomMasks) {
  Rng rng(1, 0, 0, purpose::kSynth);
  for (int i = 0; i < 50; ++i) {
    const auto counts = rle_counts(random_mask(37, 53, rng.uniform(), rng));
    EXPECT_EQ(decompress(compress_rle(counts)), counts);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), 37U * 53U);
  }
}

TEST(MaskOutlines, FollowPixelEdgesClockwise) {
  const auto outlines = mask_outlines(mask_from({"....", ".##.", ".#..", "...."}));
  ASSERT_EQ(outlines.size(), 1U);
  // Six corners of the L, recorded where the walk turns; it starts at (1, 1) to the right and ends there.
  EXPECT_EQ(outlines.front(), (std::vector<int>{3, 1, 3, 2, 2, 2, 2, 3, 1, 3, 1, 1}));
}

TEST(MaskOutlines, SeparatePixelsThatTouchAtACorner) {
  EXPECT_EQ(mask_outlines(mask_from({"#.", ".#"})).size(), 2U);
  EXPECT_EQ(mask_outlines(mask_from({".#", "#."})).size(), 2U);
}

TEST(MaskOutlines, CountHolesAndPieces) {
  EXPECT_EQ(mask_outlines(mask_from({"###", "#.#", "###"})).size(), 2U);
  EXPECT_EQ(mask_outlines(mask_from({"#.#"})).size(), 2U);
  EXPECT_EQ(mask_outlines(mask_from({"..."})).size(), 0U);
}

TEST(MaskOutlines, FilledGiveTheMaskBackForRandomMasks) {
  Rng rng(2, 0, 0, purpose::kSynth);
  for (int i = 0; i < 50; ++i) {
    const BinaryMask mask = random_mask(19, 23, rng.uniform(), rng);
    EXPECT_EQ(fill(mask_outlines(mask), 19, 23).pixels, mask.pixels);
  }
}

}  // namespace
}  // namespace soco
