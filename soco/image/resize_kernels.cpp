// SPDX-License-Identifier: MIT
#include "soco/image/resize_kernels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/resize_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

#include "soco/image/vector_loops.h"

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
constexpr std::int32_t kHalf = 1 << (kResizePrecisionBits - 1);

template <class D>
HWY_INLINE hn::Vec<D> load_bytes_as(D d, const std::uint8_t* from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<std::uint8_t, D>(), from));
}

/// Demotion limits to 0..255.
template <class D>
HWY_INLINE void store_sums(D d, hn::Vec<D> sums, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, D> d8;
  hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kResizePrecisionBits>(sums)), d8, to);
}

#if HWY_TARGET == HWY_SCALAR

void resize_row(const std::uint8_t* in, const RowWeights& weights, std::uint8_t* out) {
  const hn::CappedTag<std::int32_t, 1> d;
  for (std::size_t i = 0; i < weights.n; ++i) {
    const std::uint8_t* pixel = in + std::ptrdiff_t{3} * weights.first[i];
    const std::int32_t* values = weights.values + i * weights.stride;
    for (std::size_t c = 0; c < 3; ++c) {
      std::int32_t sum = kHalf;
      for (int k = 0; k < weights.num_taps; ++k) sum += pixel[3 * static_cast<std::size_t>(k) + c] * values[k];
      store_sums(d, hn::Set(d, sum), out + 3 * i + c);
    }
  }
}

#else

/// The first eight bytes of each 16, of which six count, those of a second 16 bytes behind the six of the first.
template <class V>
HWY_INLINE void store_halves(V bytes, std::uint8_t* out) {
  const hn::CappedTag<std::uint8_t, 16> d128;
  const hn::Half<decltype(d128)> d64;
  if constexpr (hn::MaxLanes(hn::DFromV<V>()) > 16) {
    hn::StoreU(hn::LowerHalf(hn::LowerHalf(bytes)), d64, out);
    hn::StoreU(hn::LowerHalf(hn::UpperHalf(d128, bytes)), d64, out + 6);
  } else {
    hn::StoreU(hn::LowerHalf(bytes), d64, out);
  }
}

/// A pixel is four lanes, of which the last is nothing and is left out; what is stored behind a pixel is overwritten by
/// the next. Two vectors at a time, of outputs (i, i + 2) and (i + 1, i + 3), in vectors of 16 bytes i and i + 1: their
/// 16-bit results lie side by side when both are narrowed.
void resize_row(const std::uint8_t* in, const RowWeights& weights, std::uint8_t* out) {
  const hn::CappedTag<std::int16_t, 16> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::Repartition<std::uint8_t, decltype(d16)> d8;
  constexpr std::uint8_t kNo = 0x80;
  // Two neighbouring pixels of 16 bytes, or the two behind them, as pairs of int16: red, green, blue, nothing.
  alignas(16) static constexpr std::uint8_t kFirst[16] = {0, kNo, 3, kNo, 1,   kNo, 4,   kNo,
                                                          2, kNo, 5, kNo, kNo, kNo, kNo, kNo};
  alignas(16) static constexpr std::uint8_t kSecond[16] = {6, kNo, 9,  kNo, 7,   kNo, 10,  kNo,
                                                           8, kNo, 11, kNo, kNo, kNo, kNo, kNo};
  alignas(16) static constexpr std::uint8_t kPack[16] = {0, 2, 4, 8, 10, 12};  // int16 of two pixels to their bytes
  const auto first = hn::LoadDup128(d8, kFirst), second = hn::LoadDup128(d8, kSecond);
  const auto pack = hn::LoadDup128(d8, kPack);
  const auto num_pairs = static_cast<std::size_t>(weights.num_taps) / 2;
  const auto load_weights = [&](const std::int32_t* from) HWY_ATTR { return hn::BitCast(d16, hn::LoadU(d32, from)); };
  const auto pixel = [&](std::size_t i)
                         HWY_ATTR { return in + std::ptrdiff_t{3} * weights.first[std::min(i, weights.n - 1)]; };
  // Outputs i and i + 2, as int32.
  const auto sums = [&](std::size_t i) HWY_ATTR {
    const std::uint8_t *a = pixel(i), *b = pixel(i + 2);
    const CouplePlace place = couple_place(i);
    const std::int32_t* pairs = weights.pairs + place.couple * num_pairs * 16 + place.member * 4;
    auto high = hn::Zero(d32), high_rest = high, low = high, low_rest = high;
    const auto add_pair = [&](auto bytes, auto order) HWY_ATTR {
      const auto pixels = hn::BitCast(d16, hn::TableLookupBytesOr0(bytes, order));
      high = hn::ReorderWidenMulAccumulate(d32, pixels, load_weights(pairs), high, high_rest);
      low = hn::ReorderWidenMulAccumulate(d32, pixels, load_weights(pairs + 8), low, low_rest);
      pairs += 16;
    };
    std::size_t k = 0;
    for (; k + 2 <= num_pairs; k += 2, a += 12, b += 12) {
      const auto bytes = load_two(d8, a, b);
      add_pair(bytes, first);
      add_pair(bytes, second);
    }
    if (k < num_pairs) add_pair(load_two(d8, a, b), first);
    high = hn::ShiftLeft<kLowBits>(hn::RearrangeToOddPlusEven(high, high_rest));
    low = hn::Add(hn::RearrangeToOddPlusEven(low, low_rest), hn::Set(d32, kHalf));
    return hn::ShiftRight<kResizePrecisionBits>(hn::Add(high, low));
  };
  for (std::size_t i = 0; i < weights.n; i += hn::Lanes(d16) / 4) {
    const auto both = hn::ReorderDemote2To(d16, sums(i), sums(i + 1));
    const auto limited = hn::Min(hn::Max(both, hn::Zero(d16)), hn::Set(d16, std::int16_t{255}));
    const auto bytes = hn::TableLookupBytes(hn::BitCast(d8, limited), pack);
    store_halves(bytes, out + 3 * i);
  }
}

#endif  // HWY_SCALAR

void blend_rows(const std::uint8_t* const* rows, const std::int32_t* weights, int count, std::size_t n,
                std::uint8_t* out) {
  const hn::ScalableTag<std::int32_t> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t x = 0;
  for (; x + 4 * lanes <= n; x += 4 * lanes) {  // four sums at a time share a weight
    auto s0 = hn::Set(d, kHalf), s1 = s0, s2 = s0, s3 = s0;
    for (int k = 0; k < count; ++k) {
      const std::uint8_t* in = rows[k] + x;
      const auto weight = hn::Set(d, weights[k]);
      s0 = hn::Add(s0, hn::Mul(load_bytes_as(d, in), weight));
      s1 = hn::Add(s1, hn::Mul(load_bytes_as(d, in + lanes), weight));
      s2 = hn::Add(s2, hn::Mul(load_bytes_as(d, in + 2 * lanes), weight));
      s3 = hn::Add(s3, hn::Mul(load_bytes_as(d, in + 3 * lanes), weight));
    }
    store_sums(d, s0, out + x);
    store_sums(d, s1, out + x + lanes);
    store_sums(d, s2, out + x + 2 * lanes);
    store_sums(d, s3, out + x + 3 * lanes);
  }
  const hn::CappedTag<std::int32_t, 1> one;
  for (; x < n; ++x) {
    auto sum = hn::Set(one, kHalf);
    for (int k = 0; k < count; ++k)
      sum = hn::Add(sum, hn::Mul(load_bytes_as(one, rows[k] + x), hn::Set(one, weights[k])));
    store_sums(one, sum, out + x);
  }
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(resize_row);
HWY_EXPORT(blend_rows);

void pair_weights(const RowWeights& weights, std::int32_t* pairs) {
  constexpr std::int32_t kLowMask = (1 << kLowBits) - 1;
  const auto pair = [](std::int32_t a, std::int32_t b) {
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(a) & 0xFFFF) | static_cast<std::uint32_t>(b) << 16);
  };
  const auto num_taps = static_cast<std::size_t>(weights.num_taps);
  for (std::size_t i = 0; i < 2 * num_couples(weights.n); ++i) {
    const CouplePlace place = couple_place(i);
    for (std::size_t k = 0; k < num_taps; k += 2) {
      const std::int32_t* w = weights.values + i * weights.stride + k;
      const std::int32_t a = i < weights.n ? w[0] : 0, b = i < weights.n ? w[1] : 0;
      std::int32_t* to = pairs + (place.couple * num_taps / 2 + k / 2) * 16 + place.member * 4;
      std::fill_n(to, 4, pair(a >> kLowBits, b >> kLowBits));
      std::fill_n(to + 8, 4, pair(a & kLowMask, b & kLowMask));
    }
  }
}

void resize_row(const std::uint8_t* in, const RowWeights& weights, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(resize_row)(in, weights, out);
}
void blend_rows(const std::uint8_t* const* rows, const std::int32_t* weights, int count, std::size_t n,
                std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_rows)(rows, weights, count, n, out);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
