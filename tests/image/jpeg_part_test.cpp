// SPDX-License-Identifier: MIT
// Decoding a region of a JPEG gives what decoding the whole gives, pixels and refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "image/jpeg_files.h"
#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/image/codec.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::jpeg_file;
using testing::JpegKind;
using Bytes = std::vector<std::byte>;

constexpr int kHeight = 93, kWidth = 141;  // no whole number of blocks

/// Coloured waves with some noise, so that every block has something of each frequency.
Image waves(std::uint64_t seed) {
  Rng rng(seed, 0, 0, purpose::kSynth);
  Image image = make_image(kHeight, kWidth);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const double x = static_cast<double>(i / 3 % kWidth), y = static_cast<double>(i / 3 / kWidth);
    const double wave = std::sin(0.07 * x + static_cast<double>(i % 3)) + std::cos(0.05 * y);
    image.pixels[i] = static_cast<std::uint8_t>(120 + 45 * wave + rng.uniform(-20, 20));
  }
  return image;
}

std::vector<JpegKind> all_kinds() {
  return {{.across = 2, .down = 2},
          {.across = 1, .down = 1},
          {.across = 2, .down = 1},
          {.across = 1, .down = 2},
          {.across = 4, .down = 1},
          {.progressive = true},
          {.across = 1, .down = 1, .progressive = true},
          {.restart_rows = 1},
          {.progressive = true, .restart_rows = 1},
          {.progressive = true, .first_scans = 1},  // libjpeg smooths what is left open
          {.across = 1, .down = 1, .progressive = true, .first_scans = 4},
          {.space = JCS_GRAYSCALE},
          {.space = JCS_CMYK},
          {.space = JCS_YCCK, .restart_rows = 2}};
}

/// Corners, edges, the middle, single pixels and lines, nearly all, all.
std::vector<CropRect> regions() {
  constexpr int r = kWidth - 1, b = kHeight - 1;
  return {{0, 0, 1, 1},       {r, 0, 1, 1},        {0, b, 1, 1},           {r, b, 1, 1},
          {0, 0, 20, 20},     {r - 19, 0, 20, 20}, {0, b - 19, 20, 20},    {r - 19, b - 19, 20, 20},
          {0, 40, kWidth, 1}, {70, 0, 1, kHeight}, {33, 31, 40, 30},       {1, 1, kWidth - 2, kHeight - 2},
          {16, 16, 16, 16},   {15, 17, 18, 14},    {0, 0, kWidth, kHeight}};
}

Image cut(const Image& image, const CropRect& at) { return crop_and_resize(image, at, at.height, at.width); }

/// The region's pixels, or nothing and the reason in `error`.
Image decode_region(const Bytes& bytes, const CropRect& region, std::string& error) {
  DecodedPart part;
  error.clear();
  try {
    decode_image_part(bytes, "picture", {}, {.region = region}, part);
  } catch (const Error& e) {
    error = e.what();
    return {};
  }
  EXPECT_LE(part.x, region.x);
  EXPECT_LE(part.y, region.y);
  return cut(part.image, {region.x - part.x, region.y - part.y, region.width, region.height});
}

Image decode_whole(const Bytes& bytes, std::string& error) {
  error.clear();
  try {
    return decode_image(bytes, "picture");
  } catch (const Error& e) {
    error = e.what();
    return {};
  }
}

/// Both are refused, by name, or both give the same pixels.
void expect_same(const Bytes& bytes, const std::string& what) {
  std::string whole_error, part_error;
  const Image whole = decode_whole(bytes, whole_error);
  if (!whole_error.empty()) EXPECT_THAT(whole_error, HasSubstr("picture: ")) << what;
  if (whole_error.empty() && (whole.height != kHeight || whole.width != kWidth)) return;  // the size was damaged
  for (const CropRect& region : {CropRect{0, 0, 30, 12}, CropRect{70, 50, 9, 9}, CropRect{100, 80, 41, 13}}) {
    Image part;
    try {
      part = decode_region(bytes, region, part_error);
    } catch (const std::logic_error&) {
      continue;  // the damaged size is smaller than the region, which whoever asks for one checks
    }
    ASSERT_EQ(part_error.empty(), whole_error.empty()) << what << ": " << part_error << " / " << whole_error;
    if (part_error.empty()) ASSERT_EQ(part, cut(whole, region)) << what;
    if (!part_error.empty()) ASSERT_THAT(part_error, HasSubstr("picture: ")) << what;
  }
}

TEST(JpegPart, RegionsAtEveryBorderAreThoseOfTheWhole) {
  const Image image = waves(1);
  for (const JpegKind& kind : all_kinds()) {
    const Bytes bytes = jpeg_file(image, kind);
    const Image whole = decode_image(bytes, "picture");
    for (const CropRect& at : regions()) {
      std::string error;
      ASSERT_EQ(decode_region(bytes, at, error), cut(whole, at))
          << error << " space " << kind.space << " " << kind.across << "x" << kind.down << " progressive "
          << kind.progressive << " region " << at.x << "," << at.y << " " << at.width << "x" << at.height;
    }
  }
}

TEST(JpegPart, TruncationIsRefusedWhereverTheRegionLies) {
  const Image image = waves(2);
  for (const JpegKind& kind : all_kinds()) {
    const Bytes whole = jpeg_file(image, kind);
    for (int twentieth = 0; twentieth < 20; ++twentieth) {
      const Bytes cut_off(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(whole.size()) * twentieth / 20);
      for (const CropRect& region : {CropRect{0, 0, 8, 8}, CropRect{kWidth - 8, kHeight - 8, 8, 8}}) {
        std::string error;
        decode_region(cut_off, region, error);
        ASSERT_THAT(error, HasSubstr("picture: ")) << twentieth << "/20, y " << region.y;
      }
    }
  }
}

TEST(JpegPart, FlippedBitsAreJudgedAsInTheWhole) {
  const Image image = waves(3);
  Rng rng(5, 0, 0, purpose::kSynth);
  for (const JpegKind& kind : all_kinds()) {
    const Bytes whole = jpeg_file(image, kind);
    for (int i = 0; i < 40; ++i) {
      Bytes damaged = whole;
      const std::size_t at = rng.uniform_int(damaged.size());
      damaged[at] ^= static_cast<std::byte>(1u << rng.uniform_int(8));
      expect_same(damaged, "space " + std::to_string(kind.space) + " byte " + std::to_string(at));
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace soco
