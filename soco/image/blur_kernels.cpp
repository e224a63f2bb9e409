// SPDX-License-Identifier: MIT
#include "soco/image/blur_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/blur_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE void box_filter_lanes(D d, const std::uint8_t* const* taps, const Box24& box, std::size_t x,
                                 std::uint8_t* out) {
  const hn::Rebind<std::uint8_t, D> d8;
  const auto tap = [&](int k) HWY_ATTR { return hn::PromoteTo(d, hn::LoadU(d8, taps[k] + x)); };
  const int last = 2 * box.radius + 2;
  auto sum = tap(1);
  for (int k = 2; k < last; ++k) sum = hn::Add(sum, tap(k));
  const auto inner = hn::Mul(sum, hn::Set(d, box.inner));
  const auto outer = hn::Mul(hn::Add(tap(0), tap(last)), hn::Set(d, box.outer));
  const auto total = hn::Add(hn::Add(inner, outer), hn::Set(d, 1u << 23));
  hn::StoreU(hn::U8FromU32(hn::ShiftRight<24>(total)), d8, out + x);
}

void box_filter(const std::uint8_t* const* taps, const Box24& box, std::size_t n, std::uint8_t* out) {
  const hn::ScalableTag<std::uint32_t> whole;
  const hn::CappedTag<std::uint32_t, 1> one;
  std::size_t x = 0;
  for (; x + hn::Lanes(whole) <= n; x += hn::Lanes(whole)) box_filter_lanes(whole, taps, box, x, out);
  for (; x < n; ++x) box_filter_lanes(one, taps, box, x, out);
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(box_filter);

void box_filter(const std::uint8_t* const* taps, const Box24& box, std::size_t n, std::uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(box_filter)(taps, box, n, out);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
