// SPDX-License-Identifier: MIT
#include "soco/layers/kernels/batch_norm_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soco/layers/kernels/batch_norm_rows.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace soco::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// step(tag, c, first row, number of rows) for all rows and channels: four rows at a time, so that what belongs to a
// channel is loaded and stored once for them; whole vectors of channels first, then one channel at a time.
template <class Step>
HWY_INLINE void for_rows(const RowRun& run, const Step& step) {
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 1> one;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(whole));
  const auto of_rows = [&](std::int64_t row, auto count) HWY_ATTR {
    std::int64_t c = 0;
    for (; c + lanes <= run.channels; c += lanes) step(whole, c, row, count);
    for (; c < run.channels; ++c) step(one, c, row, count);
  };
  std::int64_t row = 0;
  for (; row + 4 <= run.rows; row += 4) of_rows(row, std::integral_constant<int, 4>());
  for (; row < run.rows; ++row) of_rows(row, std::integral_constant<int, 1>());
}

void add_moments(const float* x, const float* shift, const RowRun& run, float* sum, float* square) {
  for_rows(run, [&](auto d, std::int64_t c, std::int64_t row, auto count) HWY_ATTR {
    const auto origin = hn::LoadU(d, shift + c);
    auto s = hn::LoadU(d, sum + c), q = hn::LoadU(d, square + c);
    for (int k = 0; k < count; ++k) {
      const auto v = hn::Sub(hn::LoadU(d, x + (row + k) * run.channels + c), origin);
      s = hn::Add(s, v);
      q = hn::Add(q, hn::Mul(v, v));
    }
    hn::StoreU(s, d, sum + c);
    hn::StoreU(q, d, square + c);
  });
}

template <bool kResidual, bool kRelu>
HWY_INLINE void normalise(const float* x, const float* scale, const float* shift, const float* residual,
                          const RowRun& run, float* y) {
  for_rows(run, [&](auto d, std::int64_t c, std::int64_t row, auto count) HWY_ATTR {
    const auto factor = hn::LoadU(d, scale + c), summand = hn::LoadU(d, shift + c);
    for (int k = 0; k < count; ++k) {
      const std::int64_t at = (row + k) * run.channels + c;
      auto v = hn::Add(hn::Mul(hn::LoadU(d, x + at), factor), summand);
      if constexpr (kResidual) v = hn::Add(v, hn::LoadU(d, residual + at));
      // Not a maximum, which may lose that a value is no number.
      if constexpr (kRelu) v = hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);
      hn::StoreU(v, d, y + at);
    }
  });
}

void normalise_rows(const float* x, const float* scale, const float* shift, const float* residual, bool relu,
                    const RowRun& run, float* y) {
  if (residual && relu)
    normalise<true, true>(x, scale, shift, residual, run, y);
  else if (residual)
    normalise<true, false>(x, scale, shift, residual, run, y);
  else if (relu)
    normalise<false, true>(x, scale, shift, residual, run, y);
  else
    normalise<false, false>(x, scale, shift, residual, run, y);
}

enum class Gate { kNone, kOutput, kRecomputed };

// body(gate) with the gate as a constant.
template <class Body>
HWY_INLINE void with_gate(const GatedGradient& in, const Body& body) {
  if (in.y)
    body(std::integral_constant<Gate, Gate::kOutput>());
  else if (in.scale)
    body(std::integral_constant<Gate, Gate::kRecomputed>());
  else
    body(std::integral_constant<Gate, Gate::kNone>());
}

// d of GatedGradient at place `at`, of channel c on.
template <Gate kGate, class D>
HWY_INLINE hn::Vec<D> gated(D d, const GatedGradient& in, std::int64_t at, hn::Vec<D> x, hn::Vec<D> scale,
                            hn::Vec<D> shift) {
  const auto grad = hn::LoadU(d, in.grad_y + at);
  if constexpr (kGate == Gate::kNone) {
    return grad;
  } else if constexpr (kGate == Gate::kOutput) {
    return hn::IfThenElseZero(hn::Gt(hn::LoadU(d, in.y + at), hn::Zero(d)), grad);
  } else {
    return hn::IfThenElseZero(hn::Gt(hn::Add(hn::Mul(x, scale), shift), hn::Zero(d)), grad);
  }
}

template <Gate kGate, class D>
HWY_INLINE hn::Vec<D> gate_coefficient(D d, const float* coefficient, std::int64_t c) {
  if constexpr (kGate == Gate::kRecomputed) return hn::LoadU(d, coefficient + c);
  return hn::Zero(d);
}

void add_gradient_sums(const GatedGradient& in, const float* mean, const RowRun& run, float* sum, float* dot) {
  with_gate(in, [&](auto gate) HWY_ATTR {
    constexpr Gate kGate = decltype(gate)::value;
    for_rows(run, [&](auto d, std::int64_t c, std::int64_t row, auto count) HWY_ATTR {
      const auto scale = gate_coefficient<kGate>(d, in.scale, c), shift = gate_coefficient<kGate>(d, in.shift, c);
      const auto origin = hn::LoadU(d, mean + c);
      auto s = hn::LoadU(d, sum + c), p = hn::LoadU(d, dot + c);
      for (int k = 0; k < count; ++k) {
        const std::int64_t at = (row + k) * run.channels + c;
        const auto x = hn::LoadU(d, in.x + at);
        const auto grad = gated<kGate>(d, in, at, x, scale, shift);
        s = hn::Add(s, grad);
        p = hn::Add(p, hn::Mul(grad, hn::Sub(x, origin)));
      }
      hn::StoreU(s, d, sum + c);
      hn::StoreU(p, d, dot + c);
    });
  });
}

void input_gradient(const GatedGradient& in, const float* a, const float* b, const float* e, const RowRun& run,
                    float* grad_x, float* grad_residual) {
  with_gate(in, [&](auto gate) HWY_ATTR {
    constexpr Gate kGate = decltype(gate)::value;
    for_rows(run, [&](auto d, std::int64_t c, std::int64_t row, auto count) HWY_ATTR {
      const auto scale = gate_coefficient<kGate>(d, in.scale, c), shift = gate_coefficient<kGate>(d, in.shift, c);
      const auto of_grad = hn::LoadU(d, a + c), of_x = hn::LoadU(d, b + c), constant = hn::LoadU(d, e + c);
      for (int k = 0; k < count; ++k) {
        const std::int64_t at = (row + k) * run.channels + c;
        const auto x = hn::LoadU(d, in.x + at);
        const auto grad = gated<kGate>(d, in, at, x, scale, shift);
        if (grad_residual) hn::StoreU(grad, d, grad_residual + at);
        hn::StoreU(hn::Add(hn::Add(hn::Mul(of_grad, grad), hn::Mul(of_x, x)), constant), d, grad_x + at);
      }
    });
  });
}

}  // namespace soco::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace soco::kernels {

HWY_EXPORT(add_moments);
HWY_EXPORT(normalise_rows);
HWY_EXPORT(add_gradient_sums);
HWY_EXPORT(input_gradient);

void add_moments(const float* x, const float* shift, const RowRun& run, float* sum, float* square) {
  HWY_DYNAMIC_DISPATCH(add_moments)(x, shift, run, sum, square);
}
void normalise_rows(const float* x, const float* scale, const float* shift, const float* residual, bool relu,
                    const RowRun& run, float* y) {
  HWY_DYNAMIC_DISPATCH(normalise_rows)(x, scale, shift, residual, relu, run, y);
}
void add_gradient_sums(const GatedGradient& gradient, const float* mean, const RowRun& run, float* sum, float* dot) {
  HWY_DYNAMIC_DISPATCH(add_gradient_sums)(gradient, mean, run, sum, dot);
}
void input_gradient(const GatedGradient& gradient, const float* a, const float* b, const float* e, const RowRun& run,
                    float* grad_x, float* grad_residual) {
  HWY_DYNAMIC_DISPATCH(input_gradient)(gradient, a, b, e, run, grad_x, grad_residual);
}

}  // namespace soco::kernels
#endif  // HWY_ONCE
