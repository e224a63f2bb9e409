// SPDX-License-Identifier: MIT
#include "soco/image/fast_view_kernels.h"

#include <algorithm>
#include <numeric>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/fast_view_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

#include "soco/image/vector_loops.h"

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {

/// Runs `step(tag, x)` over 0..n-1 with int16 tags, whole vectors first, then one lane at a time.
template <class Step>
HWY_INLINE void for_int16_lanes(std::size_t n, const Step& step) {
  const hn::ScalableTag<std::int16_t> whole;
  const hn::CappedTag<std::int16_t, 1> one;
  std::size_t x = 0;
  for (; x + hn::Lanes(whole) <= n; x += hn::Lanes(whole)) step(whole, x);
  for (; x < n; ++x) step(one, x);
}

void fast_blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights, int count, std::size_t n,
                     std::int16_t* out) {
  for_int16_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::Rebind<std::uint8_t, decltype(d)> d8;
    auto sum = hn::Zero(d);
    for (int k = 0; k < count; ++k) {
      const auto value = hn::ShiftLeft<6>(hn::PromoteTo(d, hn::LoadU(d8, rows[k] + x)));
      sum = hn::Add(sum, hn::MulFixedPoint15(value, hn::Set(d, weights[k])));
    }
    hn::StoreU(hn::Min(sum, hn::Set(d, kFastMost)), d, out + x);
  });
}

#if HWY_TARGET == HWY_SCALAR

void fast_resize_row(const std::int16_t* in, const std::int32_t* first, const std::int32_t* pairs, int num_taps,
                     std::size_t n, std::int16_t* out) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      std::int32_t sum = 1 << 14;
      for (int k = 0; k < num_taps / 2; ++k) {
        const std::int16_t* pixel = in + std::ptrdiff_t{3} * (first[i] + 2 * k) + c;
        const std::int32_t pair = pairs[(i / 2 * static_cast<std::size_t>(num_taps) / 2 + k) * 8 + i % 2 * 4];
        sum += pixel[0] * static_cast<std::int16_t>(pair) + pixel[3] * (pair >> 16);
      }
      out[4 * i + c] = static_cast<std::int16_t>(std::min(sum >> 15, kFastMost));
    }
  }
}

#else

void fast_resize_row(const std::int16_t* in, const std::int32_t* first, const std::int32_t* pairs, int num_taps,
                     std::size_t n, std::int16_t* out) {
  const hn::CappedTag<std::int16_t, 16> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::Repartition<std::uint8_t, decltype(d16)> d8;
  const hn::Rebind<std::int16_t, decltype(d32)> to;
  constexpr std::uint8_t kNo = 0x80;
  alignas(16) static constexpr std::uint8_t kOrder[16] = {0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, kNo, kNo, kNo, kNo};
  const auto order = hn::LoadDup128(d8, kOrder);
  const std::size_t step = hn::Lanes(d16) / 8;
  const auto num_pairs = static_cast<std::size_t>(num_taps) / 2;
  for (std::size_t i = 0; i < n; i += step) {
    const std::int16_t* a = in + std::ptrdiff_t{3} * first[i];
    const std::int16_t* b = in + std::ptrdiff_t{3} * first[std::min(i + 1, n - 1)];
    const std::int32_t* weights = pairs + i / 2 * num_pairs * 8 + i % 2 * 4;
    auto sum = hn::Zero(d32), rest = sum;
    for (std::size_t k = 0; k < num_pairs; ++k, a += 6, b += 6, weights += 8) {
      const auto loaded = load_two(d16, a, b);
      const auto pixels = hn::BitCast(d16, hn::TableLookupBytesOr0(hn::BitCast(d8, loaded), order));
      sum = hn::ReorderWidenMulAccumulate(d32, pixels, hn::BitCast(d16, hn::LoadU(d32, weights)), sum, rest);
    }
    sum = hn::Add(hn::RearrangeToOddPlusEven(sum, rest), hn::Set(d32, 1 << 14));
    const auto limited = hn::Min(hn::ShiftRight<15>(sum), hn::Set(d32, kFastMost));
    hn::StoreU(hn::DemoteTo(to, limited), to, out + 4 * i);
  }
}

#endif  // HWY_SCALAR

void split_fast_pixels(const std::int16_t* pixels, std::size_t n, const Planes16& out) {
  const hn::ScalableTag<std::int16_t> d;
  std::size_t x = 0;
  for (; x + hn::Lanes(d) <= n; x += hn::Lanes(d)) {
    hn::Vec<decltype(d)> r, g, b, unused;
    hn::LoadInterleaved4(d, pixels + 4 * x, r, g, b, unused);
    hn::StoreU(r, d, out[0] + x);
    hn::StoreU(g, d, out[1] + x);
    hn::StoreU(b, d, out[2] + x);
  }
  for (; x < n; ++x)
    for (std::size_t c = 0; c < 3; ++c) out[c][x] = pixels[4 * x + c];
}

void fast_filter(const std::int16_t* const* taps, const std::int16_t* weights, std::size_t radius, std::size_t n,
                 std::int16_t* out) {
  for_int16_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    auto sum = hn::MulFixedPoint15(hn::LoadU(d, taps[radius] + x), hn::Set(d, weights[0]));
    for (std::size_t k = 1; k <= radius; ++k) {
      const auto both = hn::Add(hn::LoadU(d, taps[radius - k] + x), hn::LoadU(d, taps[radius + k] + x));
      sum = hn::Add(sum, hn::MulFixedPoint15(both, hn::Set(d, weights[k])));
    }
    hn::StoreU(hn::Min(sum, hn::Set(d, kFastMost)), d, out + x);
  });
}

template <class D>
struct Rgb {
  hn::Vec<D> r, g, b;
};

template <class D>
HWY_INLINE hn::Vec<D> luminance_of(D d, const Rgb<D>& in) {  // ITU-R 601-2: 0.299, 0.587, 0.114
  return hn::Add(hn::MulFixedPoint15(in.r, hn::Set(d, 9798)),
                 hn::Add(hn::MulFixedPoint15(in.g, hn::Set(d, 19235)), hn::MulFixedPoint15(in.b, hn::Set(d, 3735))));
}

template <class D>
HWY_INLINE hn::Vec<D> blended(D d, hn::Vec<D> value, hn::Vec<D> pivot, const ColourStep& step) {
  const auto from_pivot = hn::Sub(value, pivot);
  auto change = hn::MulFixedPoint15(hn::Add(from_pivot, from_pivot), hn::Set(d, step.gain));
  for (int i = 0; i < step.times; ++i) change = hn::SaturatedAdd(change, change);
  const auto changed = hn::SaturatedAdd(value, change);
  return hn::Min(hn::Max(changed, hn::Zero(d)), hn::Set(d, kFastMost));
}

/// The hue of the hexagonal model turned, chroma and value kept. A channel lies below the greatest value by
/// chroma * clamp(2 - |k|, 0, 1), k being the distance of its hue from the opposite of the pixel's, in sixths of a
/// turn; all of it times the chroma, nothing is divided. Turned by a sixth at the most, all fits in 16 bits, or
/// saturates where the clamp does not care; whole thirds of a turn swap channels.
template <class D>
HWY_INLINE Rgb<D> turned(D d, Rgb<D> in, const ColourStep& step) {
  for (int i = 0; i < step.times; ++i) in = {in.b, in.r, in.g};
  const auto most = hn::Max(in.r, hn::Max(in.g, in.b)), least = hn::Min(in.r, hn::Min(in.g, in.b));
  const auto chroma = hn::Sub(most, least), twice = hn::Add(chroma, chroma);
  const auto red = hn::Eq(most, in.r), green = hn::Eq(most, in.g);
  const auto difference =
      hn::IfThenElse(red, hn::Sub(in.g, in.b), hn::IfThenElse(green, hn::Sub(in.b, in.r), hn::Sub(in.r, in.g)));
  const auto hue = hn::Add(difference, hn::MulFixedPoint15(chroma, hn::Set(d, step.gain)));  // from the greatest's
  const auto level = [&](auto ramp) HWY_ATTR { return hn::Sub(most, hn::Min(hn::Max(ramp, hn::Zero(d)), chroma)); };
  const auto same = level(hn::Sub(hn::Abs(hue), chroma));  // of the channel that was the greatest, the next, the last
  const auto next = level(hn::Sub(twice, hn::Abs(hn::SaturatedAdd(chroma, hue))));
  const auto last = level(hn::Sub(twice, hn::Abs(hn::SaturatedSub(chroma, hue))));
  return {hn::IfThenElse(red, same, hn::IfThenElse(green, last, next)),
          hn::IfThenElse(red, next, hn::IfThenElse(green, same, last)),
          hn::IfThenElse(red, last, hn::IfThenElse(green, next, same))};
}

template <class D>
HWY_INLINE hn::Vec<D> solarized(D d, hn::Vec<D> value, const ColourStep& step) {
  return hn::IfThenElse(hn::Lt(value, hn::Set(d, step.pivot)), value, hn::Sub(hn::Set(d, kFastMost), value));
}

template <class D>
HWY_INLINE Rgb<D> changed(D d, const Rgb<D>& in, const ColourStep& step) {
  using Kind = ColourStep::Kind;
  if (step.kind == Kind::kHue) return turned(d, in, step);
  if (step.kind == Kind::kSolarize)
    return {solarized(d, in.r, step), solarized(d, in.g, step), solarized(d, in.b, step)};
  const auto pivot = step.kind == Kind::kSaturation ? luminance_of(d, in) : hn::Set(d, step.pivot);
  return {blended(d, in.r, pivot, step), blended(d, in.g, pivot, step), blended(d, in.b, pivot, step)};
}

/// `out` may be `in`.
HWY_INLINE void change_colours(const ConstPlanes16& in, std::size_t n, std::span<const ColourStep> steps,
                               const Planes16& out) {
  for_int16_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    Rgb<decltype(d)> rgb{hn::LoadU(d, in[0] + x), hn::LoadU(d, in[1] + x), hn::LoadU(d, in[2] + x)};
    for (const ColourStep& step : steps) rgb = changed(d, rgb, step);
    hn::StoreU(rgb.r, d, out[0] + x);
    hn::StoreU(rgb.g, d, out[1] + x);
    hn::StoreU(rgb.b, d, out[2] + x);
  });
}

void change_fast_colours(const Planes16& planes, std::size_t n, std::span<const ColourStep> steps) {
  change_colours({planes[0], planes[1], planes[2]}, n, steps, planes);
}

std::int64_t sum_fast_luminance(const ConstPlanes16& planes, std::size_t n, std::span<const ColourStep> steps) {
  constexpr std::size_t kBlock = 512;
  alignas(64) std::int16_t pixels[3][kBlock];
  std::int64_t total = 0;
  for (std::size_t from = 0; from < n; from += kBlock) {
    const std::size_t size = std::min(kBlock, n - from);
    change_colours({planes[0] + from, planes[1] + from, planes[2] + from}, size, steps,
                   {pixels[0], pixels[1], pixels[2]});
    for_int16_lanes(size, [&](auto d, std::size_t x) HWY_ATTR {
      const auto load = [&](int c) HWY_ATTR { return hn::LoadU(d, pixels[c] + x); };
      hn::StoreU(luminance_of(d, {load(0), load(1), load(2)}), d, pixels[0] + x);
    });
    total += std::accumulate(pixels[0], pixels[0] + size, std::int32_t{0});
  }
  return total;
}

template <class T>
HWY_INLINE void finish_row(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                           PixelLayout layout, std::size_t plane, T* out) {
  for_float_lanes(n, [&](auto d, std::size_t x) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    const hn::Rebind<std::int16_t, decltype(d)> d16;
    hn::Vec<decltype(d)> value[3];
    for (std::size_t c = 0; c < 3; ++c) {
      value[c] = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d16, in[c] + x)));
      value[c] = hn::MulAdd(value[c], hn::Set(d, finish.scale[c]), hn::Set(d, finish.shift[c]));
      if (mirror == Mirror::kYes) value[c] = hn::Reverse(d, value[c]);
    }
    const std::size_t at = mirror == Mirror::kYes ? n - x - hn::Lanes(d) : x;
    if (layout == PixelLayout::kHwc) return store_pixels(d, value, out + 3 * at);
    const hn::Rebind<T, decltype(d)> to;
    for (std::size_t c = 0; c < 3; ++c) store_for_later(stored_as(T(), d, value[c]), to, out + c * plane + at);
  });
}

void finish_fast_float32(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                         PixelLayout layout, std::size_t plane, float* out) {
  finish_row(in, n, finish, mirror, layout, plane, out);
}
void finish_fast_bfloat16(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                          PixelLayout layout, std::size_t plane, std::uint16_t* out) {
  finish_row(in, n, finish, mirror, layout, plane, out);
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(fast_blend_rows);
HWY_EXPORT(fast_resize_row);
HWY_EXPORT(split_fast_pixels);
HWY_EXPORT(fast_filter);
HWY_EXPORT(change_fast_colours);
HWY_EXPORT(sum_fast_luminance);
HWY_EXPORT(finish_fast_float32);
HWY_EXPORT(finish_fast_bfloat16);

void fast_blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights, int count, std::size_t n,
                     std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(fast_blend_rows)(rows, weights, count, n, out);
}
void fast_resize_row(const std::int16_t* in, const std::int32_t* first, const std::int32_t* pairs, int num_taps,
                     std::size_t n, std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(fast_resize_row)(in, first, pairs, num_taps, n, out);
}
void split_fast_pixels(const std::int16_t* pixels, std::size_t n, const Planes16& out) {
  HWY_DYNAMIC_DISPATCH(split_fast_pixels)(pixels, n, out);
}
void fast_filter(const std::int16_t* const* taps, const std::int16_t* weights, std::size_t radius, std::size_t n,
                 std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(fast_filter)(taps, weights, radius, n, out);
}
void change_fast_colours(const Planes16& planes, std::size_t n, std::span<const ColourStep> steps) {
  HWY_DYNAMIC_DISPATCH(change_fast_colours)(planes, n, steps);
}
std::int64_t sum_fast_luminance(const ConstPlanes16& planes, std::size_t n, std::span<const ColourStep> steps) {
  return HWY_DYNAMIC_DISPATCH(sum_fast_luminance)(planes, n, steps);
}
void finish_fast_row(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                     PixelLayout layout, std::size_t plane, float* out) {
  HWY_DYNAMIC_DISPATCH(finish_fast_float32)(in, n, finish, mirror, layout, plane, out);
}
void finish_fast_row(const ConstPlanes16& in, std::size_t n, const FastFinish& finish, Mirror mirror,
                     PixelLayout layout, std::size_t plane, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(finish_fast_bfloat16)(in, n, finish, mirror, layout, plane, out);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
