// SPDX-License-Identifier: MIT
#include "soco/data/synth_texture.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace soco {
namespace {

// Distance to the nearest whole number, as a wave: 1 at whole numbers, -1 half way between.
float triangle_wave(float t) { return std::abs(t - std::floor(t) - 0.5F) * 4 - 1; }

// A step of the wave at `threshold` that is about one pixel wide, so that edges are antialiased: a period of `period`
// px climbs 4 units.
float soft_step(float wave, float threshold, float period) {
  return std::clamp((wave - threshold) * period * 0.25F + 0.5F, 0.0F, 1.0F);
}

float narrow(double value) { return static_cast<float>(value); }

}  // namespace

SceneColor color_from_hsv(double hue, double saturation, double value) {
  // Each channel is a trapezoid over the hue circle, shifted by a third of a turn.
  const auto channel = [&](double shift) {
    const double t = hue + shift - std::floor(hue + shift);
    const double ramp = std::clamp(std::abs(t * 6 - 3) - 1, 0.0, 1.0);
    return narrow(value * (1 - saturation * (1 - ramp)));
  };
  return {channel(0.0), channel(2.0 / 3), channel(1.0 / 3)};
}

NoiseField::NoiseField(Rng& rng) {
  for (float& value : values_) value = narrow(rng.next_u32() * 0x1p-32);
}

float NoiseField::at(float x, float y) const {
  const float floor_x = std::floor(x), floor_y = std::floor(y);
  const int x0 = static_cast<int>(floor_x) & (kSide - 1), y0 = static_cast<int>(floor_y) & (kSide - 1);
  const int x1 = (x0 + 1) & (kSide - 1), y1 = (y0 + 1) & (kSide - 1);
  const float fx = x - floor_x, fy = y - floor_y;
  const float sx = fx * fx * (3 - 2 * fx), sy = fy * fy * (3 - 2 * fy);
  const float top = values_[y0 * kSide + x0] * (1 - sx) + values_[y0 * kSide + x1] * sx;
  const float bottom = values_[y1 * kSide + x0] * (1 - sx) + values_[y1 * kSide + x1] * sx;
  return top * (1 - sy) + bottom * sy;
}

float NoiseField::fractal(float x, float y, int octaves) const {
  float sum = 0, weight = 1, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * at(x, y);
    total += weight;
    weight *= 0.5F;
    x = x * 2 + 17.3F;  // shifted, so that lattice lines of the octaves do not coincide
    y = y * 2 + 5.7F;
  }
  return sum / total;
}

Texture::Texture(Pattern pattern, double period, const NoiseField& noise, Rng& rng)
    : pattern_(pattern), noise_(&noise), period_(narrow(std::max(period, 4.0))) {
  const double turn = rng.uniform(0.0, 2 * std::numbers::pi);
  cos_ = narrow(std::cos(turn));
  sin_ = narrow(std::sin(turn));
  duty_ = narrow(rng.uniform(-0.4, 0.4));
  warp_ = narrow(rng.uniform(0.0, 0.25)) * period_;
  grain_ = narrow(rng.uniform(0.0, 0.08));
  noise_x_ = narrow(rng.uniform(0.0, 64.0));
  noise_y_ = narrow(rng.uniform(0.0, 64.0));
}

Texture Texture::draw_object(int category, double radius, const NoiseField& noise, Rng& rng) {
  // Texture and colour hint at the category but do not name it; only the outline does. So a third of the objects have
  // any pattern, hue ranges of neighbouring categories overlap, and one object in five has any hue. The golden ratio
  // spreads the hues for any number of categories. A period is a tenth to a half of the diameter.
  const int pattern = static_cast<int>(rng.bernoulli(0.35) ? rng.uniform_int(kNumPatterns) : category % kNumPatterns);
  Texture texture(static_cast<Pattern>(pattern), radius * rng.uniform(0.2, 0.9), noise, rng);
  const double hue = rng.bernoulli(0.2) ? rng.uniform() : category * 0.61803398875 + 0.1 * rng.normal();
  const double saturation = rng.uniform(0.35, 0.95), value = rng.uniform(0.3, 0.95);
  texture.first_ = color_from_hsv(hue, saturation, value);
  switch (rng.uniform_int(4)) {
    case 0:
      texture.second_ = color_from_hsv(hue + rng.uniform(-0.05, 0.05), saturation, value * 0.4);
      break;
    case 1:
      texture.second_ = color_from_hsv(hue, saturation * 0.25, 0.5 + 0.5 * value);
      break;
    case 2:
      texture.second_ = color_from_hsv(hue + rng.uniform(0.35, 0.65), saturation, rng.uniform(0.3, 0.95));
      break;
    default:
      texture.second_ = color_from_hsv(rng.uniform(), rng.uniform(0.0, 0.6), rng.uniform(0.1, 0.95));
  }
  return texture;
}

Texture Texture::draw_background(double side, const NoiseField& noise, Rng& rng) {
  // Smooth patterns most often, as in photographs; regular ones now and then.
  const Pattern pattern = rng.bernoulli(0.55) ? (rng.bernoulli(0.5) ? Pattern::kPlain : Pattern::kMarble)
                                              : static_cast<Pattern>(rng.uniform_int(kNumPatterns));
  Texture texture(pattern, side * rng.uniform(0.04, 0.3), noise, rng);
  const double hue = rng.uniform(), value = rng.uniform(0.2, 0.85);
  const double saturation = rng.uniform(0.0, 0.45);
  texture.first_ = color_from_hsv(hue, saturation, value);
  const double contrast = rng.uniform(0.08, 0.35) * (rng.bernoulli(0.5) ? 1 : -1);
  texture.second_ =
      color_from_hsv(hue + rng.uniform(-0.15, 0.15), rng.uniform(0.0, 0.5), std::clamp(value + contrast, 0.08, 0.95));
  return texture;
}

float Texture::pattern_value(float u, float v) const {
  const float inverse = 1 / period_;
  switch (pattern_) {
    case Pattern::kPlain:
      return noise_->fractal(u * inverse * 0.5F + noise_x_, v * inverse * 0.5F + noise_y_, 2);
    case Pattern::kStripes:
      return soft_step(triangle_wave(u * inverse), duty_, period_);
    case Pattern::kChecks: {
      const float a = soft_step(triangle_wave(u * inverse), 0, period_);
      const float b = soft_step(triangle_wave(v * inverse), 0, period_);
      return a + b - 2 * a * b;
    }
    case Pattern::kDots: {
      const float du = u * inverse - std::round(u * inverse), dv = v * inverse - std::round(v * inverse);
      const float from_dot = std::sqrt(du * du + dv * dv) - (0.28F + 0.25F * duty_ * 0.5F);
      return std::clamp(0.5F - from_dot * period_, 0.0F, 1.0F);
    }
    case Pattern::kMarble: {
      const float t = noise_->fractal(u * inverse + noise_x_, v * inverse + noise_y_, 4);
      return std::clamp((t - 0.5F) * 3 + 0.5F + duty_ * 0.5F, 0.0F, 1.0F);
    }
    case Pattern::kTarget:
      return soft_step(triangle_wave(std::sqrt(u * u + v * v) * inverse), duty_, period_);
    case Pattern::kWaves: {
      const float shifted = u + period_ * 0.35F * std::sin(v * inverse * 3);
      return soft_step(triangle_wave(shifted * inverse), duty_, period_);
    }
    case Pattern::kSpeckle: {
      const float t = noise_->at(u * inverse * 3 + noise_x_, v * inverse * 3 + noise_y_);
      return std::clamp((t - 0.62F - 0.2F * duty_) * 8, 0.0F, 1.0F);
    }
  }
  return 0;
}

SceneColor Texture::at(float x, float y) const {
  float u = cos_ * x + sin_ * y, v = cos_ * y - sin_ * x;
  const float inverse = 0.7F / period_;
  const float bend = noise_->at(u * inverse + noise_y_, v * inverse + noise_x_) - 0.5F;
  u += warp_ * bend;
  v += warp_ * bend;
  const float grain = 1 + grain_ * (noise_->at(x * 0.45F + noise_x_, y * 0.45F + noise_y_) * 2 - 1);
  return mix(first_, second_, pattern_value(u, v)) * grain;
}

}  // namespace soco
