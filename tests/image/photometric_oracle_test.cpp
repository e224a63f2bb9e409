// SPDX-License-Identifier: MIT
// Colours, blur, flip and normalisation against Pillow and torchvision, bit for bit, on every instruction set: 2,000
// images an operation, and all 2^24 colours where an operation looks at one pixel alone.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "soco/image/blur.h"
#include "soco/image/color.h"
#include "soco/image/normalize.h"
#include "soco/image/resize.h"
#include "testing/photometric_cases.h"

namespace soco {
namespace {

using testing::crc32_of;
using Operation = std::function<std::uint32_t(const Image&, const Json& parameter)>;

/// An operation in place, to the CRC of its result.
template <class Change>
Operation in_place(Change change) {
  return [change](Image image, const Json& parameter) {
    change(image, parameter);
    return crc32_of(image.pixels);
  };
}

std::uint32_t normalized_crc(const Image& image, const Json&) {
  std::vector<float> out(image.pixels.size());
  normalize_to_chw(image, kImageNetMean, kImageNetStd, out.data());
  return crc32_of(out);
}

const std::map<std::string, Operation>& operations() {
  static const std::map<std::string, Operation> table{
      {"brightness", in_place([](Image& image, const Json& f) { adjust_brightness(image, f.get<double>()); })},
      {"contrast", in_place([](Image& image, const Json& f) { adjust_contrast(image, f.get<double>()); })},
      {"saturation", in_place([](Image& image, const Json& f) { adjust_saturation(image, f.get<double>()); })},
      {"hue", in_place([](Image& image, const Json& f) { adjust_hue(image, f.get<double>()); })},
      {"grayscale", in_place([](Image& image, const Json&) { to_grayscale(image); })},
      {"blur", in_place([](Image& image, const Json& r) { gaussian_blur(image, r.get<double>()); })},
      {"solarize", in_place([](Image& image, const Json& t) { solarize(image, t.get<int>()); })},
      {"flip", in_place([](Image& image, const Json&) { image = flip_horizontal(image); })},
      {"normalize", normalized_crc},
  };
  return table;
}

TEST(PhotometricOracle, EveryOperationOnTwoThousandImagesOnEveryTarget) {
  SOCO_ORACLE_OR_SKIP(folder, "photometric");
  const auto cases = testing::read_photometric_cases(folder);
  for (const auto& [name, operation] : operations()) {
    const Json& expected = cases.index.at("cases").at(name);
    ASSERT_GE(expected.size(), 2000u);
    ASSERT_EQ(expected.size(), cases.images.size());
    testing::for_each_target([&, &name = name, &operation = operation] {
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(operation(cases.images[i], expected[i][0]), expected[i][1].get<std::uint32_t>())
            << name << " " << expected[i][0] << " of image " << i << ", " << cases.images[i].height << " x "
            << cases.images[i].width;
      }
    });
  }
}

/// CRC of all 2^24 colours, pixel i being red i >> 16, green i >> 8 & 255, blue i & 255, after `change`, which looks at
/// one pixel alone. Red by red, so that memory stays small.
template <class Change>
std::uint32_t crc_of_all_colours(const Change& change) {
  PlanarImage planes;
  Image pixels = make_image(256, 256);
  std::uint32_t crc = 0;
  for (int red = 0; red < 256; ++red) {
    planes.reshape(256, 256);
    for (std::size_t i = 0; i < planes.num_pixels(); ++i) {
      planes.plane(0)[i] = static_cast<std::uint8_t>(red);
      planes.plane(1)[i] = static_cast<std::uint8_t>(i >> 8);
      planes.plane(2)[i] = static_cast<std::uint8_t>(i);
    }
    change(planes);
    join_planes(planes, pixels);
    crc = crc32_of(pixels.pixels, crc);
  }
  return crc;
}

TEST(PhotometricOracle, EveryColourOnEveryTarget) {
  SOCO_ORACLE_OR_SKIP(folder, "photometric");
  const auto cases = testing::read_photometric_cases(folder);
  const Json& all = cases.index.at("all_colours");
  testing::for_each_target([&] {
    for (const Json& one : all.at("hue")) {
      const auto crc = crc_of_all_colours([&](PlanarImage& image) { adjust_hue(image, one[0].get<double>()); });
      ASSERT_EQ(crc, one[1].get<std::uint32_t>()) << one;
    }
    for (const Json& one : all.at("saturation")) {
      const auto crc = crc_of_all_colours([&](PlanarImage& image) { adjust_saturation(image, one[0].get<double>()); });
      ASSERT_EQ(crc, one[1].get<std::uint32_t>()) << one;
    }
    const auto crc = crc_of_all_colours([](PlanarImage& image) { to_grayscale(image); });
    ASSERT_EQ(crc, all.at("grayscale")[0][1].get<std::uint32_t>());
  });
}

}  // namespace
}  // namespace soco
