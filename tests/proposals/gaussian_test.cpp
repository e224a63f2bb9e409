// SPDX-License-Identifier: MIT
#include "soco/proposals/gaussian.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "proposals/test_images.h"

namespace soco {
namespace {

using testing::flat_image;
using testing::grey_image;

TEST(GaussianWeights, ReachFourSigma) {
  EXPECT_EQ(gaussian_weights(0.9).size(), 9u);  // radius int(3.6 + 0.5) = 4
  EXPECT_EQ(gaussian_weights(1.0).size(), 9u);  // 4
  EXPECT_EQ(gaussian_weights(0.1).size(), 1u);  // 0
  EXPECT_EQ(gaussian_weights(40.0).size(), 321u);
}

TEST(GaussianWeights, AreSymmetricAndSumToOne) {
  for (const double sigma : {0.3, 0.9, 2.5, 40.0}) {
    const std::vector<double> w = gaussian_weights(sigma);
    for (std::size_t i = 0; i < w.size(); ++i) EXPECT_EQ(w[i], w[w.size() - 1 - i]);
    EXPECT_NEAR(std::accumulate(w.begin(), w.end(), 0.0), 1.0, 1e-14);  // a few hundred roundings of 1e-16
  }
}

TEST(GaussianWeights, FollowTheGaussian) {
  const std::vector<double> w = gaussian_weights(0.9);
  for (int i = 1; i <= 4; ++i) EXPECT_NEAR(w[4 + i] / w[4], std::exp(-0.5 * i * i / 0.81), 1e-15);
}

/// All rows of one channel of the smoothed image.
std::vector<double> smoothed(const Image& image, double sigma, int channel = 0) {
  RowSmoother smoother;
  smoother.start(image, sigma);
  std::vector<double> plane;
  for (int y = 0; y < image.height; ++y) {
    const RowOfThree row = smoother.next();
    plane.insert(plane.end(), row[channel], row[channel] + image.width);
  }
  return plane;
}

TEST(RowSmoother, ChangesNothingWhenSigmaIsZero) {
  Image image = flat_image(2, 2, {51, 102, 255});
  image.pixels[10] = 204;
  EXPECT_EQ(smoothed(image, 0, 1),
            (std::vector<double>{102 * (1 / 255.0), 102 * (1 / 255.0), 102 * (1 / 255.0), 204 * (1 / 255.0)}));
}

TEST(RowSmoother, KeepsAConstant) {
  for (const double v : smoothed(flat_image(7, 3, {9, 9, 153}), 1.3, 2)) EXPECT_NEAR(v, 0.6, 1e-15);
}

TEST(RowSmoother, SpreadsAnImpulseAsTheProductOfTheWeights) {
  Image image = flat_image(21, 21, {0, 0, 0});
  image.row(10)[3 * 10] = 255;
  const std::vector<double> plane = smoothed(image, 0.9), w = gaussian_weights(0.9);
  for (int dy = -4; dy <= 4; ++dy) {
    for (int dx = -4; dx <= 4; ++dx) {
      EXPECT_DOUBLE_EQ(plane[(10 + dy) * 21 + 10 + dx], w[4 + dy] * w[4 + dx]);
    }
  }
  EXPECT_EQ(plane[10 * 21 + 15], 0);  // beyond the radius
  EXPECT_EQ(smoothed(image, 0.9, 1), std::vector<double>(21 * 21, 0.0));
}

TEST(RowSmoother, MirrorsAtTheOuterEdgeOfTheBorderPixel) {
  // Row (1, 0) with radius 4 continues as ... 0 1 1 0 | 1 0 | 0 1 1 0 ..., so that pixel 0 sees ones at -4, -1, 0 and
  // 3 (and 4: 1 0 0 1 1), counted from the pattern of period 4.
  const std::vector<double> plane = smoothed(grey_image({{255, 0}}), 0.9), w = gaussian_weights(0.9);
  const double expected = w[4] + w[3] + w[4 + 3] + w[0] + w[8];  // offsets 0, -1, +3, -4, +4
  EXPECT_NEAR(plane[0], expected, 1e-15);
  EXPECT_NEAR(plane[0] + plane[1], 1.0, 1e-15);  // mirroring keeps the sum
}

TEST(RowSmoother, KeepsASinglePixelWhateverTheRadius) { EXPECT_NEAR(smoothed(grey_image({{102}}), 5)[0], 0.4, 1e-15); }

TEST(RowSmoother, IsTheSameOnTheTransposedImage) {
  // Columns are smoothed before rows, so the transposed result agrees up to rounding alone.
  const Image image = testing::scene_image(30, 45, 8);
  Image transposed = flat_image(45, 30, {0, 0, 0});
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 45; ++x) std::copy_n(image.row(y) + 3 * x, 3, transposed.row(x) + 3 * y);
  }
  const std::vector<double> a = smoothed(image, 2.2, 2), b = smoothed(transposed, 2.2, 2);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 45; ++x) ASSERT_NEAR(a[y * 45 + x], b[x * 30 + y], 1e-14);
  }
}

TEST(RowSmoother, StartsAfreshWithEachImage) {
  const Image large = testing::scene_image(40, 50, 1), small = testing::scene_image(20, 25, 2);
  RowSmoother smoother;
  smoother.start(large, 3);
  for (int y = 0; y < 7; ++y) smoother.next();
  smoother.start(small, 0.9);
  const std::vector<double> expected = smoothed(small, 0.9);
  for (int y = 0; y < 20; ++y) {
    const RowOfThree row = smoother.next();
    ASSERT_TRUE(std::equal(row[0], row[0] + 25, expected.begin() + y * 25)) << y;
  }
}

}  // namespace
}  // namespace soco
