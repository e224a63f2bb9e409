// SPDX-License-Identifier: MIT
// Bad and unusual image files, line by line of what people have met; every file is made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <webp/encode.h>
#include <zlib.h>

#include "image/archive_files.h"
#include "image/jpeg_files.h"
#include "soco/base/bytes.h"
#include "soco/image/codec.h"
#include "soco/image/formats/format.h"
#include "soco/image/image_source.h"
#include "testing/peak_memory.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::jpeg_file;
using testing::TempDir;
using testing::write_text;

constexpr long kMaxExtraKb = 16 << 10;  // of memory, for a refusal

Image flat(int height, int width, std::array<std::uint8_t, 3> color) {
  Image image = make_image(height, width);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = color[i % 3];
  return image;
}
std::string text_of_file(const std::vector<std::byte>& bytes) { return std::string(text_of(bytes)); }
std::string decode_error(const std::string& file, const DecodeLimits& limits = {}) {
  return error_of([&] { decode_image(bytes_of(file), "picture", limits); });
}
/// Refused by name with this reason, with a region or without, and without the memory that it would need.
void expect_refused_cheaply(const std::string& file, const std::string& reason) {
  std::string whole, part;
  const long kb = testing::peak_memory_kb([&] {
    whole = decode_error(file);
    DecodedPart out;
    part = error_of([&] { decode_image_part(bytes_of(file), "picture", {}, {.region = {0, 0, 8, 8}}, out); });
  });
  EXPECT_THAT(whole, AllOf(HasSubstr("picture: "), HasSubstr(reason)));
  EXPECT_THAT(part, AllOf(HasSubstr("picture: "), HasSubstr(reason)));
  EXPECT_LT(kb, kMaxExtraKb) << reason;
}

std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255);
  return text;
}
std::string little_endian(std::uint32_t value, int num_bytes) {
  std::string text;
  for (int i = 0; i < num_bytes; ++i) text += static_cast<char>(value >> 8 * i & 255);
  return text;
}
std::string png_chunk(const std::string& kind, const std::string& data) {
  const std::string body = kind + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(static_cast<std::uint32_t>(sum));
}
/// zlib's stream of so many zeros.
std::string deflated_zeros(std::size_t count) {
  const std::string zeros(count, '\0');
  std::string packed(compressBound(count), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(zeros.data()), count);
  packed.resize(size);
  return packed;
}
const std::string kPngSignature = "\x89PNG\r\n\x1a\n";
constexpr std::size_t kPngDataAt = 33;  // behind the signature and the header's chunk

/// A JPEG of that size whose scans are one grey block's; it decodes as far as a file of this size lets it.
std::string jpeg_of_size(int height, int width, bool progressive) {
  std::string file = text_of_file(jpeg_file(make_image(8, 8), {.space = JCS_GRAYSCALE, .progressive = progressive}));
  const std::size_t frame = file.find(progressive ? "\xff\xc2" : "\xff\xc0");
  return file.replace(frame + 5, 4, big_endian(static_cast<std::uint32_t>(height << 16 | width)));
}

TEST(HostileImage, FilesThatAreNoImagesAreRefusedByPath) {
  const TempDir temp;
  const std::string page = "<!DOCTYPE html><html><head><title>404 Not Found</title></head><body></body></html>";
  for (const auto& [content, reason] : std::vector<std::pair<std::string, std::string>>{
           {"", "the file is empty"}, {"this is text\n", "no image of a known format"}, {page, "known format"}}) {
    write_text(temp / "a.jpg", content);
    EXPECT_THAT(error_of([&] { read_image(temp / "a.jpg"); }),
                AllOf(HasSubstr((temp / "a.jpg").string()), HasSubstr(reason)));
  }
}

TEST(HostileImage, MembersOfArchivesAreRefusedByArchiveMemberAndByte) {
  const TempDir temp;
  const std::string good = text_of_file(encode_png(flat(2, 2, {1, 2, 3})));
  write_text(temp / "a.tar", testing::tar_record("good.png", good) + testing::tar_record("page.jpg", "<html>") +
                                 testing::tar_record("zero.jpg", "") +
                                 testing::tar_record("cut.png", good.substr(0, 50)) + testing::tar_end());
  const ImageList images = list_images(temp / "a.tar");
  ASSERT_EQ(images.size(), 4u);
  for (const auto& [index, reason] : std::vector<std::pair<std::size_t, std::string>>{
           {0, "cut.png in " + (temp / "a.tar").string() + " at byte 3072: damaged or truncated PNG"},
           {2, "page.jpg in " + (temp / "a.tar").string() + " at byte 1536: is no image of a known format"},
           {3, "zero.jpg in " + (temp / "a.tar").string() + " at byte 2560: the file is empty"}}) {
    EXPECT_THAT(error_of([&, index = index] { read_image(images[index]); }), HasSubstr(reason));
  }
}

TEST(HostileImage, NamesDoNotDecideTheFormat) {
  const TempDir temp;
  const Image image = flat(3, 4, {10, 20, 30});
  write_text(temp / "a.jpg", text_of_file(encode_png(image)));
  EXPECT_EQ(read_image(temp / "a.jpg"), image);
  write_text(temp / "b.png", text_of_file(encode_jpeg(image, 90)));
  EXPECT_EQ(read_image(temp / "b.png"), decode_image(encode_jpeg(image, 90), "b"));
}

TEST(HostileImage, InksOfCmykAndYcckAreAdobesInvertedOnes) {
  // 255 is no ink: without black the other three are the colours. Each is off by one when the transform is rounded, and
  // by one more when YCCK's colours are.
  const Image image = flat(16, 16, {200, 120, 40});
  for (const auto& [space, bound] : {std::pair(JCS_CMYK, 1), std::pair(JCS_YCCK, 2)}) {
    const Image read = decode_image(jpeg_file(image, {.space = space, .quality = 100}), "x");
    for (std::size_t i = 0; i < image.pixels.size(); ++i) ASSERT_NEAR(read.pixels[i], image.pixels[i], bound) << space;
  }
}

TEST(HostileImage, HugeSizesAreRefusedBeforeMemoryIsTaken) {
  const std::string over = "pixels are over the limit of 178956970";
  expect_refused_cheaply(jpeg_of_size(65500, 65500, false), "65500x65500 " + over);
  expect_refused_cheaply(jpeg_of_size(65500, 65500, true), "65500x65500 " + over);
  const std::string header = big_endian(60000) + big_endian(60000) + std::string("\x08\x02\0\0\0", 5);
  const std::string bomb = kPngSignature + png_chunk("IHDR", header) +
                           png_chunk("IDAT", deflated_zeros(std::size_t{100} << 20)) + png_chunk("IEND", "");
  EXPECT_GT(bomb.size(), 100'000u);  // that expands to 10 GB, were its data whole
  expect_refused_cheaply(bomb, "60000x60000 " + over);
  const std::string canvas = std::string("\x02\0\0\0", 4) + little_endian(16383, 3) + little_endian(16383, 3);
  const std::string body =
      "WEBPVP8X" + little_endian(10, 4) + canvas + "ANIM" + little_endian(6, 4) + std::string(6, '\0');
  expect_refused_cheaply("RIFF" + little_endian(static_cast<std::uint32_t>(body.size()), 4) + body,
                         "16384x16384 " + over);
}

TEST(HostileImage, CompressedTextsOfAPngAreNotUnpacked) {
  std::string png = text_of_file(encode_png(flat(2, 2, {1, 2, 3})));
  const std::string text = png_chunk("zTXt", std::string("k\0\0", 3) + deflated_zeros(4 << 20));
  for (int i = 0; i < 40; ++i) png.insert(kPngDataAt, text);
  Image image;
  EXPECT_LT(testing::peak_memory_kb([&] { image = decode_image(bytes_of(png), "x"); }), kMaxExtraKb);
  EXPECT_EQ(image, flat(2, 2, {1, 2, 3}));
}

TEST(HostileImage, TenThousandScansAreRefusedBeforeMemoryIsTaken) {
  // 12000 x 12000 px: coefficients of 288 MB, and every scan a pass over them.
  const std::string file = jpeg_of_size(12000, 12000, true);
  const std::size_t last = file.rfind("\xff\xda"), end = file.rfind("\xff\xd9");
  const std::string scan = file.substr(last, end - last);
  std::string many = file.substr(0, end);
  for (int i = 0; i < 10'000; ++i) many += scan;
  expect_refused_cheaply(many + "\xff\xd9", "12000x12000 px with more than 55 scans");  // 8e9 / 144e6
  const std::string small_file = jpeg_of_size(1200, 1200, true);
  std::string small_many = small_file.substr(0, small_file.rfind("\xff\xd9"));
  for (int i = 0; i < 10'000; ++i) small_many += scan;
  expect_refused_cheaply(small_many + "\xff\xd9", "more than 500 scans");
  // A comment that holds the bytes of scans holds none.
  std::string comment("\xff\xfe\x0f\xa2", 4);
  for (int i = 0; i < 2000; ++i) comment += "\xff\xda";
  std::string small = text_of_file(jpeg_file(make_image(8, 8), {.progressive = true}));
  EXPECT_EQ(decode_error(small.insert(2, comment), {.max_scans = 10}), "no error");
}

TEST(HostileImage, LargeFilesAreRefused) {
  const TempDir temp;
  write_text(temp / "a.jpg", text_of_file(encode_jpeg(make_image(8, 8), 90)));
  std::filesystem::resize_file(temp / "a.jpg", (64u << 20) + 1);  // a hole
  std::string error;
  EXPECT_LT(testing::peak_memory_kb([&] { error = error_of([&] { read_image(temp / "a.jpg"); }); }), kMaxExtraKb);
  EXPECT_THAT(error, HasSubstr((temp / "a.jpg").string()));
  EXPECT_NE(error, "no error");
}

/// The frames, of one size, as an animated WebP that repeats for ever (WebP container specification).
std::string animated_webp(const std::vector<Image>& frames) {
  const auto size = [&](const Image& image) {
    return little_endian(static_cast<std::uint32_t>(image.width - 1), 3) +
           little_endian(static_cast<std::uint32_t>(image.height - 1), 3);
  };
  std::string body = "WEBPVP8X" + little_endian(10, 4) + little_endian(2, 4) + size(frames[0]);
  body += "ANIM" + little_endian(6, 4) + std::string(6, '\0');
  for (const Image& frame : frames) {
    std::uint8_t* packed = nullptr;
    const std::size_t packed_size =
        WebPEncodeLosslessRGB(frame.pixels.data(), frame.width, frame.height, 3 * frame.width, &packed);
    const std::string picture(reinterpret_cast<const char*>(packed) + 12, packed_size - 12);  // without RIFF and WEBP
    WebPFree(packed);
    const std::string data = std::string(6, '\0') + size(frame) + little_endian(100, 3) + '\0' + picture;
    body += "ANMF" + little_endian(static_cast<std::uint32_t>(data.size()), 4) + data;
  }
  return "RIFF" + little_endian(static_cast<std::uint32_t>(body.size()), 4) + body;
}

TEST(HostileImage, OfAnimationsTheFirstFrameCounts) {
  const Image first = flat(6, 8, {200, 10, 30}), second = flat(6, 8, {0, 0, 255});
  std::vector<Image> frames(300, second);
  frames[0] = first;
  const std::string webp = animated_webp(frames);
  EXPECT_EQ(decode_image(bytes_of(webp), "x"), first);
  EXPECT_THAT(decode_error(webp.substr(0, webp.size() / 2)), HasSubstr("picture: damaged or truncated animated WebP"));

  std::string apng = text_of_file(encode_png(first));  // the still picture is the first frame (APNG specification)
  apng.insert(apng.size() - 12, png_chunk("fdAT", big_endian(2) + deflated_zeros(6 * 25)));
  apng.insert(kPngDataAt, png_chunk("acTL", big_endian(2) + big_endian(0)));
  EXPECT_EQ(decode_image(bytes_of(apng), "x"), first);

  EXPECT_THAT(decode_error(std::string("GIF89a\x08\0\x06\0\x80\0\0", 13)),
              HasSubstr("picture: is no image of a known format (JPEG, PNG, WebP, TIFF, BMP, PPM)"));
}

TEST(HostileImage, OfSixteenBitsTheHighByteCounts) {
  const std::string row("\0\x12\xff\xfe\x01", 5);  // no filter, then two samples
  std::string packed(compressBound(row.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(row.data()), row.size());
  packed.resize(size);
  const std::string png = kPngSignature +
                          png_chunk("IHDR", big_endian(2) + big_endian(1) + std::string("\x10\0\0\0\0", 5)) +
                          png_chunk("IDAT", packed) + png_chunk("IEND", "");
  EXPECT_THAT(decode_image(bytes_of(png), "x").pixels, ElementsAre(0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe));
}

}  // namespace
}  // namespace soco
