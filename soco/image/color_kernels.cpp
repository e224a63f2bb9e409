// SPDX-License-Identifier: MIT
#include "soco/image/color_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/color_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

#include "soco/image/vector_loops.h"

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {

using Bytes = hn::ScalableTag<std::uint8_t>;

void split_planes(const std::uint8_t* rgb, std::size_t n, const Planes& out) {
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    hn::Vec<Bytes> r, g, b;
    hn::LoadInterleaved3(d, rgb + 3 * x, r, g, b);
    hn::StoreU(r, d, out[0] + x);
    hn::StoreU(g, d, out[1] + x);
    hn::StoreU(b, d, out[2] + x);
  }
  for (; x < n; ++x)
    for (std::size_t c = 0; c < 3; ++c) out[c][x] = rgb[3 * x + c];
}

void join_planes(const ConstPlanes& in, std::size_t n, std::uint8_t* rgb) {
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    hn::StoreInterleaved3(hn::LoadU(d, in[0] + x), hn::LoadU(d, in[1] + x), hn::LoadU(d, in[2] + x), d, rgb + 3 * x);
  }
  for (; x < n; ++x)
    for (std::size_t c = 0; c < 3; ++c) rgb[3 * x + c] = in[c][x];
}

/// What lies between 0 and 256, truncated. Products and sums stay apart (no fused operation): Pillow rounds both.
template <class D, class V>
HWY_INLINE auto blended(D d, V degenerate, V value, V alpha) {
  const hn::RebindToSigned<D> di;
  const auto mixed = hn::Add(degenerate, hn::Mul(alpha, hn::Sub(value, degenerate)));
  return hn::ConvertTo(di, hn::Min(hn::Max(mixed, hn::Zero(d)), hn::Set(d, 255.0f)));
}

/// Luminance as integers. The sum is a whole number below 2^24, so float32 holds it and every term of it.
template <class D, class V>
HWY_INLINE auto luminance_of(D d, V r, V g, V b) {
  const hn::RebindToSigned<D> di;
  const auto rg = hn::Add(hn::Mul(r, hn::Set(d, 19595.0f)), hn::Mul(g, hn::Set(d, 38470.0f)));
  const auto sum = hn::Add(hn::Add(rg, hn::Mul(b, hn::Set(d, 7471.0f))), hn::Set(d, 32768.0f));
  return hn::ShiftRight<16>(hn::ConvertTo(di, sum));
}

void blend_with_constant(std::uint8_t* values, std::size_t n, std::uint8_t degenerate, float alpha) {
  for_float_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const auto grey = hn::Set(d, static_cast<float>(degenerate));
    store_bytes(d, blended(d, grey, load_bytes(d, values + x), hn::Set(d, alpha)), values + x);
  });
}

void blend_with_luminance(const Planes& planes, std::size_t n, float alpha) {
  for_float_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const auto r = load_bytes(d, planes[0] + x), g = load_bytes(d, planes[1] + x), b = load_bytes(d, planes[2] + x);
    const auto grey = hn::ConvertTo(d, luminance_of(d, r, g, b));
    const auto factor = hn::Set(d, alpha);
    store_bytes(d, blended(d, grey, r, factor), planes[0] + x);
    store_bytes(d, blended(d, grey, g, factor), planes[1] + x);
    store_bytes(d, blended(d, grey, b, factor), planes[2] + x);
  });
}

void luminance(const ConstPlanes& planes, std::size_t n, std::uint8_t* out) {
  for_float_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const auto r = load_bytes(d, planes[0] + x), g = load_bytes(d, planes[1] + x), b = load_bytes(d, planes[2] + x);
    store_bytes(d, luminance_of(d, r, g, b), out + x);
  });
}

void invert_from(std::uint8_t* values, std::size_t n, int threshold) {
  const auto inverted = [&](std::uint8_t value) {
    return static_cast<std::uint8_t>(value >= threshold ? 255 - value : value);
  };
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t x = 0;
  if (threshold > 0) {  // compared with the greatest value that stays
    const auto stays = hn::Set(d, static_cast<std::uint8_t>(threshold - 1));
    for (; x + lanes <= n; x += lanes) {
      const auto value = hn::LoadU(d, values + x);
      hn::StoreU(hn::IfThenElse(hn::Gt(value, stays), hn::Not(value), value), d, values + x);
    }
  }
  for (; x < n; ++x) values[x] = inverted(values[x]);
}

std::uint64_t sum_luminance(const ConstPlanes& planes, std::size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr std::size_t kMost = std::size_t{1} << 23;  // 255 times that is below 2^31
  std::uint64_t sum = 0;
  std::size_t x = 0;
  while (x + hn::Lanes(di) <= n) {
    auto sums = hn::Zero(di);
    const std::size_t end = n - x < kMost ? n : x + kMost;
    for (; x + hn::Lanes(di) <= end; x += hn::Lanes(di)) {
      const auto r = load_bytes(d, planes[0] + x), g = load_bytes(d, planes[1] + x), b = load_bytes(d, planes[2] + x);
      sums = hn::Add(sums, luminance_of(d, r, g, b));
    }
    sum += static_cast<std::uint64_t>(hn::GetLane(hn::SumOfLanes(di, sums)));
  }
  for (; x < n; ++x) {
    sum += (planes[0][x] * 19595u + planes[1][x] * 38470u + planes[2][x] * 7471u + 0x8000u) >> 16;
  }
  return sum;
}

/// Pillow's 8-bit hue. Its float32 and double arithmetic comes down to these float32 operations and no fewer: where a
/// hue falls on a whole number, their roundings decide. A test compares all 2^24 colours with Pillow.
template <class D, class V>
HWY_INLINE auto hue_of(D d, V r, V g, V b, V most, V least) {
  const hn::RebindToSigned<D> di;
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0f), three = hn::Set(d, 3.0f);
  const auto middle = hn::Sub(hn::Add(hn::Add(r, g), b), hn::Add(most, least));
  const auto range = hn::Max(hn::Sub(most, least), one);
  const auto distance = hn::Div(hn::Sub(most, middle), range);  // 0: as great as the greatest, 1: as small as the least
  const auto red_most = hn::Eq(r, most), green_most = hn::Eq(g, most);
  const auto green_least = hn::Eq(g, least), blue_least = hn::Eq(b, least);
  // In sixths of a turn: red -1 + t or 1 - t, green 3 - t or 1 + t, blue 5 - t or 3 + t; which by the least channel.
  const auto for_red = hn::IfThenElse(blue_least, hn::Sub(one, distance), hn::Sub(distance, one));
  const auto for_green = hn::IfThenElse(blue_least, hn::Add(one, distance), hn::Sub(three, distance));
  const auto for_blue = hn::IfThenElse(green_least, hn::Sub(hn::Set(d, 5.0f), distance), hn::Add(three, distance));
  const auto sixths = hn::IfThenElse(red_most, for_red, hn::IfThenElse(green_most, for_green, for_blue));
  const auto turns = hn::Div(sixths, hn::Set(d, 6.0f));
  const auto positive = hn::IfThenElse(hn::Lt(turns, zero), hn::Add(turns, one), turns);
  return hn::ConvertTo(di, hn::Mul(positive, hn::Set(d, 255.0f)));
}

/// The two lower channels of a colour of value `most`, where both of Pillow's are quotients rounded to the nearest
/// whole number (no half occurs, 255 being odd): low = v (255 - s) / 255, middle = v (255^2 - s part) / 255^2 with s
/// and `part` in 0..255. All numerators are whole and below 2^24. That the products with the inverses truncate to the
/// right number was tried for all v, s and part.
template <class D, class V>
HWY_INLINE auto low_channel(D d, V v, V s) {
  const hn::RebindToSigned<D> di;
  const auto doubled = hn::Mul(v, hn::Sub(hn::Set(d, 255.0f), s));
  return hn::ConvertTo(di, hn::Mul(hn::Add(doubled, hn::Set(d, 127.5f)), hn::Set(d, 1.0f / 255.0f)));
}
template <class D, class V>
HWY_INLINE auto middle_channel(D d, V v, V s, V part) {
  const hn::RebindToSigned<D> di;
  const auto numerator = hn::Mul(v, hn::Sub(hn::Set(d, 65025.0f), hn::Mul(s, part)));
  return hn::ConvertTo(di, hn::Mul(hn::Add(numerator, hn::Set(d, 32512.0f)), hn::Set(d, 1.0f / 65025.0f)));
}

void turn_hue(const Planes& planes, std::size_t n, std::uint8_t shift) {
  for_float_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    const auto r = load_bytes(d, planes[0] + x), g = load_bytes(d, planes[1] + x), b = load_bytes(d, planes[2] + x);
    const auto most = hn::Max(r, hn::Max(g, b)), least = hn::Min(r, hn::Min(g, b));
    const auto hue = hn::And(hn::Add(hue_of(d, r, g, b, most, least), hn::Set(di, shift)), hn::Set(di, 255));
    const auto share = hn::Div(hn::Sub(most, least), hn::Max(most, hn::Set(d, 1.0f)));
    const auto saturation = hn::ConvertTo(d, hn::ConvertTo(di, hn::Mul(share, hn::Set(d, 255.0f))));

    // The hue in sextants: 6 hue / 255, whole part and remainder. (Sextant 6, remainder 0, is hue 255: as sextant 0.)
    const auto six = hn::Add(hn::ShiftLeft<2>(hue), hn::ShiftLeft<1>(hue));
    const auto sextant = hn::ShiftRight<8>(hn::Add(hn::Add(six, hn::ShiftRight<8>(six)), hn::Set(di, 1)));
    const auto rest = hn::Add(hn::Sub(six, hn::ShiftLeft<8>(sextant)), sextant);
    // The middle channel falls in odd sextants and rises in even ones.
    const auto odd = hn::Eq(hn::And(sextant, hn::Set(di, 1)), hn::Set(di, 1));
    const auto part = hn::ConvertTo(d, hn::IfThenElse(odd, rest, hn::Sub(hn::Set(di, 255), rest)));
    const auto high = hn::ConvertTo(di, most);
    const auto middle = middle_channel(d, most, saturation, part), low = low_channel(d, most, saturation);

    const auto in = [&](int which) HWY_ATTR { return hn::Eq(sextant, hn::Set(di, which)); };
    const auto in1 = in(1), in2 = in(2), in3 = in(3), in4 = in(4), in5 = in(5);
    const auto red = hn::IfThenElse(hn::Or(in1, in4), middle, hn::IfThenElse(hn::Or(in2, in3), low, high));
    const auto green = hn::IfThenElse(hn::Or(in1, in2), high, hn::IfThenElse(hn::Or(in4, in5), low, middle));
    const auto blue = hn::IfThenElse(hn::Or(in3, in4), high, hn::IfThenElse(hn::Or(in2, in5), middle, low));
    store_bytes(d, red, planes[0] + x);
    store_bytes(d, green, planes[1] + x);
    store_bytes(d, blue, planes[2] + x);
  });
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(split_planes);
HWY_EXPORT(join_planes);
HWY_EXPORT(blend_with_constant);
HWY_EXPORT(blend_with_luminance);
HWY_EXPORT(luminance);
HWY_EXPORT(invert_from);
HWY_EXPORT(sum_luminance);
HWY_EXPORT(turn_hue);

void split_planes(const std::uint8_t* rgb, std::size_t n, const Planes& out) {
  HWY_DYNAMIC_DISPATCH(split_planes)(rgb, n, out);
}
void join_planes(const ConstPlanes& in, std::size_t n, std::uint8_t* rgb) {
  HWY_DYNAMIC_DISPATCH(join_planes)(in, n, rgb);
}
void blend_with_constant(std::uint8_t* values, std::size_t n, std::uint8_t degenerate, float alpha) {
  HWY_DYNAMIC_DISPATCH(blend_with_constant)(values, n, degenerate, alpha);
}
void blend_with_luminance(const Planes& planes, std::size_t n, float alpha) {
  HWY_DYNAMIC_DISPATCH(blend_with_luminance)(planes, n, alpha);
}
void luminance(const ConstPlanes& planes, std::size_t n, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(luminance)(planes, n, out);
}
void invert_from(std::uint8_t* values, std::size_t n, int threshold) {
  HWY_DYNAMIC_DISPATCH(invert_from)(values, n, threshold);
}
std::uint64_t sum_luminance(const ConstPlanes& planes, std::size_t n) {
  return HWY_DYNAMIC_DISPATCH(sum_luminance)(planes, n);
}
void turn_hue(const Planes& planes, std::size_t n, std::uint8_t shift) {
  HWY_DYNAMIC_DISPATCH(turn_hue)(planes, n, shift);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
