// SPDX-License-Identifier: MIT
#include "soco/proposals/row_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/proposals/row_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<double>;
using OneLane = hn::CappedTag<double, 1>;

/// Runs `step(tag, x)` over 0..n-1, whole vectors first, then one lane at a time: nothing beyond n is touched.
template <class Step>
HWY_INLINE void for_lanes(std::size_t n, const Step& step) {
  const std::size_t lanes = hn::Lanes(Lanes());
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes) step(Lanes(), x);
  for (; x < n; ++x) step(OneLane(), x);
}

void unit_rows(const std::uint8_t* rgb, std::size_t n, double* const out[3]) {
  double *r = out[0], *g = out[1], *b = out[2];
  for (std::size_t x = 0; x < n; ++x) {
    r[x] = rgb[3 * x] * (1.0 / 255.0);
    g[x] = rgb[3 * x + 1] * (1.0 / 255.0);
    b[x] = rgb[3 * x + 2] * (1.0 / 255.0);
  }
}

void symmetric_filter(const double* const* taps, const double* weights, int radius, std::size_t n, double* out) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    auto sum = hn::Mul(hn::LoadU(d, taps[radius] + x), hn::Set(d, weights[radius]));
    for (int k = radius; k >= 1; --k) {
      const auto pair = hn::Add(hn::LoadU(d, taps[radius - k] + x), hn::LoadU(d, taps[radius + k] + x));
      sum = hn::Add(sum, hn::Mul(pair, hn::Set(d, weights[radius - k])));
    }
    hn::StoreU(sum, d, out + x);
  });
}

void distances(const double* const a[3], const double* const b[3], std::size_t n, double* out) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const auto difference = [&](int c) HWY_ATTR { return hn::Sub(hn::LoadU(d, b[c] + x), hn::LoadU(d, a[c] + x)); };
    const auto d0 = difference(0), d1 = difference(1), d2 = difference(2);
    hn::StoreU(hn::Sqrt(hn::Add(hn::Add(hn::Mul(d0, d0), hn::Mul(d1, d1)), hn::Mul(d2, d2))), d, out + x);
  });
}

void lower(const double* values, std::size_t n, double* least) {
  for_lanes(n, [&](auto d, std::size_t x)
                   HWY_ATTR { hn::StoreU(hn::Min(hn::LoadU(d, least + x), hn::LoadU(d, values + x)), d, least + x); });
}

std::size_t find_equal(const double* values, const double* a, const double* b, std::size_t n, std::uint32_t* found) {
  std::size_t count = 0;
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const auto value = hn::LoadU(d, values + x);
    const auto equal = hn::And(hn::Eq(value, hn::LoadU(d, a + x)), hn::Eq(value, hn::LoadU(d, b + x)));
    if (hn::AllFalse(d, equal)) return;
    for (std::size_t i = x; i < x + hn::Lanes(d); ++i) {
      found[count] = static_cast<std::uint32_t>(i);
      count += values[i] == a[i] && values[i] == b[i];
    }
  });
  return count;
}

void interpolate_sideways(const double* p, const double* minus, const double* plus, std::size_t n, double* left,
                          double* right) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const auto one = hn::Set(d, 1.0), at = hn::LoadU(d, p + x);
    const auto f = hn::LoadU(d, minus + x), g = hn::LoadU(d, plus + x);
    hn::StoreU(hn::Add(hn::Mul(hn::Sub(one, f), hn::LoadU(d, p + x - 1)), hn::Mul(f, at)), d, left + x);
    hn::StoreU(hn::Add(hn::Mul(hn::Sub(one, g), at), hn::Mul(g, hn::LoadU(d, p + x + 1))), d, right + x);
  });
}

void pattern_codes(const PatternRow& above, const PatternRow& centre, const PatternRow& below, double up, double down,
                   std::size_t n, std::uint8_t* codes) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto p = hn::LoadU(d, centre.pixels + x);
    auto code = hn::Zero(du);
    const auto add_bit = [&](auto value, std::uint64_t bit) HWY_ATTR {
      code = hn::Or(code, hn::And(hn::BitCast(du, hn::VecFromMask(d, hn::Ge(value, p))), hn::Set(du, bit)));
    };
    const auto between = [&](const double* top, const double* bottom, double fraction) HWY_ATTR {
      return hn::Add(hn::Mul(hn::Set(d, 1 - fraction), hn::LoadU(d, top + x)),
                     hn::Mul(hn::Set(d, fraction), hn::LoadU(d, bottom + x)));
    };
    add_bit(hn::LoadU(d, centre.pixels + x + 1), 1);
    add_bit(between(above.right, centre.right, up), 2);
    add_bit(hn::LoadU(d, above.pixels + x), 4);
    add_bit(between(above.left, centre.left, up), 8);
    add_bit(hn::LoadU(d, centre.pixels + x - 1), 16);
    add_bit(between(centre.left, below.left, down), 32);
    add_bit(hn::LoadU(d, below.pixels + x), 64);
    add_bit(between(centre.right, below.right, down), 128);
    alignas(64) std::uint64_t lanes[HWY_MAX_BYTES / 8];
    hn::StoreU(code, du, lanes);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) codes[x + i] = static_cast<std::uint8_t>(lanes[i]);
  });
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(unit_rows);
HWY_EXPORT(symmetric_filter);
HWY_EXPORT(distances);
HWY_EXPORT(lower);
HWY_EXPORT(find_equal);
HWY_EXPORT(interpolate_sideways);
HWY_EXPORT(pattern_codes);

void unit_rows(const std::uint8_t* rgb, std::size_t n, double* const out[3]) {
  HWY_DYNAMIC_DISPATCH(unit_rows)(rgb, n, out);
}
void symmetric_filter(const double* const* taps, const double* weights, int radius, std::size_t n, double* out) {
  HWY_DYNAMIC_DISPATCH(symmetric_filter)(taps, weights, radius, n, out);
}
void distances(const double* const a[3], const double* const b[3], std::size_t n, double* out) {
  HWY_DYNAMIC_DISPATCH(distances)(a, b, n, out);
}
void lower(const double* values, std::size_t n, double* least) { HWY_DYNAMIC_DISPATCH(lower)(values, n, least); }
std::size_t find_equal(const double* values, const double* a, const double* b, std::size_t n, std::uint32_t* found) {
  return HWY_DYNAMIC_DISPATCH(find_equal)(values, a, b, n, found);
}
void interpolate_sideways(const double* p, const double* minus, const double* plus, std::size_t n, double* left,
                          double* right) {
  HWY_DYNAMIC_DISPATCH(interpolate_sideways)(p, minus, plus, n, left, right);
}
void pattern_codes(const PatternRow& above, const PatternRow& centre, const PatternRow& below, double up, double down,
                   std::size_t n, std::uint8_t* codes) {
  HWY_DYNAMIC_DISPATCH(pattern_codes)(above, centre, below, up, down, n, codes);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
