// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace soco::kernels {

/// The passes of BatchNorm over a run of rows, each `channels` float32 values side by side, of one group. Written for
/// every instruction set, all of which give the same bits: a channel's sum runs from row to row.
struct RowRun {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
};

/// sum[c] += x - shift[c] and square[c] += (x - shift[c])^2 over the rows.
void add_moments(const float* x, const float* shift, const RowRun& run, float* sum, float* square);

/// y = x * scale[c] + shift[c] + residual, with relu where it is not negative, else 0; residual may be null.
void normalise_rows(const float* x, const float* scale, const float* shift, const float* residual, bool relu,
                    const RowRun& run, float* y);

/// The gradient behind an activation: d is grad_y, but 0 where relu cut off. Where that was: known by y, when given;
/// without, and with scale and shift given, from x, as normalise_rows had it without a residual; without any, nowhere.
struct GatedGradient {
  const float* grad_y = nullptr;
  const float* x = nullptr;
  const float* y = nullptr;
  const float* scale = nullptr;  // per channel
  const float* shift = nullptr;  // per channel
};

/// sum[c] += d and dot[c] += d * (x - mean[c]) over the rows.
void add_gradient_sums(const GatedGradient& gradient, const float* mean, const RowRun& run, float* sum, float* dot);

/// grad_x = a[c] * d + b[c] * x + e[c] and, where not null, grad_residual = d.
void input_gradient(const GatedGradient& gradient, const float* a, const float* b, const float* e, const RowRun& run,
                    float* grad_x, float* grad_residual);

}  // namespace soco::kernels
