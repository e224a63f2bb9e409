// SPDX-License-Identifier: MIT
#include "soco/layers/sync_batch_norm.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

namespace soco {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// As [G,rows,C,cells], the groups of [N,C,...] apart.
torch::Tensor by_group(const torch::Tensor& x, std::int64_t num_groups) {
  const std::int64_t cells = x.dim() == 4 ? x.size(2) * x.size(3) : 1;  // -1 would not do for a rank without rows
  return x.reshape({num_groups, x.size(0) / num_groups, x.size(1), cells});
}

torch::Tensor over_channels(const torch::Tensor& per_group) {  // [G,C] -> [G,1,C,1]
  return per_group.unsqueeze(1).unsqueeze(3);
}

torch::Tensor sums(const torch::Tensor& x) { return x.sum({1, 3}); }  // [G,rows,C,cells] -> [G,C]

struct SyncNorm : torch::autograd::Function<SyncNorm> {
  // Gives output, mean [G,C], biased variance [G,C], values per channel and group [1].
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& input, const torch::Tensor& weight,
                               const torch::Tensor& bias, std::int64_t num_groups, double eps,
                               const c10::intrusive_ptr<CommunicatorHolder>& holder) {
    Communicator& communicator = holder->communicator;
    const torch::Tensor x = by_group(input.to(weight.scalar_type()), num_groups);
    const torch::Tensor local_count = torch::full({1}, x.size(1) * x.size(3), x.options());
    torch::Tensor first = torch::cat({sums(x).flatten(), local_count});
    communicator.all_reduce_sum(first);
    const torch::Tensor count = first.narrow(0, first.numel() - 1, 1);
    const torch::Tensor mean = first.narrow(0, 0, first.numel() - 1).view({num_groups, -1}) / count;
    const torch::Tensor centred = x - over_channels(mean);
    torch::Tensor squares = sums(centred * centred);
    communicator.all_reduce_sum(squares);
    const torch::Tensor var = squares / count;
    const torch::Tensor invstd = (var + eps).rsqrt();
    const torch::Tensor normal = centred * over_channels(invstd);
    const torch::Tensor output = normal * weight.view({1, 1, -1, 1}) + bias.view({1, 1, -1, 1});
    ctx->save_for_backward({normal, invstd, weight, count});
    ctx->saved_data["holder"] = torch::IValue::make_capsule(holder);
    ctx->mark_non_differentiable({mean, var, count});
    return {output.view(input.sizes()), mean, var, count};
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const torch::Tensor &normal = saved[0], &invstd = saved[1], &weight = saved[2], &count = saved[3];
    Communicator& communicator =
        c10::static_intrusive_pointer_cast<CommunicatorHolder>(ctx->saved_data["holder"].toCapsule())->communicator;
    const torch::Tensor grad = by_group(grads[0].to(weight.scalar_type()), normal.size(0));
    const torch::Tensor sum = sums(grad), dot = sums(grad * normal);
    torch::Tensor both = torch::stack({sum, dot});
    communicator.all_reduce_sum(both);
    const torch::Tensor grad_x = (grad - over_channels(both[0] / count) - normal * over_channels(both[1] / count)) *
                                 over_channels(invstd) * weight.view({1, 1, -1, 1});
    return {grad_x.view(grads[0].sizes()), dot.sum(0), sum.sum(0), torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

SyncedNorm sync_batch_norm(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias,
                           std::int64_t num_groups, double eps, Communicator& communicator) {
  const variable_list result =
      SyncNorm::apply(input, weight, bias, num_groups, eps, c10::make_intrusive<CommunicatorHolder>(communicator));
  return {result[0], result[1], result[2], result[3].item<double>()};
}

double share_statistics(kernels::GroupStats& stats, std::int64_t rows, Communicator& communicator) {
  const std::size_t size = stats.mean.size();
  torch::Tensor all = torch::empty({static_cast<std::int64_t>(2 * size + 1)}, torch::kFloat64);
  double* const count = all.data_ptr<double>();
  double* const sum = count + 1;
  double* const square = sum + size;
  const double here = static_cast<double>(rows);
  *count = here;
  for (std::size_t i = 0; i < size; ++i) {
    const double mean = stats.mean[i];
    sum[i] = here * mean;
    square[i] = here * (stats.var[i] + mean * mean);  // in float64 that does not cancel
  }
  communicator.all_reduce_sum(all);
  for (std::size_t i = 0; i < size; ++i) {
    const double mean = sum[i] / *count;
    stats.mean[i] = static_cast<float>(mean);
    stats.var[i] = static_cast<float>(std::max(0.0, square[i] / *count - mean * mean));
  }
  return *count;
}

void share_sums(kernels::BatchNormSums& sums, Communicator& communicator) {
  const std::size_t size = sums.sum.size();
  torch::Tensor all = torch::empty({static_cast<std::int64_t>(2 * size)}, torch::kFloat64);
  double* const values = all.data_ptr<double>();
  std::copy(sums.sum.begin(), sums.sum.end(), values);
  std::copy(sums.dot.begin(), sums.dot.end(), values + size);
  communicator.all_reduce_sum(all);
  std::transform(values, values + size, sums.sum.begin(), [](double v) { return static_cast<float>(v); });
  std::transform(values + size, values + 2 * size, sums.dot.begin(), [](double v) { return static_cast<float>(v); });
}

}  // namespace soco
