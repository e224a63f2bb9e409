// SPDX-License-Identifier: MIT
// The steps of fast views beside the same in double by the textbook, on every instruction set.
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

/// Antialiased bilinear weights of output `i` over inputs 0..size-1: a triangle as wide as the reduction, at least a
/// pixel.
std::vector<double> triangle(int size, double begin, double extent, int out_size, int i) {
  const double scale = extent / out_size, support = std::max(scale, 1.0), centre = begin + (i + 0.5) * scale;
  std::vector<double> weights(static_cast<std::size_t>(size));
  double sum = 0;
  for (int k = 0; k < size; ++k) {
    double& weight = weights[static_cast<std::size_t>(k)];
    weight = std::max(0.0, 1 - std::abs(k + 0.5 - centre) / support);
    sum += weight;
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Each of the products of a direction, of at most 14 taps here, is rounded to half a 64th and its weight to 2^-16
// (1/256 of a level in 255): 14 * (1/128 + 1/256) twice.
TEST(FastResize, IsTheSumOverATriangleOnEveryInstructionSet) {
  Rng rng(9, 0, 0, 0);
  for (int round = 0; round < 60; ++round) {
    const auto up_to = [&](int most) {
      return static_cast<int>(1 + rng.uniform_int(static_cast<std::uint64_t>(most)));
    };
    Image image = make_image(up_to(60), up_to(60));
    for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(rng.uniform_int(256));
    const double width = rng.uniform(1, image.width), height = rng.uniform(1, image.height);
    const CropWindow window{rng.uniform(0, image.width - width), rng.uniform(0, image.height - height), width, height};
    const int out_height = std::max(up_to(40), static_cast<int>(height / 6) + 1);
    const int out_width = std::max(up_to(40), static_cast<int>(width / 6) + 1);
    // Weights reach no further than the pixels that the window touches.
    const int x = static_cast<int>(window.x), y = static_cast<int>(window.y);
    const int x_size = std::min(image.width, static_cast<int>(std::ceil(window.x + width))) - x;
    const int y_size = std::min(image.height, static_cast<int>(std::ceil(window.y + height))) - y;
    std::vector<std::int16_t> first_result;
    testing::for_each_target([&] {
      FastView view;
      fast_resize(image, window, out_height, out_width, view);
      if (first_result.empty()) first_result = view.values;
      ASSERT_EQ(view.values, first_result);
      for (int i = 0; i < out_height; ++i) {
        const auto down = triangle(y_size, window.y - y, height, out_height, i);
        for (int j = 0; j < out_width; ++j) {
          const auto across = triangle(x_size, window.x - x, width, out_width, j);
          for (std::size_t c = 0; c < 3; ++c) {
            double sum = 0;
            for (int v = 0; v < y_size; ++v)
              for (int u = 0; u < x_size; ++u)
                sum += down[static_cast<std::size_t>(v)] * across[static_cast<std::size_t>(u)] *
                       image.row(y + v)[3 * (x + u) + static_cast<int>(c)];
            const auto at = static_cast<std::size_t>(i * out_width + j);
            ASSERT_NEAR(view.planes()[c][at] / static_cast<double>(kernels::kFastUnit), sum, 0.35)
                << image.width << 'x' << image.height << " to " << out_width << 'x' << out_height << " at " << j << ','
                << i;
          }
        }
      }
    });
  }
}

}  // namespace
}  // namespace soco
