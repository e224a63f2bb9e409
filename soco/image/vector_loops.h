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

/// Stores what load_two gives, as it is.
template <class D>
HWY_INLINE void store_two(D d, hn::Vec<D> value, hn::TFromD<D>* a, [[maybe_unused]] hn::TFromD<D>* b) {
  constexpr std::size_t kHalf = 16 / sizeof(hn::TFromD<D>);
  const hn::CappedTag<hn::TFromD<D>, kHalf> d128;
  if constexpr (hn::MaxLanes(D()) == 2 * kHalf) {
    hn::StoreU(hn::LowerHalf(d128, value), d128, a);
    hn::StoreU(hn::UpperHalf(d128, value), d128, b);
  } else {
    hn::StoreU(value, d, a);
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

/// The bits of floats whose upper half is them rounded to bfloat16, to the nearest, halves to even. No value is NaN.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> rounded_to_bfloat16(D d, hn::Vec<D> value) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  return hn::Add(hn::Add(bits, hn::Set(du, 0x7FFF)), odd);
}

/// Lanes as they are stored: float32 as it is, or bfloat16.
template <class D>
HWY_INLINE auto stored_as(float, D, hn::Vec<D> value) {
  return value;
}
template <class D>
HWY_INLINE auto stored_as(std::uint16_t, D d, hn::Vec<D> value) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<std::uint16_t, D> d16;
  return hn::DemoteTo(d16, hn::BitCast(di, hn::ShiftRight<16>(rounded_to_bfloat16(d, value))));
}

#if HWY_TARGET != HWY_SCALAR
/// Two vectors as bfloat16, the lanes of `low` first.
template <class D>
HWY_INLINE auto bfloat16_of_two(D d, hn::Vec<D> low, hn::Vec<D> high) {
  const hn::Repartition<std::uint16_t, D> d16;
  return hn::ConcatOdd(d16, hn::BitCast(d16, rounded_to_bfloat16(d, high)),
                       hn::BitCast(d16, rounded_to_bfloat16(d, low)));
}
#endif

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

/// Stores a row of `n` values, mirrored if asked: `value(d, x)` gives those from x on. bfloat16 leaves in whole
/// vectors, made of two of floats.
template <class T, class Value>
HWY_INLINE void store_row(std::size_t n, bool mirrored, const Value& value, T* out) {
  std::size_t from = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(T) == 2) {
    const hn::ScalableTag<float> d;
    const hn::Repartition<T, decltype(d)> to;
    const std::size_t half = hn::Lanes(d);
    for (; from + 2 * half <= n; from += 2 * half) {
      const auto a = value(d, from), b = value(d, from + half);
      if (mirrored) {
        store_for_later(bfloat16_of_two(d, hn::Reverse(d, b), hn::Reverse(d, a)), to, out + n - from - 2 * half);
      } else {
        store_for_later(bfloat16_of_two(d, a, b), to, out + from);
      }
    }
  }
#endif
  for_float_lanes(n - from, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::Rebind<T, decltype(d)> to;
    const auto lanes = value(d, from + x);
    if (mirrored) {
      store_for_later(stored_as(T(), d, hn::Reverse(d, lanes)), to, out + n - from - x - hn::Lanes(d));
    } else {
      store_for_later(stored_as(T(), d, lanes), to, out + from + x);
    }
  });
}

/// The same of a row of `n` pixels, [n, 3]: `value(d, c, x)` gives the values of channel c.
template <class T, class Value>
HWY_INLINE void store_pixel_row(std::size_t n, bool mirrored, const Value& value, T* out) {
  for_float_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::Rebind<T, decltype(d)> to;
    const auto channel = [&](std::size_t c) HWY_ATTR {
      const auto lanes = value(d, c, x);
      return stored_as(T(), d, mirrored ? hn::Reverse(d, lanes) : lanes);
    };
    hn::StoreInterleaved3(channel(0), channel(1), channel(2), to, out + 3 * (mirrored ? n - x - hn::Lanes(d) : x));
  });
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // include guard
