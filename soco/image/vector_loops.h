// SPDX-License-Identifier: MIT
// Only for files that <hwy/foreach_target.h> compiles once for each instruction set; hence no #pragma once.
#if defined(SOCO_IMAGE_VECTOR_LOOPS_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SOCO_IMAGE_VECTOR_LOOPS_H
#undef SOCO_IMAGE_VECTOR_LOOPS_H
#else
#define SOCO_IMAGE_VECTOR_LOOPS_H
#endif
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Runs `step(tag, x)` over 0..n-1 with float tags, whole vectors first, then one lane at a time: nothing beyond n is
/// touched.
template <class Step>
HWY_INLINE void for_float_lanes(std::size_t n, const Step& step) {
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 1> one;
  std::size_t x = 0;
  for (; x + hn::Lanes(whole) <= n; x += hn::Lanes(whole)) step(whole, x);
  for (; x < n; ++x) step(one, x);
}

#if HWY_TARGET != HWY_SCALAR
/// 16 bytes at each place, the second where the vector has room for it.
template <class D>
HWY_INLINE hn::Vec<D> load_two(D d, const hn::TFromD<D>* a, [[maybe_unused]] const hn::TFromD<D>* b) {
  constexpr std::size_t kHalf = 16 / sizeof(hn::TFromD<D>);
  const hn::CappedTag<hn::TFromD<D>, kHalf> d128;
  if constexpr (hn::MaxLanes(D()) == 2 * kHalf) {
    return hn::Combine(d, hn::LoadU(d128, b), hn::LoadU(d128, a));
  } else {
    return hn::LoadU(d, a);
  }
}
#endif

/// Bytes as floats, one a lane of `d`.
template <class D>
HWY_INLINE hn::Vec<D> load_bytes(D d, const std::uint8_t* from) {
  const hn::Rebind<std::uint8_t, D> d8;
  const hn::RebindToSigned<D> di;
  return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, from)));
}

/// Stores integers of 0..255 as bytes.
template <class D, class V>
HWY_INLINE void store_bytes(D d, V values, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, D> d8;
  const hn::RebindToUnsigned<D> du;
  hn::StoreU(hn::U8FromU32(hn::BitCast(du, values)), d8, to);
}

/// Lanes as they are stored: float32 as it is, bfloat16 rounded to the nearest, halves to even. No value is NaN.
template <class D>
HWY_INLINE auto stored_as(float, D, hn::Vec<D> value) {
  return value;
}
template <class D>
HWY_INLINE auto stored_as(std::uint16_t, D d, hn::Vec<D> value) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<std::uint16_t, D> d16;
  const auto bits = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(du, 0x7FFF)), odd));
  return hn::DemoteTo(d16, hn::BitCast(di, rounded));
}

/// Stores what is not read again soon. Whole cache lines pass the caches, which spares reading what is overwritten
/// (parts of lines, of several rows in turn, would be slower). Ends with hwy::FlushStream(), before another thread is
/// told of it.
template <class D>
HWY_INLINE void store_for_later(hn::Vec<D> value, D d, hn::TFromD<D>* to) {
  if constexpr (hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) == 64) {
    if (reinterpret_cast<std::uintptr_t>(to) % 64 == 0) return hn::Stream(value, d, to);
  }
  hn::StoreU(value, d, to);
}

/// Three channels, [pixels, 3].
template <class T, class D, class V>
HWY_INLINE void store_pixels(D d, const V (&value)[3], T* out) {
  const hn::Rebind<T, D> to;
  hn::StoreInterleaved3(stored_as(T(), d, value[0]), stored_as(T(), d, value[1]), stored_as(T(), d, value[2]), to, out);
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // include guard
