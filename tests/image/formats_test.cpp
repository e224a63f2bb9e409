// SPDX-License-Identifier: MIT
// Small files made by hand, hostile ones among them; tests/image/oracle_test.cpp compares ordinary ones with Pillow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "soco/base/error.h"
#include "soco/image/codec.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::vector<std::uint8_t> pixels_of(std::string_view file) { return decode_image(bytes_of(file), "file").pixels; }

std::string error_of(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  try {
    decode_image(bytes, "file", limits);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string error_of(std::string_view file) { return error_of(bytes_of(file)); }

std::string u16(std::uint32_t value) { return {static_cast<char>(value & 255), static_cast<char>(value >> 8)}; }
std::string u32(std::uint32_t value) { return u16(value & 65535) + u16(value >> 16); }

struct BmpFields {
  std::uint32_t pixels_at = 54, info_bytes = 40;
  int width = 1, height = 1;
  std::uint32_t bits = 24, compression = 0, num_colors = 0;
};

std::string bmp(const BmpFields& f, const std::string& rest) {
  return "BM" + u32(0) + u32(0) + u32(f.pixels_at) + u32(f.info_bytes) + u32(static_cast<std::uint32_t>(f.width)) +
         u32(static_cast<std::uint32_t>(f.height)) + u16(1) + u16(f.bits) + u32(f.compression) + u32(0) + u32(0) +
         u32(0) + u32(f.num_colors) + u32(0) + rest;
}

const std::string kTwoColors("\x01\x02\x03\0\x0a\x0b\x0c\0", 8);  // blue, green, red, unused

TEST(Bmp, LooksUpBitsFromTheHighestInThePalette) {
  const std::string row("\xa0\0\0\0", 4);  // 1 0 1
  const auto pixels = pixels_of(bmp({.pixels_at = 62, .width = 3, .bits = 1, .num_colors = 2}, kTwoColors + row));
  EXPECT_THAT(pixels, ElementsAre(12, 11, 10, 3, 2, 1, 12, 11, 10));
}

TEST(Bmp, TakesApartSixteenBits) {
  // 5-5-5 is the default: 31, 0, 1 of 31 each.
  EXPECT_THAT(pixels_of(bmp({.bits = 16}, u16(31u << 10 | 1) + u16(0))), ElementsAre(255, 0, 8));
  const std::string masks565 = u32(0xf800) + u32(0x7e0) + u32(0x1f);
  EXPECT_THAT(pixels_of(bmp({.pixels_at = 66, .bits = 16, .compression = 3}, masks565 + u16(63u << 5) + u16(0))),
              ElementsAre(0, 255, 0));
}

TEST(Bmp, RefusesWhatItsHeaderCannotMean) {
  EXPECT_THAT(error_of("BM"), HasSubstr("truncated BMP"));
  EXPECT_THAT(error_of(bmp({.info_bytes = 0xffffffff}, "")), HasSubstr("header of 4294967295 bytes"));
  EXPECT_THAT(error_of(bmp({.width = 0}, "")), HasSubstr("0x1"));
  EXPECT_THAT(error_of(bmp({.height = INT32_MIN}, "")), HasSubstr("1x2147483648"));
  EXPECT_THAT(error_of(bmp({.bits = 7}, "")), HasSubstr("7 bits"));
  EXPECT_THAT(error_of(bmp({.compression = 1}, "")), HasSubstr("compression 1"));
  EXPECT_THAT(error_of(bmp({.bits = 8, .num_colors = 1u << 30}, "")), HasSubstr("1073741824 colours"));
  EXPECT_THAT(error_of(bmp({.pixels_at = 0xfffffff0}, "abcd")), HasSubstr("truncated"));
  EXPECT_THAT(error_of(bmp({.bits = 16, .compression = 3}, u32(5) + u32(2) + u32(1) + u32(0))), HasSubstr("mask 0x5"));
}

TEST(Bmp, RefusesColoursBeyondThePalette) {
  const std::string row("\x02\0\0\0", 4);
  EXPECT_THAT(error_of(bmp({.pixels_at = 62, .bits = 8, .num_colors = 2}, kTwoColors + row)),
              HasSubstr("names colour 2 of 2"));
}

TEST(Ppm, ReadsEveryKind) {
  EXPECT_THAT(pixels_of("P1 2 1 10"), ElementsAre(0, 0, 0, 255, 255, 255));       // 1 is black; no space needed
  EXPECT_THAT(pixels_of("P2\n2 1\n4\n0 1\n"), ElementsAre(0, 0, 0, 64, 64, 64));  // 63.75
  EXPECT_THAT(pixels_of("P3 1 1 255 7 # seven\n8 9"), ElementsAre(7, 8, 9));
  EXPECT_THAT(pixels_of("P4 2 1\n\x40"), ElementsAre(255, 255, 255, 0, 0, 0));
  EXPECT_THAT(pixels_of("P5 1 1 255\n!"), ElementsAre(33, 33, 33));
  EXPECT_THAT(pixels_of(std::string("P6 1 1 65535\n\xff\xff\0\0\x80\0", 19)), ElementsAre(255, 0, 128));
}

TEST(Ppm, RoundsHalvesToEvenAsPillow) {
  EXPECT_THAT(pixels_of("P2 2 1 510 1 3"), ElementsAre(0, 0, 0, 2, 2, 2));  // 0.5 and 1.5
}

TEST(Ppm, RefusesDamage) {
  EXPECT_THAT(error_of("P2 2 1 255 7"), HasSubstr("truncated"));
  EXPECT_THAT(error_of("P2 2 1 255 7 x"), HasSubstr("no number at byte 13"));
  EXPECT_THAT(error_of("P2 1 1 9 10"), HasSubstr("above the largest value 9"));
  EXPECT_THAT(error_of("P5 1 1 0\nx"), HasSubstr("largest value of 0"));
  EXPECT_THAT(error_of("P5 0 1 255\nx"), HasSubstr("0x1"));
  EXPECT_THAT(error_of("P6 1 1"), HasSubstr("truncated"));
  EXPECT_THAT(error_of("P6 1 # endless"), HasSubstr("truncated"));
}

TEST(Png, ProbeNeedsTheFirstChunkAlone) {
  Image image = make_image(3, 2);
  auto png = encode_png(image);
  png.resize(24);
  EXPECT_EQ(probe_image(png, "file").height, 3);
  png.resize(23);
  EXPECT_THROW(probe_image(png, "file"), Error);
}

// One grey pixel as a progressive JPEG of six scans, made by Pillow's save(progressive=True).
constexpr std::string_view kSixScans =
    "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c39"
    "33383740485c4e404457453738506d51575f626768673e4d71797064785c656763ffc2000b080001000101011100ffc40014000100000000"
    "000000000000000000000004ffda00080101000000012fffc40014100100000000000000000000000000000000ffda00080101000105027f"
    "ffc40014100100000000000000000000000000000000ffda0008010100063f027fffc40014100100000000000000000000000000000000ff"
    "da0008010100013f217fffda0008010100000010ff00ffc40014100100000000000000000000000000000000ffda0008010100013f107fff"
    "d9";

TEST(Jpeg, FileWithTooManyScansIsRefused) {
  std::vector<std::byte> jpeg;
  for (std::size_t i = 0; i + 1 < kSixScans.size(); i += 2) {
    jpeg.push_back(static_cast<std::byte>(std::stoi(std::string(kSixScans.substr(i, 2)), nullptr, 16)));
  }
  EXPECT_THAT(decode_image(jpeg, "file").pixels, ElementsAre(90, 90, 90));
  EXPECT_EQ(error_of(jpeg, {.max_scans = 6}), "no error");
  EXPECT_THAT(error_of(jpeg, {.max_scans = 5}), HasSubstr("more than 5 scans"));
}

TEST(Jpeg, RefusesSizesItCannotStore) {
  EXPECT_THROW(encode_jpeg(make_image(1, 65501), 90), Error);
  EXPECT_THROW(encode_jpeg(Image{}, 90), Error);
  EXPECT_THROW(encode_png(Image{}), Error);
}

TEST(Jpeg, SmallestImageSurvives) {
  EXPECT_EQ(decode_image(encode_jpeg(make_image(1, 1), 75), "file"), make_image(1, 1));
  EXPECT_EQ(decode_image(encode_png(make_image(1, 1)), "file"), make_image(1, 1));
}

TEST(Tiff, RefusesDamage) {
  EXPECT_THAT(error_of(std::string("II*\0", 4)), HasSubstr("damaged TIFF header"));
  EXPECT_THAT(error_of(std::string("II*\0\x08\0\0\0\0\0\0\0\0\0", 14)), HasSubstr("file: "));  // no tags at all
}

TEST(Webp, RefusesDamage) {
  EXPECT_THAT(error_of(std::string("RIFF\x10\0\0\0WEBPVP8 \x04\0\0\0aaaa", 24)), HasSubstr("damaged WebP header"));
}

TEST(Codec, RefusesLargeImagesByTheirHeaderAlone) {
  EXPECT_THAT(error_of(bmp({.width = 20000, .height = 20000}, "")), HasSubstr("20000x20000 pixels are over the limit"));
  EXPECT_THAT(error_of("P6 20000 20000 255\n"), HasSubstr("over the limit of 178956970"));
}

TEST(Codec, KnowsItsExtensions) {
  EXPECT_TRUE(has_image_extension("a/b.JPeG"));
  EXPECT_TRUE(has_image_extension("x.tiff"));
  EXPECT_FALSE(has_image_extension("jpg"));
  EXPECT_FALSE(has_image_extension("x.jpg.txt"));
  EXPECT_THAT(image_patterns(), HasSubstr("*.jpg *.jpeg *.png *.webp"));
}

}  // namespace
}  // namespace soco
