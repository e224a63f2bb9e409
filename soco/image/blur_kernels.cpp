// SPDX-License-Identifier: MIT
#include "soco/image/blur_kernels.h"

#include <algorithm>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/blur_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kMaxTaps = 2 * kMaxBoxRadius + 3;

/// Sums under a box of `radius`: of the taps 1 .. 2 * radius + 1, and of the first and the last. Lanes of type D.
template <class D>
HWY_INLINE hn::Vec<D> inner_sum(D d, const std::uint8_t* const* taps, int radius, std::size_t x) {
  const hn::Rebind<std::uint8_t, D> d8;
  auto sum = hn::PromoteTo(d, hn::LoadU(d8, taps[1] + x));
  for (int k = 2; k <= 2 * radius + 1; ++k) sum = hn::Add(sum, hn::PromoteTo(d, hn::LoadU(d8, taps[k] + x)));
  return sum;
}
template <class D>
HWY_INLINE hn::Vec<D> outer_sum(D d, const std::uint8_t* const* taps, int radius, std::size_t x) {
  const hn::Rebind<std::uint8_t, D> d8;
  return hn::Add(hn::PromoteTo(d, hn::LoadU(d8, taps[0] + x)),
                 hn::PromoteTo(d, hn::LoadU(d8, taps[2 * radius + 2] + x)));
}

/// Plain: products of 32 bits.
template <class D>
HWY_INLINE void filter_lanes32(D d, const std::uint8_t* const* taps, const Box24& box, std::size_t x,
                               std::uint8_t* out) {
  const hn::Rebind<std::uint8_t, D> d8;
  const auto inner = hn::Mul(inner_sum(d, taps, box.radius, x), hn::Set(d, box.inner));
  const auto outer = hn::Mul(outer_sum(d, taps, box.radius, x), hn::Set(d, box.outer));
  const auto total = hn::Add(hn::Add(inner, outer), hn::Set(d, 1u << 23));
  hn::StoreU(hn::U8FromU32(hn::ShiftRight<24>(total)), d8, out + x);
}

#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
/// Sums of 16 bits and products of pairs: with each weight as high * 2^12 + low, the same total is
/// (high products + (low products + 2^23) >> 12) >> 12. Interleaving and packing both work within 128-bit blocks here,
/// so that the order comes back.
struct PairWeights {
  explicit PairWeights(const Box24& box)
      : high(pair(box.inner >> 12, box.outer >> 12)), low(pair(box.inner & 0xFFF, box.outer & 0xFFF)) {}
  static std::int32_t pair(std::uint32_t inner, std::uint32_t outer) {
    return static_cast<std::int32_t>(inner | outer << 16);
  }
  std::int32_t high, low;
};

template <int kRadius>
HWY_INLINE std::size_t filter_pairs(const std::uint8_t* const* taps, int radius, const PairWeights& weights,
                                    std::size_t n, std::uint8_t* out) {
  const hn::CappedTag<std::int16_t, 16> d16;
  const hn::RebindToUnsigned<decltype(d16)> du16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  if (kRadius >= 0) radius = kRadius;  // known to the compiler
  const auto high = hn::BitCast(d16, hn::Set(d32, weights.high)), low = hn::BitCast(d16, hn::Set(d32, weights.low));
  const auto half = hn::Set(d32, 1 << 23);
  const auto weigh = [&](auto sums) HWY_ATTR {
    auto unused0 = hn::Zero(d32), unused1 = hn::Zero(d32);
    const auto of_low =
        hn::RearrangeToOddPlusEven(hn::ReorderWidenMulAccumulate(d32, sums, low, half, unused0), unused0);
    const auto of_high = hn::RearrangeToOddPlusEven(
        hn::ReorderWidenMulAccumulate(d32, sums, high, hn::ShiftRight<12>(of_low), unused1), unused1);
    return hn::ShiftRight<12>(of_high);
  };
  std::size_t x = 0;
  for (; x + hn::Lanes(d16) <= n; x += hn::Lanes(d16)) {
    const auto inner = hn::BitCast(d16, inner_sum(du16, taps, radius, x));
    const auto outer = hn::BitCast(d16, outer_sum(du16, taps, radius, x));
    const auto lower = weigh(hn::InterleaveLower(d16, inner, outer));
    const auto upper = weigh(hn::InterleaveUpper(d16, inner, outer));
    hn::StoreU(hn::DemoteTo(d8, hn::ReorderDemote2To(d16, lower, upper)), d8, out + x);
  }
  return x;
}

/// out[0 .. the return value - 1].
HWY_INLINE std::size_t filter_whole_vectors(const std::uint8_t* const* taps, const Box24& box, std::size_t n,
                                            std::uint8_t* out) {
  const PairWeights weights(box);
  switch (box.radius) {
    case 0:
      return filter_pairs<0>(taps, 0, weights, n, out);
    case 1:
      return filter_pairs<1>(taps, 1, weights, n, out);
    default:
      return filter_pairs<-1>(taps, box.radius, weights, n, out);
  }
}
#else
HWY_INLINE std::size_t filter_whole_vectors(const std::uint8_t* const* taps, const Box24& box, std::size_t n,
                                            std::uint8_t* out) {
  const hn::ScalableTag<std::uint32_t> d;
  std::size_t x = 0;
  for (; x + hn::Lanes(d) <= n; x += hn::Lanes(d)) filter_lanes32(d, taps, box, x, out);
  return x;
}
#endif

/// out[x] of the taps, each of which begins k - radius - 1 pixels from `out`.
HWY_INLINE void filter(const std::uint8_t* const* taps, const Box24& box, std::size_t n, std::uint8_t* out) {
  const hn::CappedTag<std::uint32_t, 1> one;
  for (std::size_t x = filter_whole_vectors(taps, box, n, out); x < n; ++x) filter_lanes32(one, taps, box, x, out);
}

void box_blur_rows(const std::uint8_t* in, std::size_t height, std::size_t width, const Box24& box, int passes,
                   std::uint8_t* lines, std::uint8_t* out) {
  const std::size_t pad = static_cast<std::size_t>(box.radius) + 1;
  std::uint8_t *line = lines, *next = lines + width + 2 * pad;
  const std::uint8_t* taps[kMaxTaps];
  for (std::size_t y = 0; y < height; ++y, in += width, out += width) {
    std::memcpy(line + pad, in, width);
    for (int pass = 0; pass < passes; ++pass) {
      std::memset(line, line[pad], pad);
      std::memset(line + pad + width, line[pad + width - 1], pad);
      for (int k = 0; k < 2 * box.radius + 3; ++k) taps[k] = line + k;
      filter(taps, box, width, pass + 1 < passes ? next + pad : out);
      std::swap(line, next);
    }
  }
}

void box_blur_columns(const std::uint8_t* in, std::size_t height, std::size_t width, const Box24& box,
                      std::uint8_t* out) {
  const std::uint8_t* taps[kMaxTaps];
  for (std::size_t y = 0; y < height; ++y, out += width) {
    for (int k = 0; k < 2 * box.radius + 3; ++k) {
      const auto row = static_cast<std::ptrdiff_t>(y) + k - box.radius - 1;
      const auto inside = std::clamp<std::ptrdiff_t>(row, 0, static_cast<std::ptrdiff_t>(height) - 1);
      taps[k] = in + static_cast<std::size_t>(inside) * width;
    }
    filter(taps, box, width, out);
  }
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(box_blur_rows);
HWY_EXPORT(box_blur_columns);

void box_blur_rows(const std::uint8_t* in, std::size_t height, std::size_t width, const Box24& box, int passes,
                   std::uint8_t* lines, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(box_blur_rows)(in, height, width, box, passes, lines, out);
}
void box_blur_columns(const std::uint8_t* in, std::size_t height, std::size_t width, const Box24& box,
                      std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(box_blur_columns)(in, height, width, box, out);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
