// SPDX-License-Identifier: MIT
#include "soco/data/synth_texture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace soco {
namespace {

TEST(ColorFromHsv, GivesThePrimaries) {
  const auto expect_color = [](const SceneColor& color, float r, float g, float b) {
    EXPECT_NEAR(color.r, r, 1e-6);
    EXPECT_NEAR(color.g, g, 1e-6);
    EXPECT_NEAR(color.b, b, 1e-6);
  };
  expect_color(color_from_hsv(0.0, 1.0, 1.0), 1, 0, 0);
  expect_color(color_from_hsv(1.0 / 3, 1.0, 1.0), 0, 1, 0);
  expect_color(color_from_hsv(2.0 / 3, 1.0, 1.0), 0, 0, 1);
  expect_color(color_from_hsv(1.0 / 6, 1.0, 0.5), 0.5F, 0.5F, 0);  // yellow at half value
  expect_color(color_from_hsv(0.7, 0.0, 0.25), 0.25F, 0.25F, 0.25F);
  expect_color(color_from_hsv(-1.0, 0.5, 1.0), 1, 0.5F, 0.5F);  // hue is periodic
}

TEST(NoiseField, StaysInRangeAndIsPeriodic) {
  Rng rng(1, 0, 0, purpose::kSynth);
  const NoiseField noise(rng);
  for (int i = 0; i < 1000; ++i) {
    const float x = static_cast<float>(i) * 0.37F - 100, y = static_cast<float>(i) * 0.11F;
    EXPECT_GE(noise.at(x, y), 0);
    EXPECT_LE(noise.at(x, y), 1);
    EXPECT_GE(noise.fractal(x, y, 4), 0);
    EXPECT_LE(noise.fractal(x, y, 4), 1);
    // 64 cells further; float32 keeps about 1e-5 of a cell at coordinates of 100.
    EXPECT_NEAR(noise.at(x + 64, y), noise.at(x, y), 2e-4);
  }
}

TEST(NoiseField, IsContinuous) {
  Rng rng(2, 0, 0, purpose::kSynth);
  const NoiseField noise(rng);
  // The smooth step's steepest slope is 1.5 per cell, the values differ by at most 1.
  for (float x = -3; x < 3; x += 0.01F) EXPECT_LE(std::abs(noise.at(x + 0.01F, 0.5F) - noise.at(x, 0.5F)), 0.0155F);
}

TEST(Texture, IsAFunctionOfTheRandomNumbersAlone) {
  Rng noise_rng(3, 0, 0, purpose::kSynth);
  const NoiseField noise(noise_rng);
  for (int category = 0; category < 12; ++category) {
    Rng first(4, 0, 0, purpose::kSynth), second(4, 0, 0, purpose::kSynth), third(4, 0, 1, purpose::kSynth);
    const Texture a = Texture::draw_object(category, 30, noise, first);
    const Texture b = Texture::draw_object(category, 30, noise, second);
    const Texture c = Texture::draw_object(category, 30, noise, third);
    double same = 0, different = 0;
    for (int i = 0; i < 100; ++i) {
      const float x = static_cast<float>(i % 10) * 5, y = static_cast<float>(i / 10) * 5;
      same += std::abs(a.at(x, y).r - b.at(x, y).r);
      different += std::abs(a.at(x, y).r - c.at(x, y).r) + std::abs(a.at(x, y).b - c.at(x, y).b);
    }
    EXPECT_EQ(same, 0);
    EXPECT_GT(different, 0.5);
  }
}

TEST(Texture, HasColoursNearTheDisplayableRange) {
  Rng rng(5, 0, 0, purpose::kSynth);
  const NoiseField noise(rng);
  for (int i = 0; i < 200; ++i) {
    const Texture texture =
        i % 2 == 0 ? Texture::draw_object(i % 12, 20, noise, rng) : Texture::draw_background(320, noise, rng);
    for (int j = 0; j < 50; ++j) {
      const SceneColor color = texture.at(static_cast<float>(j) * 3.7F, static_cast<float>(j) * 1.3F - 20);
      // Values up to 1, times grain up to 1.08.
      for (const float value : {color.r, color.g, color.b}) {
        EXPECT_GE(value, 0);
        EXPECT_LE(value, 1.09F);
      }
    }
  }
}

}  // namespace
}  // namespace soco
