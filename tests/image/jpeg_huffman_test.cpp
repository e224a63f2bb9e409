// SPDX-License-Identifier: MIT
// Huffman codes that we decode give what libjpeg gives that decodes them itself, pixels and refusals.
#include <gtest/gtest.h>

#include <cmath>

#include "image/jpeg_files.h"
#include "soco/base/error.h"
#include "soco/base/random.h"
#include "soco/image/codec.h"

namespace soco {
namespace {

using testing::decoded_by_libjpeg;
using testing::jpeg_file;
using testing::JpegKind;
using Bytes = std::vector<std::byte>;

/// Waves with noise of any strength: from blocks with one coefficient to blocks with all 64, and codes of every length.
Image picture(Rng& rng) {
  Image image = make_image(static_cast<int>(1 + rng.uniform_int(90)), static_cast<int>(1 + rng.uniform_int(90)));
  const double noise = std::exp(rng.uniform(0.0, 4.8)), pace = rng.uniform(0.01, 1.5);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const double wave = 60 * std::sin(pace * static_cast<double>(i / 3 % 90) + static_cast<double>(i % 3));
    image.pixels[i] = static_cast<std::uint8_t>(std::clamp(128 + wave + rng.uniform(-noise, noise), 0.0, 255.0));
  }
  return image;
}

JpegKind kind(Rng& rng) {
  JpegKind kind{.across = static_cast<int>(1 + rng.uniform_int(2)), .down = static_cast<int>(1 + rng.uniform_int(2))};
  if (rng.bernoulli(0.2)) kind.space = JCS_GRAYSCALE;
  if (rng.bernoulli(0.3)) kind.restart_rows = static_cast<int>(1 + rng.uniform_int(3));
  kind.quality = static_cast<int>(1 + rng.uniform_int(100));
  kind.own_codes = rng.bernoulli(0.5);
  return kind;
}

std::optional<Image> decoded_by_us(const Bytes& bytes) {
  try {
    return decode_image(bytes, "picture");
  } catch (const Error&) {
    return std::nullopt;
  }
}

TEST(JpegHuffman, GivesLibjpegsPixels) {
  Rng rng(1, 0, 0, purpose::kSynth);
  for (int i = 0; i < 2000; ++i) {
    const Bytes bytes = jpeg_file(picture(rng), kind(rng));
    const std::optional<Image> expected = decoded_by_libjpeg(bytes);
    ASSERT_TRUE(expected.has_value());
    ASSERT_EQ(decoded_by_us(bytes), expected) << "file " << i;
  }
}

TEST(JpegHuffman, RefusesWhatLibjpegWarnsOf) {
  Rng rng(2, 0, 0, purpose::kSynth);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    Bytes bytes = jpeg_file(picture(rng), kind(rng));
    const std::size_t at = bytes.size() - 1 - rng.uniform_int(bytes.size() * 3 / 4);  // most often behind the headers
    switch (rng.uniform_int(4)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 2:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::byte{0xff});
        break;
      default:
        bytes[at] ^= static_cast<std::byte>(1u << rng.uniform_int(8));
    }
    const std::optional<Image> expected = decoded_by_libjpeg(bytes);
    ASSERT_EQ(decoded_by_us(bytes), expected) << "file " << i << " at " << at;
    refused += expected.has_value() ? 0 : 1;
  }
  EXPECT_GT(refused, 500);  // both kinds are met
  EXPECT_LT(refused, 1990);
}

}  // namespace
}  // namespace soco
