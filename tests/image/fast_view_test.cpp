// SPDX-License-Identifier: MIT
// The colour steps of fast views beside the same in double by the textbook, on every instruction set.
#include "soco/image/fast_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "soco/base/random.h"
#include "testing/instruction_sets.h"
#include "testing/photometric_cases.h"

namespace soco {
namespace {

using Colour = std::array<double, 3>;  // levels

/// Random colours, with greys, pure colours and ties among them; as wide as to leave a part of every vector over.
FastView random_view() {
  FastView view{.height = 4, .width = 1001};
  view.values.resize(3 * view.num_pixels());
  Rng rng(7, 0, 0, 0);
  for (std::int16_t& value : view.values)
    value = static_cast<std::int16_t>(std::clamp(rng.uniform(-0.2, 1.2), 0.0, 1.0) * kernels::kFastMost);
  return view;
}

Colour colour_at(const FastView& view, std::size_t i) {
  Colour colour;
  for (std::size_t c = 0; c < 3; ++c) colour[c] = static_cast<double>(view.planes()[c][i]) / kernels::kFastUnit;
  return colour;
}

double luminance(const Colour& in) { return 0.299 * in[0] + 0.587 * in[1] + 0.114 * in[2]; }

Colour blended(const Colour& in, double pivot, double factor) {
  Colour out;
  for (std::size_t c = 0; c < 3; ++c) out[c] = std::clamp(pivot + factor * (in[c] - pivot), 0.0, 255.0);
  return out;
}

/// RGB to hue, saturation and value, the hue turned, and back, sector by sector.
Colour turned(const Colour& in, double sixths) {
  const auto [least, most] = std::minmax_element(in.begin(), in.end());
  const double value = *most, chroma = *most - *least;
  if (chroma == 0) return in;
  double hue = in[0] == value   ? (in[1] - in[2]) / chroma
               : in[1] == value ? 2 + (in[2] - in[0]) / chroma
                                : 4 + (in[0] - in[1]) / chroma;
  hue = std::fmod(hue + sixths + 12, 6);
  const int sector = static_cast<int>(hue);
  const double share = hue - sector, p = value - chroma, q = value - chroma * share, t = value - chroma * (1 - share);
  const std::array<Colour, 6> sectors{
      {{value, t, p}, {q, value, p}, {p, value, t}, {p, q, value}, {t, p, value}, {value, p, q}}};
  return sectors[static_cast<std::size_t>(sector % 6)];
}

/// `step` on every colour, within `tolerance` levels of `expected`.
void expect_step(const kernels::ColourStep& step, const std::function<Colour(const Colour&)>& expected,
                 double tolerance) {
  testing::for_each_target([&] {
    const FastView before = random_view();
    FastView after = before;
    fast_colours(after, std::array{step});
    double sum = 0;
    for (std::size_t i = 0; i < before.num_pixels(); ++i) {
      const Colour want = expected(colour_at(before, i)), got = colour_at(after, i);
      for (std::size_t c = 0; c < 3; ++c) ASSERT_NEAR(got[c], want[c], tolerance) << "pixel " << i << ", channel " << c;
      if (i / 1001 == 2) sum += luminance(got) / 1001;
    }
    // The mean is of every fourth row: here of the third. Its weights are rounded to 15 bits, its terms to 64ths.
    EXPECT_NEAR(fast_mean(before, std::array{step}), sum, 0.05);
  });
}

// A product is rounded to half a 64th; a gain to 2^-15 of itself (1/128 of a level in 255), and both are doubled with
// factors from 3 on.
TEST(FastColours, BlendAboutALevel) {
  for (const double factor : {0.0, 0.3, 0.6, 1.0, 1.4, 2.9, 3.5, 11.0}) {
    for (const int level : {0, 117, 255}) {
      expect_step(
          fast_blend(level, factor), [&](const Colour& in) { return blended(in, level, factor); },
          factor < 3 ? 0.05 : 0.2);
    }
  }
}

TEST(FastColours, BlendAboutTheLuminance) {
  for (const double factor : {0.0, 0.6, 1.0, 1.4, 2.5})
    expect_step(
        fast_saturation(factor), [&](const Colour& in) { return blended(in, luminance(in), factor); }, 0.1);
}

TEST(FastColours, HueTurnsEitherWay) {
  for (double sixths = -3; sixths <= 3; sixths += 0.125)
    expect_step(
        fast_hue(sixths), [&](const Colour& in) { return turned(in, sixths); }, 0.05);
}

TEST(FastColours, SolarizeFromHalfALevelBelow) {
  for (const int threshold : {0, 128, 255, 256}) {
    expect_step(
        fast_solarize(threshold),
        [&](Colour colour) {
          for (double& value : colour) value = value < threshold - 0.5 ? value : 255 - value;
          return colour;
        },
        0);
  }
}

}  // namespace
}  // namespace soco
