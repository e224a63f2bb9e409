// SPDX-License-Identifier: MIT
#include "soco/proposals/colour_space.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "soco/base/error.h"

namespace soco {
namespace {

using Pixel = std::array<std::uint8_t, 3>;

std::uint8_t whole(float value) { return static_cast<std::uint8_t>(value + 0.5f); }

/// Reciprocals of 0..765, 0 for 0.
const std::array<float, 766>& reciprocals() {
  static const std::array<float, 766> table = [] {
    std::array<float, 766> t{};
    for (int i = 1; i < 766; ++i) t[i] = 1.0f / static_cast<float>(i);
    return t;
  }();
  return table;
}

std::uint8_t hue_of(int r, int g, int b, int high, int range) {
  if (range == 0) return 0;
  constexpr float kSixth = 255.0f / 6;
  const float part = kSixth * reciprocals()[range];
  float hue = 0;
  if (high == r) {
    hue = static_cast<float>(g - b) * part;
  } else if (high == g) {
    hue = static_cast<float>(b - r) * part + 2 * kSixth;
  } else {
    hue = static_cast<float>(r - g) * part + 4 * kSixth;
  }
  return whole(hue < 0 ? hue + 255 : hue);
}

Pixel hsv_of(int r, int g, int b) {
  const int high = std::max({r, g, b}), range = high - std::min({r, g, b});
  const float saturation = 255.0f * static_cast<float>(range) * reciprocals()[high];
  return {hue_of(r, g, b, high, range), whole(saturation), static_cast<std::uint8_t>(high)};
}

std::uint8_t intensity_of(int r, int g, int b) {
  return static_cast<std::uint8_t>((299 * r + 587 * g + 114 * b + 500) / 1000);
}

Pixel rgi_of(int r, int g, int b) {
  const int sum = r + g + b;
  if (sum == 0) return {85, 85, 0};
  const float share = 255.0f * reciprocals()[sum];
  return {whole(static_cast<float>(r) * share), whole(static_cast<float>(g) * share), intensity_of(r, g, b)};
}

/// Tables for CIE L*a*b*: linear light of an sRGB value, and the cube root law of the tristimulus values.
struct LabTables {
  static constexpr int kSteps = 4096;
  std::array<float, 256> linear{};
  std::array<float, kSteps + 2> law{};  // of i / kSteps
  LabTables() {
    for (int i = 0; i < 256; ++i) {
      const double v = i / 255.0;
      linear[i] = static_cast<float>(v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
    }
    for (int i = 0; i < kSteps + 2; ++i) {
      const double t = static_cast<double>(i) / kSteps;
      law[i] = static_cast<float>(t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116);
    }
  }
  float law_of(float t) const {
    const float position = t * kSteps;
    const int i = std::min(static_cast<int>(position), kSteps);
    return law[i] + (law[i + 1] - law[i]) * (position - static_cast<float>(i));
  }
};

/// The matrix is that of sRGB's primaries, its rows divided by the white point D65 (2 degrees).
Pixel lab_of(int r, int g, int b, const LabTables& tables) {
  const float lr = tables.linear[r], lg = tables.linear[g], lb = tables.linear[b];
  const float x = tables.law_of((0.412453f * lr + 0.357580f * lg + 0.180423f * lb) * (1 / 0.95047f));
  const float y = tables.law_of(0.212671f * lr + 0.715160f * lg + 0.072169f * lb);
  const float z = tables.law_of((0.019334f * lr + 0.119193f * lg + 0.950227f * lb) * (1 / 1.08883f));
  const auto byte = [](float v) { return whole(std::clamp(v, 0.0f, 255.0f)); };
  return {byte((116 * y - 16) * 2.55f), byte(500 * (x - y) + 128), byte(200 * (y - z) + 128)};
}

template <class Convert>
void convert_pixels(const Image& image, int num_channels, const Convert& convert, ColourPlanes& out) {
  const std::size_t n = static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
  out.height = image.height;
  out.width = image.width;
  out.num_channels = num_channels;
  std::array<std::uint8_t*, 3> to{};
  for (int c = 0; c < num_channels; ++c) {
    out.planes[c].resize(n);
    to[c] = out.planes[c].data();
  }
  const std::uint8_t* rgb = image.pixels.data();
  for (std::size_t i = 0; i < n; ++i, rgb += 3) {
    const Pixel pixel = convert(rgb[0], rgb[1], rgb[2]);
    to[0][i] = pixel[0];
    if (num_channels == 3) to[1][i] = pixel[1], to[2][i] = pixel[2];
  }
}

}  // namespace

void convert_colours(const Image& image, ColourSpace space, ColourPlanes& out) {
  static const LabTables lab;
  const auto byte = [](int v) { return static_cast<std::uint8_t>(v); };
  switch (space) {
    case ColourSpace::kRgb:
      return convert_pixels(
          image, 3,
          [&](int r, int g, int b) {
            return Pixel{byte(r), byte(g), byte(b)};
          },
          out);
    case ColourSpace::kHsv:
      return convert_pixels(image, 3, hsv_of, out);
    case ColourSpace::kLab:
      return convert_pixels(
          image, 3, [](int r, int g, int b) { return lab_of(r, g, b, lab); }, out);
    case ColourSpace::kRgi:
      return convert_pixels(image, 3, rgi_of, out);
    case ColourSpace::kHue:
      return convert_pixels(
          image, 1,
          [](int r, int g, int b) {
            return Pixel{hsv_of(r, g, b)[0], 0, 0};
          },
          out);
    case ColourSpace::kIntensity:
      return convert_pixels(
          image, 1,
          [](int r, int g, int b) {
            return Pixel{intensity_of(r, g, b), 0, 0};
          },
          out);
  }
  SOCO_ASSERT(!"no such colour space");
}

}  // namespace soco
