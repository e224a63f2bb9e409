// SPDX-License-Identifier: MIT
#include "soco/proposals/gaussian.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace soco {
namespace {

Planes planes_of(int height, int width, double value) {
  Planes planes{.height = height, .width = width, .channels = {}};
  for (auto& channel : planes.channels) channel.assign(static_cast<std::size_t>(height) * width, value);
  return planes;
}

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

TEST(GaussianSmooth, ChangesNothingWhenSigmaIsZero) {
  Planes planes = planes_of(2, 2, 0.25);
  planes.channels[1][3] = 0.75;
  const auto before = planes.channels[1];
  gaussian_smooth(planes, 0);
  EXPECT_EQ(planes.channels[1], before);
}

TEST(GaussianSmooth, KeepsAConstant) {
  Planes planes = planes_of(7, 3, 0.6);
  gaussian_smooth(planes, 1.3);
  for (const double v : planes.channels[2]) EXPECT_NEAR(v, 0.6, 1e-15);
}

TEST(GaussianSmooth, SpreadsAnImpulseAsTheProductOfTheWeights) {
  Planes planes = planes_of(21, 21, 0);
  planes.channels[0][10 * 21 + 10] = 1;
  gaussian_smooth(planes, 0.9);
  const std::vector<double> w = gaussian_weights(0.9);
  for (int dy = -4; dy <= 4; ++dy) {
    for (int dx = -4; dx <= 4; ++dx) {
      EXPECT_DOUBLE_EQ(planes.channels[0][(10 + dy) * 21 + 10 + dx], w[4 + dy] * w[4 + dx]);
    }
  }
  EXPECT_EQ(planes.channels[0][10 * 21 + 15], 0);  // beyond the radius
  EXPECT_EQ(planes.channels[1], std::vector<double>(21 * 21, 0.0));
}

TEST(GaussianSmooth, MirrorsAtTheOuterEdgeOfTheBorderPixel) {
  // Row (1, 0) with radius 4 continues as ... 0 1 1 0 | 1 0 | 0 1 1 0 ..., so that pixel 0 sees ones at -4, -1, 0 and
  // 3 (and 4: 1 0 0 1 1), counted from the pattern of period 4.
  Planes planes = planes_of(1, 2, 0);
  planes.channels[0][0] = 1;
  gaussian_smooth(planes, 0.9);
  const std::vector<double> w = gaussian_weights(0.9);
  const double expected = w[4] + w[3] + w[4 + 3] + w[0] + w[8];  // offsets 0, -1, +3, -4, +4
  EXPECT_NEAR(planes.channels[0][0], expected, 1e-15);
  EXPECT_NEAR(planes.channels[0][0] + planes.channels[0][1], 1.0, 1e-15);  // mirroring keeps the sum
}

TEST(GaussianSmooth, KeepsASinglePixelWhateverTheRadius) {
  Planes planes = planes_of(1, 1, 0.37);
  gaussian_smooth(planes, 5);
  EXPECT_NEAR(planes.channels[0][0], 0.37, 1e-15);
}

}  // namespace
}  // namespace soco
