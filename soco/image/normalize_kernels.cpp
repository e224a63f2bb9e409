// SPDX-License-Identifier: MIT
#include "soco/image/normalize_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/image/normalize_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

#include "soco/image/vector_loops.h"

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {

/// value / divisor, correctly rounded: with fused multiplication by Markstein's correction of value * (1 / divisor), a
/// third of a division's time. (Its one exception, a divisor whose significand is all ones, is nobody's deviation.)
template <class D>
HWY_INLINE hn::Vec<D> divided(D d, hn::Vec<D> value, float divisor) {
  const auto by = hn::Set(d, divisor);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
  const auto reciprocal = hn::Set(d, 1.0f / divisor);
  const auto quotient = hn::Mul(value, reciprocal);
  return hn::MulAdd(hn::NegMulAdd(quotient, by, value), reciprocal, quotient);
#else
  return hn::Div(value, by);
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> normalized(D d, const std::uint8_t* in, float mean, float std) {
  const auto unit = divided(d, load_bytes(d, in), 255.0f);
  return divided(d, hn::Sub(unit, hn::Set(d, mean)), std);
}

template <class T>
HWY_INLINE void row_to(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, T* out) {
  const auto value = [&](auto d, std::size_t x) HWY_ATTR { return normalized(d, in + x, mean, std); };
  store_row(n, mirror == Mirror::kYes, value, out);
}

template <class T>
HWY_INLINE void pixel_row_to(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                             const std::array<float, 3>& std, Mirror mirror, T* out) {
  const auto value = [&](auto d, std::size_t c, std::size_t x)
                         HWY_ATTR { return normalized(d, in[c] + x, mean[c], std[c]); };
  store_pixel_row(n, mirror == Mirror::kYes, value, out);
}

void row_to_float32(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, float* out) {
  row_to(in, n, mean, std, mirror, out);
}
void row_to_bfloat16(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, std::uint16_t* out) {
  row_to(in, n, mean, std, mirror, out);
}
void pixel_row_to_float32(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                          const std::array<float, 3>& std, Mirror mirror, float* out) {
  pixel_row_to(in, n, mean, std, mirror, out);
}
void pixel_row_to_bfloat16(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                           const std::array<float, 3>& std, Mirror mirror, std::uint16_t* out) {
  pixel_row_to(in, n, mean, std, mirror, out);
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(row_to_float32);
HWY_EXPORT(row_to_bfloat16);
HWY_EXPORT(pixel_row_to_float32);
HWY_EXPORT(pixel_row_to_bfloat16);

void normalize_row(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, float* out) {
  HWY_DYNAMIC_DISPATCH(row_to_float32)(in, n, mean, std, mirror, out);
}
void normalize_row(const std::uint8_t* in, std::size_t n, float mean, float std, Mirror mirror, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(row_to_bfloat16)(in, n, mean, std, mirror, out);
}
void normalize_pixel_row(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                         const std::array<float, 3>& std, Mirror mirror, float* out) {
  HWY_DYNAMIC_DISPATCH(pixel_row_to_float32)(in, n, mean, std, mirror, out);
}
void normalize_pixel_row(const ConstPlanes& in, std::size_t n, const std::array<float, 3>& mean,
                         const std::array<float, 3>& std, Mirror mirror, std::uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(pixel_row_to_bfloat16)(in, n, mean, std, mirror, out);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
