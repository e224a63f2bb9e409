// SPDX-License-Identifier: MIT
// Hand calculations and properties; tests/image/oracle_test.cpp compares with Pillow.
#include <gtest/gtest.h>

#include "soco/image/blur.h"
#include "soco/image/color.h"
#include "soco/image/draw.h"
#include "soco/image/normalize.h"
#include "soco/image/resize.h"

namespace soco {
namespace {

/// Pixel (x, y) has red x, green y, blue 7.
Image ramp(int height, int width) {
  Image image = make_image(height, width);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(x);
      pixel[1] = static_cast<std::uint8_t>(y);
      pixel[2] = 7;
    }
  return image;
}

Image flat(int height, int width, std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  Image image = make_image(height, width);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    image.pixels[i] = r;
    image.pixels[i + 1] = g;
    image.pixels[i + 2] = b;
  }
  return image;
}

TEST(CropAndResize, SameSizeIsACut) {
  const Image out = crop_and_resize(ramp(9, 11), {3, 2, 5, 4}, 4, 5);
  EXPECT_EQ(out.row(0)[0], 3);
  EXPECT_EQ(out.row(0)[1], 2);
  EXPECT_EQ(out.row(3)[3 * 4], 7);
  EXPECT_EQ(out.row(3)[3 * 4 + 1], 5);
}

TEST(CropAndResize, HalvingAveragesWithTriangleWeights) {
  // Two pixels to one: both lie half a pixel from the centre of a triangle of support 2, equal weights.
  Image two = make_image(1, 2);
  two.pixels = {10, 0, 0, 20, 0, 0};
  EXPECT_EQ(crop_and_resize(two, {0, 0, 2, 1}, 1, 1).pixels[0], 15);
  // 0, 0, 255 to one: weights (1/2 : 1 : 1/2)... at distances -1, 0, 1 with support 3: 2/3, 1, 2/3 over 7/3.
  Image three = make_image(1, 3);
  three.pixels = {0, 0, 0, 0, 0, 0, 255, 0, 0};
  EXPECT_EQ(crop_and_resize(three, {0, 0, 3, 1}, 1, 1).pixels[0], 73);  // 255 * 2/7 = 72.86
}

TEST(CropAndResize, OneColourStaysAtEverySizeAndFilter) {
  const Image image = flat(13, 17, 200, 3, 255);
  for (const Filter filter : {Filter::kBilinear, Filter::kBicubic, Filter::kLanczos})
    for (const int size : {1, 2, 5, 13, 40})
      EXPECT_EQ(crop_and_resize(image, {0, 0, 17, 13}, size, size + 1, filter), flat(size, size + 1, 200, 3, 255));
}

TEST(CropAndResize, CropOutsideIsOurBug) {
  EXPECT_THROW(crop_and_resize(ramp(4, 4), {2, 0, 3, 1}, 1, 1), std::logic_error);
  EXPECT_THROW(crop_and_resize(ramp(4, 4), {0, 0, 0, 1}, 1, 1), std::logic_error);
}

TEST(FlipHorizontal, TwiceIsTheSame) {
  const Image image = ramp(5, 8);
  EXPECT_EQ(flip_horizontal(image).row(0)[0], 7);
  EXPECT_EQ(flip_horizontal(flip_horizontal(image)), image);
}

TEST(Color, FactorOneChangesNothing) {
  const Image before = ramp(6, 6);
  Image image = before;
  adjust_brightness(image, 1.0);
  adjust_contrast(image, 1.0);
  adjust_saturation(image, 1.0);
  EXPECT_EQ(image, before);
}

TEST(Color, HandCalculatedValues) {
  Image image = flat(1, 1, 100, 150, 200);
  adjust_brightness(image, 0.5);
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{50, 75, 100}));
  image = flat(2, 2, 100, 150, 200);
  to_grayscale(image);
  EXPECT_EQ(image.pixels[0], 141);  // 0.299 * 100 + 0.587 * 150 + 0.114 * 200 = 140.75
  image = flat(1, 1, 100, 150, 200);
  adjust_saturation(image, 0.0);
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{141, 141, 141}));
  image = flat(2, 3, 10, 20, 30);
  adjust_contrast(image, 0.0);  // the mean luminance: 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15
  EXPECT_EQ(image, flat(2, 3, 18, 18, 18));
  image = flat(1, 1, 127, 128, 255);
  solarize(image, 128);
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{127, 127, 0}));
}

TEST(Color, HueTurnsPrimariesByThirds) {
  Image image = flat(1, 1, 255, 0, 0);
  adjust_hue(image, 1.0 / 3.0);  // 85 of 255: a third of the circle
  EXPECT_EQ(image.pixels, (std::vector<std::uint8_t>{0, 255, 0}));
  image = flat(1, 1, 90, 90, 90);
  adjust_hue(image, 0.4);
  EXPECT_EQ(image, flat(1, 1, 90, 90, 90));  // grey has no hue
}

TEST(GaussianBlur, KeepsOneColourAndNearlyTheMean) {
  Image image = flat(20, 30, 9, 99, 255);
  gaussian_blur(image, 1.7);
  EXPECT_EQ(image, flat(20, 30, 9, 99, 255));
  Image dot = make_image(41, 41);
  dot.row(20)[3 * 20] = 255;
  Image blurred = dot;
  gaussian_blur(blurred, 1.0);
  // A Gaussian of standard deviation 1 has 1 / (2 pi) of its mass in the middle pixel: 40.6; box blurs come near.
  EXPECT_NEAR(blurred.row(20)[3 * 20], 40.6, 4);
  EXPECT_EQ(blurred.row(19)[3 * 20], blurred.row(20)[3 * 19]);  // symmetric
}

TEST(GaussianBlur, RadiusZeroChangesNothingAndTinyImagesWork) {
  Image image = ramp(3, 4);
  const Image before = image;
  gaussian_blur(image, 0.0);
  EXPECT_EQ(image, before);
  Image one = flat(1, 1, 4, 5, 6);
  gaussian_blur(one, 9.0);
  EXPECT_EQ(one, flat(1, 1, 4, 5, 6));
}

TEST(Normalize, GivesPlanesInFloat32) {
  Image image = make_image(1, 2);
  image.pixels = {255, 0, 51, 0, 255, 102};
  std::vector<float> out(6);
  normalize_to_chw(image, {0.5f, 0.25f, 0.0f}, {0.5f, 0.25f, 0.2f}, out.data());
  EXPECT_EQ(out, (std::vector<float>{1.0f, -1.0f, -1.0f, 3.0f, 0.2f / 0.2f, 0.4f / 0.2f}));
}

TEST(Draw, IsClippedEverywhere) {
  Image image = make_image(10, 10);
  draw_rectangle(image, -5, -5, 100, 100, {255, 0, 0}, 3);
  draw_dashed_rectangle(image, -3, 2, 30, 8, {0, 255, 0});
  draw_line(image, -10, -10, 30, 20, {0, 0, 255});
  draw_text(image, 7, 7, "clip \xff me", {9, 9, 9}, 3);
  paste(image, ramp(20, 20), -4, -6);
  EXPECT_EQ(image.row(0)[0], 4);  // pixel (4, 6) of the ramp
  EXPECT_EQ(image.row(0)[1], 6);
}

TEST(Draw, RectangleIsInsideItsBounds) {
  Image image = make_image(6, 6);
  draw_rectangle(image, 1, 2, 5, 6, {255, 255, 255});
  EXPECT_EQ(image.row(2)[3], 255);   // its corner
  EXPECT_EQ(image.row(5)[12], 255);  // the opposite one, x2 - 1
  EXPECT_EQ(image.row(3)[6], 0);     // hollow
  EXPECT_EQ(image.row(1)[3], 0);
}

TEST(Draw, TextWidthCountsGapsBetweenLetters) {
  EXPECT_EQ(text_width(""), 0);
  EXPECT_EQ(text_width("a"), 5);
  EXPECT_EQ(text_width("ab", 2), 22);
}

}  // namespace
}  // namespace soco
