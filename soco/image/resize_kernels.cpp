// SPDX-License-Identifier: MIT
#include "soco/image/resize_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/resize_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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

void resize_row(const std::uint8_t* in, const std::int32_t* first, const std::int32_t* weights, int num_taps,
                std::size_t stride, std::size_t n, std::uint8_t* out) {
  const hn::CappedTag<std::int32_t, 1> d;
  for (std::size_t i = 0; i < n; ++i, weights += stride) {
    for (std::size_t c = 0; c < 3; ++c) {
      std::int32_t sum = kHalf;
      for (int k = 0; k < num_taps; ++k) sum += in[3 * (first[i] + k) + static_cast<int>(c)] * weights[k];
      store_sums(d, hn::Set(d, sum), out + 3 * i + c);
    }
  }
}

#else

/// A pixel is four lanes, of which the last is the next pixel's first byte and is overwritten by it.
void resize_row(const std::uint8_t* in, const std::int32_t* first, const std::int32_t* weights, int num_taps,
                std::size_t stride, std::size_t n, std::uint8_t* out) {
  const hn::CappedTag<std::int32_t, 4> d;
  for (std::size_t i = 0; i < n; ++i, weights += stride) {
    const std::uint8_t* pixel = in + std::ptrdiff_t{3} * first[i];
    auto sum = hn::Set(d, kHalf), other = hn::Zero(d);
    for (int k = 0; k < num_taps; k += 2, pixel += 6) {
      sum = hn::Add(sum, hn::Mul(load_bytes_as(d, pixel), hn::Set(d, weights[k])));
      other = hn::Add(other, hn::Mul(load_bytes_as(d, pixel + 3), hn::Set(d, weights[k + 1])));
    }
    store_sums(d, hn::Add(sum, other), out + 3 * i);
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

void resize_row(const std::uint8_t* in, const std::int32_t* first, const std::int32_t* weights, int num_taps,
                std::size_t stride, std::size_t n, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(resize_row)(in, first, weights, num_taps, stride, n, out);
}
void blend_rows(const std::uint8_t* const* rows, const std::int32_t* weights, int count, std::size_t n,
                std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(blend_rows)(rows, weights, count, n, out);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
