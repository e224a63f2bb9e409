// SPDX-License-Identifier: MIT
#include "soco/data/transforms/photometric.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/plans.h"
#include "soco/image/blur.h"
#include "soco/image/color.h"

namespace soco {
namespace {

TEST(DrawPhotometric, StaysWithinTheRangesAndKeepsTheProbabilities) {
  const PhotometricOptions options;
  Rng rng(6, 0, 0, purpose::kViews);
  constexpr int kDraws = 6000;
  int jitter = 0, gray = 0, blur = 0, solarized = 0;
  for (int i = 0; i < kDraws; ++i) {
    const PhotometricDecision d = draw_photometric(options, rng);
    jitter += d.jitter, gray += d.gray, blur += d.blur, solarized += d.solarize;
    ASSERT_TRUE(d.brightness >= 0.6 && d.brightness <= 1.4);
    ASSERT_TRUE(d.contrast >= 0.6 && d.contrast <= 1.4);
    ASSERT_TRUE(d.saturation >= 0.8 && d.saturation <= 1.2);
    ASSERT_TRUE(d.hue >= -0.1 && d.hue <= 0.1);
    ASSERT_TRUE(d.blur_radius >= 0.1 && d.blur_radius <= 2.0);
  }
  const auto five_deviations = [](double p) { return 5 * std::sqrt(kDraws * p * (1 - p)); };
  EXPECT_NEAR(jitter, kDraws * 0.8, five_deviations(0.8));
  EXPECT_NEAR(gray, kDraws * 0.2, five_deviations(0.2));
  EXPECT_NEAR(blur, kDraws * 0.1, five_deviations(0.1));
  EXPECT_NEAR(solarized, kDraws * 0.2, five_deviations(0.2));
}

TEST(DrawPhotometric, TakesAllOrdersEquallyOften) {
  Rng rng(6, 0, 0, purpose::kViews);
  std::map<std::array<int, 4>, int> count;
  for (int i = 0; i < 24 * 300; ++i) ++count[draw_photometric({}, rng).order];
  ASSERT_EQ(count.size(), 24u);
  for (const auto& [order, n] : count) EXPECT_NEAR(n, 300, 5 * std::sqrt(300.0));
}

TEST(DrawPhotometric, DoesNotLetOneProbabilityMoveTheOtherDraws) {
  PhotometricOptions a, b;
  a.jitter_prob = a.gray_prob = a.blur_prob = a.solarize_prob = 0;
  b.jitter_prob = b.gray_prob = b.blur_prob = b.solarize_prob = 1;
  Rng rng_a(6, 0, 0, purpose::kViews), rng_b(6, 0, 0, purpose::kViews);
  const auto first = draw_photometric(a, rng_a), second = draw_photometric(b, rng_b);
  EXPECT_EQ(first.blur_radius, second.blur_radius);
  EXPECT_EQ(first.hue, second.hue);
  EXPECT_EQ(rng_a.next_u64(), rng_b.next_u64());
}

TEST(ApplyPhotometric, LeavesTheImageWhenNothingIsDecided) {
  Image image = testing::test_image(20, 30, 1);
  const std::vector<std::uint8_t> before = image.pixels;
  apply_photometric({}, image);
  EXPECT_EQ(image.pixels, before);
}

TEST(ApplyPhotometric, FollowsTheDrawnOrderThenGrayBlurSolarize) {
  PhotometricDecision decision;
  decision.jitter = decision.gray = decision.blur = decision.solarize = true;
  decision.order = {3, 1, 0, 2};
  decision.brightness = 1.3, decision.contrast = 0.7, decision.saturation = 1.15, decision.hue = -0.07;
  decision.blur_radius = 1.4;
  Image image = testing::test_image(40, 50, 2), expected = image;
  apply_photometric(decision, image);
  adjust_hue(expected, -0.07);
  adjust_contrast(expected, 0.7);
  adjust_brightness(expected, 1.3);
  adjust_saturation(expected, 1.15);
  to_grayscale(expected);
  gaussian_blur(expected, 1.4);
  solarize(expected, 128);
  EXPECT_EQ(image.pixels, expected.pixels);
}

TEST(ApplyPhotometric, SkipsStepsWhoseOptionIsZero) {
  PhotometricOptions options;
  options.brightness = options.saturation = options.hue = 0;
  options.jitter_prob = 1;
  options.gray_prob = options.blur_prob = options.solarize_prob = 0;
  Rng rng(8, 0, 0, purpose::kViews);
  const PhotometricDecision decision = draw_photometric(options, rng);
  Image image = testing::test_image(40, 50, 3), expected = image;
  apply_photometric(decision, image);
  adjust_contrast(expected, decision.contrast);
  EXPECT_EQ(image.pixels, expected.pixels);
}

}  // namespace
}  // namespace soco
