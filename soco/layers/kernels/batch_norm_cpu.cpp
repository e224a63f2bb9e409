// SPDX-License-Identifier: MIT
#include "soco/layers/kernels/batch_norm_cpu.h"

#include <algorithm>
#include <cmath>

#include "soco/layers/kernels/batch_norm_rows.h"
#include "soco/layers/parallel.h"

namespace soco::kernels {
namespace {

// Values of a piece of rows: enough to be worth a thread, few enough that float sums of a piece stay accurate (pieces
// are added up in double).
constexpr std::int64_t kPieceValues = 32768;

struct Pieces {
  std::int64_t rows;   // of a piece; the last of a group may have fewer
  std::int64_t count;  // in a group
};

Pieces pieces_of(const GroupedRows& shape) {
  const std::int64_t rows = std::clamp<std::int64_t>(kPieceValues / std::max<std::int64_t>(shape.channels, 1), 1, 512);
  return {rows, (shape.rows + rows - 1) / rows};
}

// body(group, piece, first row of the batch, number of rows) for every piece.
template <class Body>
void for_each_piece(const GroupedRows& shape, const Body& body) {
  const Pieces pieces = pieces_of(shape);
  const std::int64_t values = std::min(pieces.rows, shape.rows) * shape.channels;  // of a piece
  const std::int64_t grain = std::max<std::int64_t>(1, kPieceValues / std::max<std::int64_t>(1, values));
  torch_parallel_for(shape.num_groups * pieces.count, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t group = i / pieces.count, piece = i % pieces.count;
      const std::int64_t first = piece * pieces.rows;
      body(group, piece, group * shape.rows + first, std::min(pieces.rows, shape.rows - first));
    }
  });
}

// Adds the two partial sums per channel of every piece of a group, in order and in double:
// total(group, channel, sum of firsts, sum of seconds).
template <class Total>
void add_pieces(const std::vector<float>& partial, const GroupedRows& shape, const Total& total) {
  const std::int64_t count = pieces_of(shape).count, channels = shape.channels;
  torch_parallel_for(shape.num_groups * channels,
                     std::max<std::int64_t>(1, kPieceValues / std::max<std::int64_t>(1, count)),
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t i = begin; i < end; ++i) {
                         const std::int64_t group = i / channels, c = i % channels;
                         double first = 0, second = 0;
                         for (std::int64_t p = group * count; p < (group + 1) * count; ++p) {
                           first += partial[2 * p * channels + c];
                           second += partial[(2 * p + 1) * channels + c];
                         }
                         total(group, c, first, second);
                       }
                     });
}

std::vector<float> partial_sums(const GroupedRows& shape) {
  return std::vector<float>(static_cast<std::size_t>(2 * shape.num_groups * pieces_of(shape).count * shape.channels));
}

// The gradient of a group's rows from row `first` of the batch on.
GatedGradient gradient_of(const BatchNormBackwardInput& in, std::int64_t group, std::int64_t first,
                          std::int64_t channels) {
  const std::int64_t at = first * channels, of_group = group * channels;
  GatedGradient rows{.grad_y = in.grad_y + at, .x = in.x + at};
  if (in.y) rows.y = in.y + at;
  if (in.scale) rows.scale = in.scale + of_group;
  if (in.shift) rows.shift = in.shift + of_group;
  return rows;
}

}  // namespace

GroupStats batch_norm_stats(const float* x, const GroupedRows& shape) {
  const std::int64_t channels = shape.channels, count = pieces_of(shape).count;
  std::vector<float> partial = partial_sums(shape);
  // Sums of x - s and (x - s)^2 with s the group's first row: near enough to the mean that the squares do not cancel.
  for_each_piece(shape, [&](std::int64_t group, std::int64_t piece, std::int64_t first, std::int64_t rows) {
    float* sum = partial.data() + 2 * (group * count + piece) * channels;
    add_moments(x + first * channels, x + group * shape.rows * channels, {rows, channels}, sum, sum + channels);
  });
  GroupStats stats;
  stats.mean.resize(static_cast<std::size_t>(shape.num_groups * channels));
  stats.var.resize(stats.mean.size());
  if (shape.rows == 0) return stats;
  const double n = static_cast<double>(shape.rows);
  add_pieces(partial, shape, [&](std::int64_t group, std::int64_t c, double sum, double square) {
    const double offset = sum / n;
    stats.mean[group * channels + c] = static_cast<float>(x[group * shape.rows * channels + c] + offset);
    stats.var[group * channels + c] = static_cast<float>(std::max(0.0, square / n - offset * offset));
  });
  return stats;
}

void batch_norm_apply(const float* x, const float* scale, const float* shift, const float* residual, bool relu,
                      const GroupedRows& shape, float* y) {
  const std::int64_t channels = shape.channels;
  for_each_piece(shape, [&](std::int64_t group, std::int64_t, std::int64_t first, std::int64_t rows) {
    const std::int64_t at = first * channels, of_group = group * channels;
    normalise_rows(x + at, scale + of_group, shift + of_group, residual ? residual + at : nullptr, relu,
                   {rows, channels}, y + at);
  });
}

BatchNormSums batch_norm_backward_sums(const BatchNormBackwardInput& in, const GroupedRows& shape) {
  const std::int64_t channels = shape.channels, count = pieces_of(shape).count;
  std::vector<float> partial = partial_sums(shape);
  for_each_piece(shape, [&](std::int64_t group, std::int64_t piece, std::int64_t first, std::int64_t rows) {
    float* sum = partial.data() + 2 * (group * count + piece) * channels;
    add_gradient_sums(gradient_of(in, group, first, channels), in.mean + group * channels, {rows, channels}, sum,
                      sum + channels);
  });
  BatchNormSums sums;
  sums.sum.resize(static_cast<std::size_t>(shape.num_groups * channels));
  sums.dot.resize(sums.sum.size());
  add_pieces(partial, shape, [&](std::int64_t group, std::int64_t c, double sum, double dot) {
    sums.sum[group * channels + c] = static_cast<float>(sum);
    sums.dot[group * channels + c] = static_cast<float>(dot * in.invstd[group * channels + c]);
  });
  return sums;
}

void batch_norm_backward_apply(const BatchNormBackwardInput& in, const BatchNormSums& sums, double num_rows,
                               const GroupedRows& shape, float* grad_x, float* grad_residual) {
  const std::int64_t channels = shape.channels;
  const float n = static_cast<float>(num_rows);
  // grad_x = a * d + b * x + e, with coefficients per group and channel.
  std::vector<float> a(sums.sum.size()), b(sums.sum.size()), e(sums.sum.size());
  for (std::int64_t i = 0; i < shape.num_groups * channels; ++i) {
    a[i] = in.weight[i % channels] * in.invstd[i];
    b[i] = -a[i] * in.invstd[i] * (sums.dot[i] / n);
    e[i] = -a[i] * (sums.sum[i] / n) - b[i] * in.mean[i];
  }
  for_each_piece(shape, [&](std::int64_t group, std::int64_t, std::int64_t first, std::int64_t rows) {
    const std::int64_t at = first * channels, of_group = group * channels;
    input_gradient(gradient_of(in, group, first, channels), a.data() + of_group, b.data() + of_group,
                   e.data() + of_group, {rows, channels}, grad_x + at, grad_residual ? grad_residual + at : nullptr);
  });
}

}  // namespace soco::kernels
