// SPDX-License-Identifier: MIT
#include "soco/proposals/plane_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/proposals/plane_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<float>;
using OneLane = hn::CappedTag<float, 1>;
/// At most 16 lanes, the unit that histograms are padded to.
using HistogramLanes = hn::CappedTag<std::uint16_t, 16>;

/// Runs `step(tag, x)` over 0..n-1, whole vectors first, then one lane at a time: nothing beyond n is touched.
template <class Step>
HWY_INLINE void for_lanes(std::size_t n, const Step& step) {
  const std::size_t lanes = hn::Lanes(Lanes());
  std::size_t x = 0;
  for (; x + lanes <= n; x += lanes) step(Lanes(), x);
  for (; x < n; ++x) step(OneLane(), x);
}

void symmetric_filter(const float* const* taps, const float* weights, int radius, std::size_t n, float* out) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    auto sum = hn::Mul(hn::LoadU(d, taps[radius] + x), hn::Set(d, weights[radius]));
    for (int k = radius; k >= 1; --k) {
      const auto pair = hn::Add(hn::LoadU(d, taps[radius - k] + x), hn::LoadU(d, taps[radius + k] + x));
      sum = hn::Add(sum, hn::Mul(pair, hn::Set(d, weights[radius - k])));
    }
    hn::StoreU(sum, d, out + x);
  });
}

void quantized_distances(const float* const* a, const float* const* b, int num_channels, std::size_t n,
                         float steps_per_level, int max_cost, std::uint16_t* out) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int c = 0; c < num_channels; ++c) {
      const auto difference = hn::Sub(hn::LoadU(d, b[c] + x), hn::LoadU(d, a[c] + x));
      sum = hn::Add(sum, hn::Mul(difference, difference));
    }
    const auto cost =
        hn::Min(hn::Mul(hn::Sqrt(sum), hn::Set(d, steps_per_level)), hn::Set(d, static_cast<float>(max_cost)));
    const hn::Rebind<std::int32_t, decltype(d)> di;
    const hn::Rebind<std::uint16_t, decltype(d)> d16;
    hn::StoreU(hn::DemoteTo(d16, hn::ConvertTo(di, cost)), d16, out + x);
  });
}

void gradient_codes(const float* above, const float* row, const float* below, std::size_t n,
                    std::uint8_t* const codes[4]) {
  for_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::Rebind<std::int32_t, decltype(d)> di;
    const hn::Rebind<std::uint8_t, decltype(d)> d8;
    const auto gx = hn::Sub(hn::LoadU(d, row + x + 1), hn::LoadU(d, row + x - 1));
    const auto gy = hn::Sub(hn::LoadU(d, below + x), hn::LoadU(d, above + x));
    const auto half_root = hn::Set(d, 0.70710678f);
    const auto store = [&](auto gradient, std::uint8_t* out) HWY_ATTR {
      // Rounding by adding half and cutting off: 128.5 makes everything that is not clamped positive.
      const auto raised = hn::Max(hn::Add(gradient, hn::Set(d, 128.5f)), hn::Zero(d));
      hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(di, hn::Min(raised, hn::Set(d, 255.0f)))), d8, out + x);
    };
    store(gx, codes[0]);
    store(hn::Mul(hn::Add(gx, gy), half_root), codes[1]);
    store(gy, codes[2]);
    store(hn::Mul(hn::Sub(gy, gx), half_root), codes[3]);
  });
}

void scale_counts(const std::uint32_t* counts, std::size_t n, float factor, std::uint16_t* out) {
  const hn::CappedTag<float, 8> d;
  const hn::Rebind<std::int32_t, decltype(d)> di;
  const hn::Rebind<std::uint32_t, decltype(d)> du;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto count = hn::ConvertTo(d, hn::BitCast(di, hn::LoadU(du, counts + i)));
    hn::StoreU(hn::DemoteTo(d16, hn::ConvertTo(di, hn::Mul(count, hn::Set(d, factor)))), d16, out + i);
  }
}

std::uint32_t histogram_intersection(const std::uint16_t* a, const std::uint16_t* b, std::size_t n) {
  const HistogramLanes d;
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    sum = hn::Add(sum, hn::Min(hn::LoadU(d, a + i), hn::LoadU(d, b + i)));
  }
  alignas(64) std::uint16_t lanes[16];
  hn::StoreU(sum, d, lanes);
  std::uint32_t total = 0;
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) total += lanes[i];
  return total;
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {
namespace {
// HWY_EXPORT makes a table by the function's name, which row_kernels.cpp has too.
HWY_EXPORT(symmetric_filter);
HWY_EXPORT(quantized_distances);
HWY_EXPORT(gradient_codes);
HWY_EXPORT(scale_counts);
HWY_EXPORT(histogram_intersection);
}  // namespace

void symmetric_filter(const float* const* taps, const float* weights, int radius, std::size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(symmetric_filter)(taps, weights, radius, n, out);
}
void quantized_distances(const float* const* a, const float* const* b, int num_channels, std::size_t n,
                         float steps_per_level, int max_cost, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(quantized_distances)(a, b, num_channels, n, steps_per_level, max_cost, out);
}
void gradient_codes(const float* above, const float* row, const float* below, std::size_t n,
                    std::uint8_t* const codes[4]) {
  HWY_DYNAMIC_DISPATCH(gradient_codes)(above, row, below, n, codes);
}
void scale_counts(const std::uint32_t* counts, std::size_t n, float factor, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(scale_counts)(counts, n, factor, out);
}
std::uint32_t histogram_intersection(const std::uint16_t* a, const std::uint16_t* b, std::size_t n) {
  return HWY_DYNAMIC_DISPATCH(histogram_intersection)(a, b, n);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
