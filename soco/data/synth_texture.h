// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "soco/base/random.h"

namespace soco {

/// RGB of a scene before it is quantised; 0 .. 1 is the displayable range.
struct SceneColor {
  float r = 0, g = 0, b = 0;

  SceneColor operator*(float s) const { return {r * s, g * s, b * s}; }
  SceneColor operator+(const SceneColor& o) const { return {r + o.r, g + o.g, b + o.b}; }
};

inline SceneColor mix(const SceneColor& a, const SceneColor& b, float t) { return a * (1 - t) + b * t; }

/// Colour of hue (turns, any real number), saturation and value in [0, 1].
SceneColor color_from_hsv(double hue, double saturation, double value);

/// Value noise on a periodic lattice of 64 x 64 random numbers.
class NoiseField {
 public:
  explicit NoiseField(Rng& rng);

  /// Smooth noise in [0, 1]; (x, y) in lattice cells.
  float at(float x, float y) const;
  /// Sum of `octaves` layers, each of double frequency and half strength, scaled back to [0, 1].
  float fractal(float x, float y, int octaves) const;

 private:
  static constexpr int kSide = 64;
  std::array<float, kSide * kSide> values_;
};

/// Patterns in the order in which categories take them.
enum class Pattern { kPlain, kStripes, kChecks, kDots, kMarble, kTarget, kWaves, kSpeckle };
inline constexpr int kNumPatterns = 8;

/// A two-coloured pattern with random scale, direction, contrast and grain.
class Texture {
 public:
  /// The texture of an object of `category` (0-based) of `radius` px: pattern and hue lean to the category's own,
  /// all else varies.
  static Texture draw_object(int category, double radius, const NoiseField& noise, Rng& rng);
  /// A background texture: muted colours, large scale, any pattern.
  static Texture draw_background(double side, const NoiseField& noise, Rng& rng);

  /// Colour at (x, y), px from the texture's origin.
  SceneColor at(float x, float y) const;

 private:
  Texture(Pattern pattern, double period, const NoiseField& noise, Rng& rng);
  float pattern_value(float u, float v) const;

  Pattern pattern_;
  const NoiseField* noise_;  // not owned; outlives the texture
  SceneColor first_, second_;
  float cos_, sin_;
  float period_;             // px
  float duty_;               // threshold of two-valued patterns, -1 .. 1
  float warp_;               // displacement by noise, px
  float grain_;              // strength of fine noise
  float noise_x_, noise_y_;  // where this texture lies in the noise field
};

}  // namespace soco
