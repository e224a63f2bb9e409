// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

namespace soco::kernels {

/// A batch as rows of channels: `num_groups` groups of `rows` rows, each row `channels` float32 values side by side.
struct GroupedRows {
  std::int64_t num_groups = 0;
  std::int64_t rows = 0;
  std::int64_t channels = 0;
};

/// Statistics of each group and channel, [num_groups * channels].
struct GroupStats {
  std::vector<float> mean;
  std::vector<float> var;  // biased
};

/// Mean and biased variance; of no rows: 0. Sums run over fixed pieces of rows, so the bits do not depend on the number
/// of threads.
GroupStats batch_norm_stats(const float* x, const GroupedRows& shape);

/// y = max(x * scale + shift + residual, 0 when relu), scale and shift per group and channel; residual may be null.
void batch_norm_apply(const float* x, const float* scale, const float* shift, const float* residual, bool relu,
                      const GroupedRows& shape, float* y);

/// What the backward pass reads.
struct BatchNormBackwardInput {
  const float* grad_y;
  const float* x;
  const float* y;      // with relu and a residual: what the pass gave; else null
  const float* scale;  // with relu and no residual, with shift: as batch_norm_apply had them; else null
  const float* shift;
  const float* mean;    // per group and channel
  const float* invstd;  // per group and channel
  const float* weight;  // per channel
};

/// Sums over a group's rows of d and of d * (x - mean) * invstd, where d is grad_y, zero where relu cut off.
struct BatchNormSums {
  std::vector<float> sum, dot;  // [num_groups * channels]
};
BatchNormSums batch_norm_backward_sums(const BatchNormBackwardInput& in, const GroupedRows& shape);

/// grad_x = weight * invstd * (d - sum / n - xhat * dot / n), with n the rows of a group that the sums are of, those of
/// other processes among them; grad_residual = d, when not null.
void batch_norm_backward_apply(const BatchNormBackwardInput& in, const BatchNormSums& sums, double n,
                               const GroupedRows& shape, float* grad_x, float* grad_residual);

}  // namespace soco::kernels
