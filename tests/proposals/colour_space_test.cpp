// SPDX-License-Identifier: MIT
#include "soco/proposals/colour_space.h"

#include <gtest/gtest.h>

#include <cmath>

#include "proposals/test_images.h"

namespace soco {
namespace {

std::array<int, 3> converted(std::array<std::uint8_t, 3> rgb, ColourSpace space) {
  ColourPlanes planes;
  convert_colours(testing::flat_image(1, 1, rgb), space, planes);
  std::array<int, 3> result{-1, -1, -1};
  for (int c = 0; c < planes.num_channels; ++c) result[c] = planes.planes[c][0];
  return result;
}

using Triple = std::array<int, 3>;

TEST(ConvertColours, GivesProperHsv) {
  EXPECT_EQ(converted({255, 0, 0}, ColourSpace::kHsv), (Triple{0, 255, 255}));
  EXPECT_EQ(converted({0, 255, 0}, ColourSpace::kHsv), (Triple{85, 255, 255}));   // 120 / 360 * 255
  EXPECT_EQ(converted({0, 0, 128}, ColourSpace::kHsv), (Triple{170, 255, 128}));  // 240 / 360 * 255
  EXPECT_EQ(converted({100, 100, 100}, ColourSpace::kHsv), (Triple{0, 0, 100}));  // no hue without saturation
  EXPECT_EQ(converted({0, 0, 0}, ColourSpace::kHsv), (Triple{0, 0, 0}));
  // hue 330 degrees: 233.75; saturation 100 / 200: 127.5
  EXPECT_EQ(converted({200, 100, 150}, ColourSpace::kHsv), (Triple{234, 128, 200}));
}

TEST(ConvertColours, GivesLabOfTheKnownPrimaries) {
  // CIE L*a*b* (D65): white 100, 0, 0; red 53.24, 80.09, 67.20; green 87.73, -86.18, 83.18; blue 32.30, 79.19, -107.86.
  EXPECT_EQ(converted({255, 255, 255}, ColourSpace::kLab), (Triple{255, 128, 128}));
  EXPECT_EQ(converted({0, 0, 0}, ColourSpace::kLab), (Triple{0, 128, 128}));
  EXPECT_EQ(converted({255, 0, 0}, ColourSpace::kLab), (Triple{136, 208, 195}));
  EXPECT_EQ(converted({0, 255, 0}, ColourSpace::kLab), (Triple{224, 42, 211}));
  EXPECT_EQ(converted({0, 0, 255}, ColourSpace::kLab), (Triple{82, 207, 20}));
}

TEST(ConvertColours, FollowsTheLabFormulaOnAllGreys) {
  for (int v = 0; v < 256; ++v) {
    const double unit = v / 255.0;
    const double y = unit <= 0.04045 ? unit / 12.92 : std::pow((unit + 0.055) / 1.055, 2.4);
    const double lightness = 116 * (y > 0.008856 ? std::cbrt(y) : 7.787 * y + 16.0 / 116) - 16;
    const auto grey = static_cast<std::uint8_t>(v);
    const Triple lab = converted({grey, grey, grey}, ColourSpace::kLab);
    EXPECT_NEAR(lab[0], lightness * 2.55, 0.5 + 0.2) << v;  // rounding, and the table's line between two of 4096 points
    EXPECT_EQ(lab[1], 128);
    EXPECT_EQ(lab[2], 128);
  }
}

TEST(ConvertColours, GivesSharesOfRedAndGreenWithIntensity) {
  EXPECT_EQ(converted({100, 50, 50}, ColourSpace::kRgi), (Triple{128, 64, 65}));  // 127.5, 63.75; 29.9 + 29.35 + 5.7
  EXPECT_EQ(converted({0, 0, 0}, ColourSpace::kRgi), (Triple{85, 85, 0}));
  EXPECT_EQ(converted({200, 100, 100}, ColourSpace::kRgi)[0], 128);  // light and shade leave the shares as they are
}

TEST(ConvertColours, GivesOnePlaneOfHueAndOfIntensity) {
  EXPECT_EQ(converted({0, 255, 0}, ColourSpace::kHue), (Triple{85, -1, -1}));
  EXPECT_EQ(converted({10, 20, 30}, ColourSpace::kIntensity), (Triple{18, -1, -1}));  // 2.99 + 11.74 + 3.42 = 18.15
  EXPECT_EQ(converted({7, 8, 9}, ColourSpace::kRgb), (Triple{7, 8, 9}));
}

}  // namespace
}  // namespace soco
