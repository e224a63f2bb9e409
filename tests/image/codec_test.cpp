// SPDX-License-Identifier: MIT
#include "soco/image/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/image/formats/format.h"
#include "soco/image/image_source.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

Image noise(int height, int width) {
  Rng rng(1, 2, 3, 4);
  Image image = make_image(height, width);
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(rng.next_u32());
  return image;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string error_of(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  try {
    decode_image(bytes, "picture", limits);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string u32(std::uint32_t value) { return {reinterpret_cast<const char*>(&value), 4}; }  // little endian

/// A BMP file with 24 bits a pixel and the given header values.
std::string bmp(std::int32_t width, std::int32_t height, const std::string& pixels) {
  const std::string info = u32(40) + u32(static_cast<std::uint32_t>(width)) + u32(static_cast<std::uint32_t>(height)) +
                           u32(1 | 24u << 16) + u32(0) + u32(0) + u32(0) + u32(0) + u32(0) + u32(0);
  return "BM" + u32(0) + u32(0) + u32(54) + info + pixels;
}

TEST(Codec, PngKeepsEveryPixel) {
  const Image image = noise(37, 23);
  EXPECT_EQ(decode_image(encode_png(image), "x"), image);
}

TEST(Codec, JpegKeepsAFlatColourNearly) {
  Image image = make_image(16, 24);
  std::fill(image.pixels.begin(), image.pixels.end(), 180);
  const Image back = decode_image(encode_jpeg(image, 90), "x");
  ASSERT_EQ(back.width, 24);
  for (const std::uint8_t value : back.pixels) EXPECT_NEAR(value, 180, 1);  // grey survives but for rounding
}

TEST(Codec, ProbeReadsTheHeaderAlone) {
  auto png = encode_png(noise(37, 23));
  png.resize(40);
  const ImageInfo info = probe_image(png, "x");
  EXPECT_EQ(info.height, 37);
  EXPECT_EQ(info.width, 23);
  EXPECT_EQ(info.format, "PNG");
}

TEST(Codec, EveryTruncationIsAnErrorThatNamesTheFile) {
  for (const auto& whole : {encode_png(noise(20, 20)), encode_jpeg(noise(40, 40), 80)}) {
    for (std::size_t size = 0; size + 20 < whole.size(); size += 1 + whole.size() / 150) {
      const std::string error = error_of(std::span(whole).first(size));
      EXPECT_THAT(error, HasSubstr("picture")) << size << " of " << whole.size() << " bytes";
    }
  }
}

TEST(Codec, FlippedBitsNeverCrash) {
  Rng rng(9, 9, 9, 9);
  for (const auto& whole :
       {encode_png(noise(20, 20)), encode_jpeg(noise(40, 40), 80), bytes_of(bmp(3, 2, std::string(24, 'x'))),
        bytes_of("P6 2 2 255\n" + std::string(12, 'a'))}) {
    for (int i = 0; i < 300; ++i) {
      auto damaged = whole;
      for (int k = 0; k < 3; ++k)
        damaged[rng.uniform_int(damaged.size())] ^= static_cast<std::byte>(1u << rng.uniform_int(8));
      error_of(damaged, {.max_pixels = 1'000'000});  // an error or a picture
    }
  }
}

TEST(Codec, NotAnImage) {
  EXPECT_THAT(error_of({}), HasSubstr("empty"));
  EXPECT_THAT(error_of(bytes_of("<html>404</html>")), HasSubstr("no image of a known format"));
}

TEST(Codec, LimitsAreCheckedBeforeMemoryIsTaken) {
  const auto png = encode_png(noise(30, 40));
  EXPECT_THAT(error_of(png, {.max_pixels = 1199}), HasSubstr("40x30 pixels are over the limit of 1199"));
  EXPECT_EQ(error_of(png, {.max_pixels = 1200}), "no error");
  EXPECT_THAT(error_of(png, {.max_file_bytes = 100}), HasSubstr("over the limit of 100"));
  EXPECT_THAT(error_of(bytes_of("P6 100000 100000 255\n")), HasSubstr("over the limit"));
  EXPECT_THAT(error_of(bytes_of("P6 9999999999 1 255\n")), HasSubstr("out of range"));
  EXPECT_THAT(error_of(bytes_of(bmp(-5, 3, ""))), HasSubstr("-5x3"));
  EXPECT_THAT(error_of(bytes_of(bmp(1000, 1000, "abc"))), HasSubstr("truncated"));
}

TEST(Codec, BmpRowsComeFromTheBottomInBgr) {
  // Two rows of one pixel, padded to four bytes each.
  const Image image = decode_image(bytes_of(bmp(1, 2, std::string("\x01\x02\x03\x00\x04\x05\x06\x00", 8))), "x");
  EXPECT_THAT(image.pixels, ElementsAre(6, 5, 4, 3, 2, 1));
  const Image top_down = decode_image(bytes_of(bmp(1, -2, std::string("\x01\x02\x03\x00\x04\x05\x06\x00", 8))), "x");
  EXPECT_THAT(top_down.pixels, ElementsAre(3, 2, 1, 6, 5, 4));
}

TEST(Codec, PpmScalesItsMaximumAndSkipsComments) {
  EXPECT_THAT(decode_image(bytes_of("P6 # a comment\n1 1 100\n" + std::string("\x00\x32\x64", 3)), "x").pixels,
              ElementsAre(0, 128, 255));
  EXPECT_THAT(decode_image(bytes_of("P5 1 1 65535\n" + std::string("\xff\xff", 2)), "x").pixels,
              ElementsAre(255, 255, 255));
}

TEST(Codec, CmykInksDarken) {
  std::uint8_t rgb[3];
  formats::rgb_from_cmyk(0, 0, 0, 0, rgb);
  EXPECT_THAT(rgb, ElementsAre(255, 255, 255));
  formats::rgb_from_cmyk(255, 0, 0, 0, rgb);
  EXPECT_THAT(rgb, ElementsAre(0, 255, 255));
  formats::rgb_from_cmyk(10, 20, 30, 255, rgb);
  EXPECT_THAT(rgb, ElementsAre(0, 0, 0));
}

TEST(Codec, ExifOrientationsMoveTheTopLeftPixel) {
  Image image = make_image(2, 3);  // red: 1 2 3 / 4 5 6
  for (std::size_t i = 0; i < 6; ++i) image.pixels[3 * i] = static_cast<std::uint8_t>(i + 1);
  const auto reds = [&](int orientation) {
    const Image turned = formats::apply_orientation(image, orientation);
    std::vector<int> values{turned.height};
    for (std::size_t i = 0; i < 6; ++i) values.push_back(turned.pixels[3 * i]);
    return values;
  };
  EXPECT_THAT(reds(1), ElementsAre(2, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(reds(2), ElementsAre(2, 3, 2, 1, 6, 5, 4));  // mirrored
  EXPECT_THAT(reds(3), ElementsAre(2, 6, 5, 4, 3, 2, 1));  // half a turn
  EXPECT_THAT(reds(4), ElementsAre(2, 4, 5, 6, 1, 2, 3));  // upside down mirror
  EXPECT_THAT(reds(5), ElementsAre(3, 1, 4, 2, 5, 3, 6));  // transposed
  EXPECT_THAT(reds(6), ElementsAre(3, 4, 1, 5, 2, 6, 3));  // to be turned clockwise
  EXPECT_THAT(reds(7), ElementsAre(3, 6, 3, 5, 2, 4, 1));
  EXPECT_THAT(reds(8), ElementsAre(3, 3, 6, 2, 5, 1, 4));  // counter-clockwise
  EXPECT_THAT(reds(77), ElementsAre(2, 1, 2, 3, 4, 5, 6));
}

TEST(Codec, ExifBlockIsReadWithinItsBounds) {
  const std::string entry = std::string("\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00", 12);
  const std::string block = std::string("II*\0\x08\x00\x00\x00\x01\x00", 10) + entry;
  EXPECT_EQ(formats::exif_orientation(bytes_of(block)), 6);
  for (std::size_t size = 0; size < block.size(); ++size)
    EXPECT_EQ(formats::exif_orientation(bytes_of(block.substr(0, size))), 1);
  EXPECT_EQ(formats::exif_orientation(bytes_of(std::string("II*\0\xff\xff\xff\xff", 8))), 1);
}

TEST(Codec, WritesByExtension) {
  TempDir temp;
  const Image image = noise(5, 6);
  write_image(temp / "a.png", image);
  EXPECT_EQ(read_image(temp / "a.png"), image);
  write_image(temp / "a.JPG", image);
  EXPECT_EQ(read_image(temp / "a.JPG").width, 6);
  EXPECT_THROW(write_image(temp / "a.gif", image), Error);
  EXPECT_THROW(read_image(temp / "missing.png"), Error);
}

void touch(const std::filesystem::path& path, std::string_view text = "") {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::vector<std::string> keys(const std::filesystem::path& source) {
  std::vector<std::string> keys;
  for (const ImageEntry& entry : list_images(source)) keys.push_back(entry.key);
  return keys;
}

TEST(ListImages, FindsImagesToTheLeavesSortedAndSkipsOthers) {
  TempDir temp;
  for (const char* name : {"b.JPEG", "a/z.png", "a/b/c.webp", "notes.txt", ".hidden.jpg", ".git/x.jpg", "B.jpg"})
    touch(temp / name);
  EXPECT_THAT(keys(temp.path()), ElementsAre("B.jpg", "a/b/c.webp", "a/z.png", "b.JPEG"));
}

TEST(ListImages, LoopsOfLinksEnd) {
  TempDir temp;
  touch(temp / "a/x.jpg");
  std::filesystem::create_directory_symlink(temp.path(), temp / "a/up");
  std::filesystem::create_symlink(temp / "nowhere", temp / "a/broken.jpg");
  EXPECT_THAT(keys(temp.path()), ElementsAre("a/x.jpg"));
}

TEST(ListImages, ReadsAListFile) {
  TempDir temp;
  touch(temp / "list.txt", "# comment\n  b/x.jpg \r\n\na.png # trailing\nb/x.jpg\n");
  EXPECT_THAT(keys(temp / "list.txt"), ElementsAre("a.png", "b/x.jpg"));
  EXPECT_EQ(list_images(temp / "list.txt")[0].path, temp / "a.png");
}

TEST(ListImages, ErrorsSayWhatWasLookedFor) {
  TempDir temp;
  const auto error = [](const std::filesystem::path& source) -> std::string {
    try {
      list_images(source);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(error(temp.path()), HasSubstr("*.jpg"));
  EXPECT_THAT(error(temp / "none"), HasSubstr("no such folder"));
  touch(temp / "one.jpg");
  EXPECT_THAT(error(temp / "one.jpg"), HasSubstr("is one image"));
}

}  // namespace
}  // namespace soco
