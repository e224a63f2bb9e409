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
#include "testing/instruction_sets.h"
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

/// All colours of one red.
void fill_with_colours_of(int red, PlanarImage& planes) {
  planes.reshape(256, 256);
  for (std::size_t i = 0; i < planes.num_pixels(); ++i) {
    planes.plane(0)[i] = static_cast<std::uint8_t>(red);
    planes.plane(1)[i] = static_cast<std::uint8_t>(i >> 8);
    planes.plane(2)[i] = static_cast<std::uint8_t>(i);
  }
}

/// Every `step`th red from `first` on, with all its colours.
template <class Change>
void expect_colours_equal(const Json& one, int first, int step, const Change& change) {
  PlanarImage planes;
  Image pixels = make_image(256, 256);
  for (int red = first; red < 256; red += step) {
    fill_with_colours_of(red, planes);
    change(planes, one[0].get<double>());
    join_planes(planes, pixels);
    ASSERT_EQ(crc32_of(pixels.pixels), one[1][static_cast<std::size_t>(red)].get<std::uint32_t>())
        << one[0] << " of the colours of red " << red;
  }
}

/// Every colour on the machine's best instruction set; on the others, which run the same source and may be emulated,
/// one red in sixteen.
TEST(PhotometricOracle, EveryColour) {
  SOCO_ORACLE_OR_SKIP(folder, "photometric");
  const auto cases = testing::read_photometric_cases(folder);
  const Json& all = cases.index.at("all_colours");
  int target = 0;
  testing::for_each_target([&] {
    const int step = target == 0 ? 1 : 16, first = target == 0 ? 0 : 16 - target;
    ++target;
    for (const Json& one : all.at("hue")) {
      expect_colours_equal(one, first, step, [](PlanarImage& image, double f) { adjust_hue(image, f); });
    }
    for (const Json& one : all.at("saturation")) {
      expect_colours_equal(one, first, step, [](PlanarImage& image, double f) { adjust_saturation(image, f); });
    }
    expect_colours_equal(all.at("grayscale")[0], first, step, [](PlanarImage& image, double) { to_grayscale(image); });
  });
}

}  // namespace
}  // namespace soco
