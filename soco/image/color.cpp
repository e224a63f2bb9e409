// SPDX-License-Identifier: MIT
#include "soco/image/color.h"

#include <algorithm>

#include "soco/base/error.h"

namespace soco {
namespace {

std::size_t num_pixels(const Image& image) { return image.pixels.size() / 3; }

/// ITU-R 601-2 luminance in Pillow's 16-bit fixed point.
std::uint8_t luminance(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

/// Pillow's blend of one value: from `degenerate` (alpha 0) to `value` (alpha 1) and beyond, in float32, truncated.
std::uint8_t blend(std::uint8_t degenerate, std::uint8_t value, float alpha) {
  const float mixed = static_cast<float>(degenerate) +
                      alpha * static_cast<float>(static_cast<int>(value) - static_cast<int>(degenerate));
  if (mixed <= 0.0f) return 0;
  if (mixed >= 255.0f) return 255;
  return static_cast<std::uint8_t>(mixed);
}

/// blend() against one grey for all pixels: a table of 256 results.
void blend_with_constant(Image& image, std::uint8_t degenerate, float alpha) {
  std::uint8_t table[256];
  for (int value = 0; value < 256; ++value) table[value] = blend(degenerate, static_cast<std::uint8_t>(value), alpha);
  for (std::uint8_t& value : image.pixels) value = table[value];
}

struct Hsv {
  std::uint8_t h, s, v;
};

std::uint8_t scaled_byte(float unit) {
  return static_cast<std::uint8_t>(std::clamp(static_cast<int>(unit * 255.0), 0, 255));
}

/// RGB to HSV with Pillow's mix of float32 and double: H, S and V in 0..255.
Hsv hsv_from_rgb(const std::uint8_t* rgb) {
  const int r = rgb[0], g = rgb[1], b = rgb[2];
  const int most = std::max({r, g, b}), least = std::min({r, g, b});
  if (most == least) return {0, 0, static_cast<std::uint8_t>(most)};
  const float range = static_cast<float>(most - least);
  const auto distance = [&](int value) { return static_cast<float>(most - value) / range; };
  float sextant = 0;
  if (r == most) {
    sextant = distance(b) - distance(g);
  } else if (g == most) {
    sextant = static_cast<float>(2.0 + distance(r) - distance(b));
  } else {
    sextant = static_cast<float>(4.0 + distance(g) - distance(r));
  }
  const double turns = sextant / 6.0 + 1.0;  // in [5/6, 11/6]
  const float hue = static_cast<float>(turns >= 1.0 ? turns - 1.0 : turns);
  return {scaled_byte(hue), scaled_byte(range / static_cast<float>(most)), static_cast<std::uint8_t>(most)};
}

/// Pillow's round() of what is in [0, 255].
std::uint8_t rounded_byte(double value) {
  const int whole = static_cast<int>(value);
  return static_cast<std::uint8_t>(whole + (value - whole >= 0.5 ? 1 : 0));
}

/// What HSV to RGB needs of each of the 256 hues: the sextant, 0..5, and how far in it the hue lies.
struct HueTable {
  int sextant[256];
  float fraction[256];

  HueTable() {
    for (int hue = 0; hue < 256; ++hue) {
      const double position = static_cast<float>(hue) * 6.0 / 255.0;
      const int whole = static_cast<int>(position);
      sextant[hue] = whole % 6;
      fraction[hue] = static_cast<float>(position - static_cast<float>(whole));
    }
  }
};

void rgb_from_hsv(Hsv hsv, const HueTable& hues, std::uint8_t* rgb) {
  if (hsv.s == 0) {
    rgb[0] = rgb[1] = rgb[2] = hsv.v;
    return;
  }
  const float v = hsv.v, f = hues.fraction[hsv.h], s = static_cast<float>(hsv.s / 255.0);
  const int sextant = hues.sextant[hsv.h];
  const std::uint8_t low = rounded_byte(v * (1.0 - s));
  // Between `low` and v: falling in odd sextants, rising in even ones.
  const std::uint8_t middle = rounded_byte(sextant % 2 != 0 ? v * (1.0 - s * f) : v * (1.0 - s * (1.0 - f)));
  constexpr int kHigh[6] = {0, 1, 1, 2, 2, 0}, kMiddle[6] = {1, 0, 2, 1, 0, 2}, kLow[6] = {2, 2, 0, 0, 1, 1};
  rgb[kHigh[sextant]] = hsv.v;
  rgb[kMiddle[sextant]] = middle;
  rgb[kLow[sextant]] = low;
}

}  // namespace

void adjust_brightness(Image& image, double factor) { blend_with_constant(image, 0, static_cast<float>(factor)); }

void adjust_contrast(Image& image, double factor) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < num_pixels(image); ++i) sum += luminance(&image.pixels[i * 3]);
  const double mean = static_cast<double>(sum) / static_cast<double>(num_pixels(image));
  blend_with_constant(image, static_cast<std::uint8_t>(static_cast<int>(mean + 0.5)), static_cast<float>(factor));
}

void adjust_saturation(Image& image, double factor) {
  const float alpha = static_cast<float>(factor);
  for (std::size_t i = 0; i < num_pixels(image); ++i) {
    std::uint8_t* rgb = &image.pixels[i * 3];
    const std::uint8_t grey = luminance(rgb);
    for (int c = 0; c < 3; ++c) rgb[c] = blend(grey, rgb[c], alpha);
  }
}

void adjust_hue(Image& image, double factor) {
  SOCO_ASSERT(factor >= -0.5 && factor <= 0.5);
  // torchvision casts factor * 255 to uint8 and lets the sum wrap.
  const auto shift = static_cast<std::uint8_t>(static_cast<int>(factor * 255));
  const HueTable hues;
  for (std::size_t i = 0; i < num_pixels(image); ++i) {
    std::uint8_t* rgb = &image.pixels[i * 3];
    Hsv hsv = hsv_from_rgb(rgb);
    hsv.h = static_cast<std::uint8_t>(hsv.h + shift);
    rgb_from_hsv(hsv, hues, rgb);
  }
}

void to_grayscale(Image& image) {
  for (std::size_t i = 0; i < num_pixels(image); ++i) {
    std::uint8_t* rgb = &image.pixels[i * 3];
    rgb[0] = rgb[1] = rgb[2] = luminance(rgb);
  }
}

void solarize(Image& image, int threshold) {
  for (std::uint8_t& value : image.pixels)
    if (value >= threshold) value = static_cast<std::uint8_t>(255 - value);
}

}  // namespace soco
