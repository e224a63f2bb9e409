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

/// fast_resize_rows for outputs `begin` to `end`, one by one.
HWY_INLINE void resize_one_by_one(const std::int16_t* const* rows, const std::int32_t* first,
                                  const std::int16_t* weights, std::size_t num_taps, std::size_t begin, std::size_t end,
                                  std::int16_t* const* out) {
  for (std::size_t row = 0; row < kFastRows; ++row) {
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::int16_t* in = rows[row] + std::ptrdiff_t{3} * first[i] + c;
        int sum = 0;
        for (std::size_t k = 0; k < num_taps; ++k) {
          const int weight = weights[num_taps * i + k];
          if (weight != 0) sum += (in[3 * k] * weight + (1 << 14)) >> 15;
        }
        out[kFastRows * c + row][i] = static_cast<std::int16_t>(std::min(sum, kFastMost));
      }
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

void fast_resize_rows(const std::int16_t* const* rows, std::size_t, const std::int32_t* first,
                      const std::int16_t* weights, std::size_t num_taps, std::size_t n, std::int16_t*,
                      std::int16_t* const* out) {
  resize_one_by_one(rows, first, weights, num_taps, 0, n, out);
}

#else

/// Eight vectors of eight lanes in each 16 bytes, rows for columns in each of these.
template <class D>
HWY_INLINE void transpose(D d, hn::Vec<D> (&v)[8]) {
  for (int step = 0; step < 3; ++step) {  // each is a perfect shuffle of the rows
    hn::Vec<D> w[8];
    for (int i = 0; i < 4; ++i) {
      w[2 * i] = hn::InterleaveLower(d, v[i], v[i + 4]);
      w[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + 4]);
    }
    for (int i = 0; i < 8; ++i) v[i] = w[i];
  }
}

void fast_resize_rows(const std::int16_t* const* rows, std::size_t num_values, const std::int32_t* first,
                      const std::int16_t* weights, std::size_t num_taps, std::size_t n, std::int16_t* columns,
                      std::int16_t* const* out) {
  constexpr std::size_t kBlock = 8;
  if (n < kBlock) return resize_one_by_one(rows, first, weights, num_taps, 0, n, out);
  const hn::CappedTag<std::int16_t, kFastRows> d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> v[kBlock];
  for (std::size_t row = 0; row < kFastRows; row += lanes) {
    const std::size_t other = (row + kBlock) % kFastRows;  // the second of two, where a vector has room for it
    for (std::size_t x = 0; x < num_values; x += kBlock) {
      for (std::size_t i = 0; i < kBlock; ++i) v[i] = load_two(d, rows[row + i] + x, rows[other + i] + x);
      transpose(d, v);
      for (std::size_t i = 0; i < kBlock; ++i) hn::StoreU(v[i], d, columns + kFastRows * (x + i) + row);
    }
    for (std::size_t at = 0; at < n; at += kBlock) {
      const std::size_t x = std::min(at, n - kBlock);
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t i = 0; i < kBlock; ++i) {
          const auto value = std::size_t{3} * static_cast<std::size_t>(first[x + i]) + c;
          const std::int16_t* in = columns + kFastRows * value + row;
          const std::int16_t* weight = weights + num_taps * (x + i);
          auto sum = hn::MulFixedPoint15(hn::LoadU(d, in), hn::Set(d, weight[0]));
          for (std::size_t k = 1; k < num_taps; ++k)
            sum = hn::Add(sum, hn::MulFixedPoint15(hn::LoadU(d, in + 3 * kFastRows * k), hn::Set(d, weight[k])));
          v[i] = hn::Min(sum, hn::Set(d, kFastMost));
        }
        transpose(d, v);
        std::int16_t* const* to = out + kFastRows * c;
        for (std::size_t i = 0; i < kBlock; ++i) store_two(d, v[i], to[row + i] + x, to[other + i] + x);
      }
    }
  }
}

#endif  // HWY_SCALAR

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
  const bool mirrored = mirror == Mirror::kYes;
  const auto finished = [&](auto d, std::size_t c, std::size_t x) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    const hn::Rebind<std::int16_t, decltype(d)> d16;
    const auto value = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d16, in[c] + x)));
    return hn::MulAdd(value, hn::Set(d, finish.scale[c]), hn::Set(d, finish.shift[c]));
  };
  if (layout == PixelLayout::kChw) {
    for (std::size_t c = 0; c < 3; ++c)
      store_row(
          n, mirrored, [&](auto d, std::size_t x) HWY_ATTR { return finished(d, c, x); }, out + c * plane);
    return;
  }
  store_pixel_row(n, mirrored, finished, out);
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
HWY_EXPORT(fast_resize_rows);
HWY_EXPORT(fast_filter);
HWY_EXPORT(change_fast_colours);
HWY_EXPORT(sum_fast_luminance);
HWY_EXPORT(finish_fast_float32);
HWY_EXPORT(finish_fast_bfloat16);

void fast_blend_rows(const std::uint8_t* const* rows, const std::int16_t* weights, int count, std::size_t n,
                     std::int16_t* out) {
  HWY_DYNAMIC_DISPATCH(fast_blend_rows)(rows, weights, count, n, out);
}
void fast_resize_rows(const std::int16_t* const* rows, std::size_t num_values, const std::int32_t* first,
                      const std::int16_t* weights, std::size_t num_taps, std::size_t n, std::int16_t* columns,
                      std::int16_t* const* out) {
  HWY_DYNAMIC_DISPATCH(fast_resize_rows)(rows, num_values, first, weights, num_taps, n, columns, out);
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
