// SPDX-License-Identifier: MIT
// Bit-for-bit comparison with Pillow and torchvision on the cases that tests/oracles/image_oracle.py writes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/random.h"
#include "soco/image/blur.h"
#include "soco/image/codec.h"
#include "soco/image/color.h"
#include "soco/image/normalize.h"
#include "soco/image/resize.h"
#include "testing/instruction_sets.h"
#include "testing/photometric_cases.h"

namespace soco {
namespace {

constexpr std::uint64_t kMaxOracleBytes = std::uint64_t{1} << 30;

/// The cases of one operation: parameters as JSON, bytes in one file.
class OracleCases {
 public:
  /// Nothing when the oracle has not been run.
  static std::optional<OracleCases> open(const std::string& op) {
    const char* folder = std::getenv("SOCO_ORACLE_DIR");
    if (folder == nullptr) return std::nullopt;
    const auto base = std::filesystem::path(folder) / "image";
    if (!std::filesystem::exists(base / "index.json")) return std::nullopt;
    // Every test of the program needs the same two files.
    static const Json index = parse_json(read_text_file(base / "index.json", kMaxOracleBytes), "index.json");
    static const std::vector<std::byte> data = read_file(base / "data.bin", kMaxOracleBytes);
    OracleCases cases;
    cases.data_ = data;
    for (const Json& one : index.at("cases")) {
      if (one.at("op") == op) cases.cases_.push_back(one);
    }
    return cases;
  }

  const std::vector<Json>& all() const { return cases_; }

  std::span<const std::byte> bytes(const Json& one, const char* key) const {
    return data_.subspan(one.at(key)[0].get<std::size_t>(), one.at(key)[1].get<std::size_t>());
  }

  Image image(const Json& one, const char* size_key, const char* key) const {
    Image image = make_image(one.at(size_key)[0].get<int>(), one.at(size_key)[1].get<int>());
    const auto raw = bytes(one, key);
    EXPECT_EQ(raw.size(), image.pixels.size());
    std::memcpy(image.pixels.data(), raw.data(), std::min(raw.size(), image.pixels.size()));
    return image;
  }

  Image input(const Json& one) const { return image(one, "in_size", "input"); }
  Image expected(const Json& one) const { return image(one, "out_size", "output"); }

 private:
  std::vector<Json> cases_;
  std::span<const std::byte> data_;
};

/// "" when equal, else the first place that differs.
std::string difference(const Image& ours, const Image& theirs) {
  if (ours.height != theirs.height || ours.width != theirs.width) return "sizes differ";
  for (std::size_t i = 0; i < ours.pixels.size(); ++i) {
    if (ours.pixels[i] == theirs.pixels[i]) continue;
    const auto width = static_cast<std::size_t>(ours.width);
    return "at x " + std::to_string(i / 3 % width) + ", y " + std::to_string(i / 3 / width) + ", channel " +
           std::to_string(i % 3) + ": " + std::to_string(ours.pixels[i]) + ", oracle " +
           std::to_string(theirs.pixels[i]);
  }
  return "";
}

template <class Change>
void expect_equal_to_oracle(const std::string& op, Change change) {
  const auto cases = OracleCases::open(op);
  if (!cases) GTEST_SKIP() << "no tests/oracles/image_oracle.py results in $SOCO_ORACLE_DIR/image";
  ASSERT_GE(cases->all().size(), 200U);
  for (const Json& one : cases->all()) {
    ASSERT_EQ(difference(change(cases->input(one), one), cases->expected(one)), "") << one.dump();
  }
}

/// In-place operation with the parameter `factor`.
void expect_enhancement_equal(const std::string& op, const char* parameter, void (*adjust)(Image&, double)) {
  expect_equal_to_oracle(op, [&](Image image, const Json& one) {
    adjust(image, one.at(parameter).get<double>());
    return image;
  });
}

TEST(ImageOracle, CropsAndResizesAsPillow) {
  const std::map<std::string, Filter> filters{
      {"bilinear", Filter::kBilinear}, {"bicubic", Filter::kBicubic}, {"lanczos", Filter::kLanczos}};
  testing::for_each_target([&] {
    expect_equal_to_oracle("crop_and_resize", [&](const Image& image, const Json& one) {
      const auto crop = one.at("crop").get<std::vector<int>>();
      return crop_and_resize(image, {crop[0], crop[1], crop[2], crop[3]}, one.at("out_size")[0].get<int>(),
                             one.at("out_size")[1].get<int>(), filters.at(one.at("filter").get<std::string>()));
    });
  });
}

TEST(ImageOracle, FlipsAsTorchvision) {
  expect_equal_to_oracle("flip", [](const Image& image, const Json&) { return flip_horizontal(image); });
}

TEST(ImageOracle, AdjustsBrightnessAsTorchvision) {
  expect_enhancement_equal("brightness", "factor", adjust_brightness);
}
TEST(ImageOracle, AdjustsContrastAsTorchvision) { expect_enhancement_equal("contrast", "factor", adjust_contrast); }
TEST(ImageOracle, AdjustsSaturationAsTorchvision) {
  expect_enhancement_equal("saturation", "factor", adjust_saturation);
}
TEST(ImageOracle, AdjustsHueAsTorchvision) { expect_enhancement_equal("hue", "factor", adjust_hue); }
TEST(ImageOracle, BlursAsPillow) { expect_enhancement_equal("blur", "radius", gaussian_blur); }

TEST(ImageOracle, MakesGreyAsTorchvision) {
  expect_equal_to_oracle("grayscale", [](Image image, const Json&) {
    to_grayscale(image);
    return image;
  });
}

TEST(ImageOracle, SolarizesAsPillow) {
  expect_equal_to_oracle("solarize", [](Image image, const Json& one) {
    solarize(image, one.at("threshold").get<int>());
    return image;
  });
}

TEST(ImageOracle, NormalizesAsTorchvision) {
  const auto cases = OracleCases::open("normalize");
  if (!cases) GTEST_SKIP() << "no tests/oracles/image_oracle.py results in $SOCO_ORACLE_DIR/image";
  ASSERT_GE(cases->all().size(), 200U);
  for (const Json& one : cases->all()) {
    const Image image = cases->input(one);
    std::vector<float> out(image.pixels.size());
    normalize_to_chw(image, one.at("mean").get<std::array<float, 3>>(), one.at("std").get<std::array<float, 3>>(),
                     out.data());
    const auto expected = cases->bytes(one, "output");
    ASSERT_EQ(expected.size(), out.size() * sizeof(float));
    ASSERT_EQ(std::memcmp(expected.data(), out.data(), expected.size()), 0) << one.dump();
  }
}

TEST(ImageOracle, DecodesEveryFormatAsPillow) {
  const auto cases = OracleCases::open("decode");
  if (!cases) GTEST_SKIP() << "no tests/oracles/image_oracle.py results in $SOCO_ORACLE_DIR/image";
  std::map<std::string, int> count, failed;
  for (const Json& one : cases->all()) {
    const auto format = one.at("format").get<std::string>();
    const auto encoded = cases->bytes(one, "input");
    const Image expected = cases->expected(one);
    const std::string name = format + " case " + std::to_string(count[format]++);
    const ImageInfo info = probe_image(encoded, name);
    EXPECT_EQ(info.format, format);
    EXPECT_TRUE(info.height == expected.height && info.width == expected.width) << name;
    const std::string found = difference(decode_image(encoded, name), expected);
    if (!found.empty() && failed[format]++ < 5) ADD_FAILURE() << name << ": " << found << " " << one.dump();
  }
  for (const char* format : {"JPEG", "PNG", "WebP", "TIFF", "BMP", "PPM"}) {
    const bool common = format == std::string("JPEG") || format == std::string("PNG");
    EXPECT_GE(count[format], common ? 2000 : 200) << format;
    EXPECT_EQ(failed[format], 0) << format;
  }
}

TEST(ImageOracle, DecodesRegionsOfJpegsAsTheWhole) {
  const auto cases = OracleCases::open("decode");
  if (!cases) GTEST_SKIP() << "no tests/oracles/image_oracle.py results in $SOCO_ORACLE_DIR/image";
  Rng rng(3, 0, 0, purpose::kSynth);
  const auto below = [&](int limit) { return static_cast<int>(rng.uniform_int(static_cast<std::uint64_t>(limit))); };
  DecodedPart part;
  int num_smaller = 0, num_cases = 0;
  for (const Json& one : cases->all()) {
    if (one.at("format") != "JPEG") continue;
    const Image whole = cases->expected(one);
    CropRect region{below(whole.width), below(whole.height), 0, 0};
    region.width = 1 + below(whole.width - region.x);
    region.height = 1 + below(whole.height - region.y);
    decode_image_part(cases->bytes(one, "input"), "case", {}, {.region = region}, part);
    ASSERT_TRUE(part.x <= region.x && region.x + region.width <= part.x + part.image.width) << one.dump();
    ASSERT_TRUE(part.y <= region.y && region.y + region.height <= part.y + part.image.height) << one.dump();
    const CropRect here{region.x - part.x, region.y - part.y, region.width, region.height};
    ASSERT_EQ(difference(crop_and_resize(part.image, here, region.height, region.width),
                         crop_and_resize(whole, region, region.height, region.width)),
              "")
        << one.dump();
    num_smaller += part.image.pixels.size() < whole.pixels.size();
    ++num_cases;
  }
  EXPECT_GE(num_cases, 2000);
  EXPECT_GE(num_smaller, 1000);
}

TEST(ImageOracle, TurnsAsExifOrientationSaysWhenAsked) {
  const auto cases = OracleCases::open("exif");
  if (!cases) GTEST_SKIP() << "no tests/oracles/image_oracle.py results in $SOCO_ORACLE_DIR/image";
  ASSERT_GE(cases->all().size(), 200U);
  const DecodeLimits limits{.apply_exif = true};
  for (const Json& one : cases->all()) {
    const auto encoded = cases->bytes(one, "input");
    const Image expected = cases->expected(one);
    const ImageInfo info = probe_image(encoded, "case", limits);
    EXPECT_TRUE(info.height == expected.height && info.width == expected.width) << one.dump();
    ASSERT_EQ(difference(decode_image(encoded, "case", limits), expected), "") << one.dump();
  }
}

}  // namespace
}  // namespace soco
