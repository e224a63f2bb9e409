// SPDX-License-Identifier: MIT
#include "soco/layers/grouped_batch_norm.h"

#include <torch/torch.h>

#include <algorithm>

#include "soco/base/error.h"
#include "soco/distributed/communicator.h"
#include "soco/layers/kernels/batch_norm_cpu.h"
#include "soco/layers/sync_batch_norm.h"

namespace soco {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What a train-mode pass gives: the result, each group's mean and biased variance, [G,C], and of how many values.
struct Normalised {
  torch::Tensor output, mean, var;
  double num_values;
};

// Memory in which a row of channels is contiguous: channels-last for [N,C,H,W], plain for [N,C].
torch::Tensor as_rows(const torch::Tensor& x) {
  return x.contiguous(x.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous);
}

torch::Tensor empty_rows_like(const torch::Tensor& x) {
  return torch::empty_like(x, x.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous);
}

kernels::GroupedRows grouped_rows(const torch::Tensor& x, std::int64_t num_groups) {
  return {num_groups, x.numel() / x.size(1) / num_groups, x.size(1)};
}

const float* data_or_null(const torch::Tensor& x) { return x.defined() ? x.data_ptr<float>() : nullptr; }

struct FusedBatchNorm : torch::autograd::Function<FusedBatchNorm> {
  // Gives output, mean [G,C], biased variance [G,C] and the rows [1] that they are of; none carries a gradient but the
  // output. `residual` of zero elements: none (libtorch does not take undefined tensors here). `ranks`: those whose
  // values count too; null: this process's alone.
  static variable_list forward(AutogradContext* ctx, const torch::Tensor& input, const torch::Tensor& weight,
                               const torch::Tensor& bias, const torch::Tensor& residual, std::int64_t num_groups,
                               bool relu, const c10::intrusive_ptr<CommunicatorHolder>& ranks) {
    const torch::Tensor x = as_rows(input);
    const bool has_residual = residual.dim() == input.dim();
    const torch::Tensor added = has_residual ? as_rows(residual) : torch::Tensor();
    const kernels::GroupedRows shape = grouped_rows(x, num_groups);
    kernels::GroupStats stats = kernels::batch_norm_stats(x.data_ptr<float>(), shape);
    double num_rows = static_cast<double>(shape.rows);
    if (ranks) num_rows = share_statistics(stats, shape.rows, ranks->communicator);
    const torch::Tensor mean = torch::tensor(stats.mean).view({num_groups, shape.channels});
    const torch::Tensor var = torch::tensor(stats.var).view({num_groups, shape.channels});
    const torch::Tensor invstd = (var + kBatchNormEps).rsqrt_();
    const torch::Tensor scale = weight * invstd;
    const torch::Tensor shift = bias - mean * scale;
    const torch::Tensor output = empty_rows_like(x);
    kernels::batch_norm_apply(x.data_ptr<float>(), scale.data_ptr<float>(), shift.data_ptr<float>(),
                              data_or_null(added), relu, shape, output.data_ptr<float>());
    // Where relu cut off: without a residual x tells it, with a third less to read than from x and the output.
    const bool from_x = relu && !has_residual, from_output = relu && has_residual;
    const torch::Tensor none;
    ctx->save_for_backward(
        {x, weight, mean, invstd, from_output ? output : none, from_x ? scale : none, from_x ? shift : none});
    ctx->saved_data["num_groups"] = num_groups;
    ctx->saved_data["has_residual"] = has_residual;
    ctx->saved_data["num_rows"] = num_rows;
    if (ranks) ctx->saved_data["ranks"] = torch::IValue::make_capsule(ranks);
    const torch::Tensor count = torch::full({1}, num_rows, torch::kFloat64);
    ctx->mark_non_differentiable({mean, var, count});
    return {output, mean, var, count};
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &invstd = saved[3], &output = saved[4],
                        &scale = saved[5], &shift = saved[6];
    const torch::Tensor grad = as_rows(grads[0]);
    const kernels::GroupedRows shape = grouped_rows(x, ctx->saved_data["num_groups"].toInt());
    const kernels::BatchNormBackwardInput in{.grad_y = grad.data_ptr<float>(),
                                             .x = x.data_ptr<float>(),
                                             .y = data_or_null(output),
                                             .scale = data_or_null(scale),
                                             .shift = data_or_null(shift),
                                             .mean = mean.data_ptr<float>(),
                                             .invstd = invstd.data_ptr<float>(),
                                             .weight = weight.data_ptr<float>()};
    kernels::BatchNormSums sums = kernels::batch_norm_backward_sums(in, shape);
    const std::vector<std::int64_t> group_shape{shape.num_groups, shape.channels};
    const torch::Tensor grad_weight = torch::tensor(sums.dot).view(group_shape).sum(0);  // this rank's part
    const torch::Tensor grad_bias = torch::tensor(sums.sum).view(group_shape).sum(0);
    if (const auto ranks = ctx->saved_data.find("ranks"); ranks != ctx->saved_data.end())
      share_sums(sums, c10::static_intrusive_pointer_cast<CommunicatorHolder>(ranks->second.toCapsule())->communicator);
    const torch::Tensor grad_x = empty_rows_like(x);
    torch::Tensor grad_residual;
    if (ctx->saved_data["has_residual"].toBool()) grad_residual = output.defined() ? empty_rows_like(x) : grad;
    kernels::batch_norm_backward_apply(
        in, sums, ctx->saved_data["num_rows"].toDouble(), shape, grad_x.data_ptr<float>(),
        output.defined() && grad_residual.defined() ? grad_residual.data_ptr<float>() : nullptr);
    return {grad_x, grad_weight, grad_bias, grad_residual, torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor finish(torch::Tensor normalised, const NormCall& call) {
  if (call.residual.defined()) normalised = normalised + call.residual;
  return call.activation == NormActivation::kRelu ? torch::relu(normalised) : normalised;
}

// Any device and dtype: libtorch's BatchNorm on each group. With momentum 1 its running statistics are the batch's.
Normalised normalise_composed(const BatchNormImpl& norm, const torch::Tensor& input, const NormCall& call) {
  const std::int64_t num_groups = call.groups.num_groups;
  const double values = static_cast<double>(input.numel() / input.size(1) / num_groups);
  std::vector<torch::Tensor> outputs, means, vars;
  for (const torch::Tensor& group : input.chunk(num_groups)) {
    means.push_back(torch::zeros_like(norm.running_mean));
    vars.push_back(torch::zeros_like(norm.running_var));
    outputs.push_back(torch::batch_norm(group, norm.weight, norm.bias, means.back(), vars.back(), /*training=*/true,
                                        /*momentum=*/1.0, kBatchNormEps, /*cudnn_enabled=*/true));
  }
  const torch::Tensor output = num_groups == 1 ? outputs[0] : torch::cat(outputs);
  const torch::Tensor var = torch::stack(vars) * ((values - 1) / values);
  return {finish(output, call), torch::stack(means), var, values};
}

bool takes_fused_path(const torch::Tensor& input, const torch::Tensor& weight) {
  return input.device().is_cpu() && input.scalar_type() == torch::kFloat32 && weight.scalar_type() == torch::kFloat32;
}

Normalised normalise(const BatchNormImpl& norm, const torch::Tensor& input, const NormCall& call) {
  const bool with_others = norm.communicator != nullptr && !norm.communicator->is_alone();
  const bool fused = takes_fused_path(input, norm.weight);
  if (with_others && !fused) {
    const SyncedNorm synced =
        sync_batch_norm(input, norm.weight, norm.bias, call.groups.num_groups, kBatchNormEps, *norm.communicator);
    return {finish(synced.output, call), synced.mean, synced.var, synced.num_values};
  }
  if (!fused) return normalise_composed(norm, input, call);
  const torch::Tensor residual = call.residual.defined() ? call.residual.to(torch::kFloat32) : torch::empty({0});
  c10::intrusive_ptr<CommunicatorHolder> ranks;
  if (with_others) ranks = c10::make_intrusive<CommunicatorHolder>(*norm.communicator);
  const variable_list result = FusedBatchNorm::apply(input, norm.weight, norm.bias, residual, call.groups.num_groups,
                                                     call.activation == NormActivation::kRelu, ranks);
  return {result[0], result[1], result[2], result[3].item<double>()};
}

void check_call(const torch::Tensor& input, std::int64_t num_features, const NormCall& call, bool training) {
  const NormGroups& groups = call.groups;
  if ((input.dim() != 2 && input.dim() != 4) || input.size(1) != num_features)
    fail("BatchNorm of {} channels was given an input of shape {}; expected [N,{}] or [N,{},H,W]", num_features,
         c10::str(input.sizes()), num_features, num_features);
  if (call.residual.defined() && call.residual.sizes() != input.sizes())
    fail("BatchNorm's residual has shape {}, but its input {}", c10::str(call.residual.sizes()),
         c10::str(input.sizes()));
  if (!training) return;
  if (groups.num_groups < 1 || input.size(0) % groups.num_groups != 0)
    fail("{} rows do not divide into {} groups", input.size(0), groups.num_groups);
  if (groups.queue && static_cast<std::int64_t>(groups.positions.size()) != groups.num_groups)
    fail("{} positions were given for {} groups", groups.positions.size(), groups.num_groups);
}

void check_count(double num_values, const torch::Tensor& input, const NormCall& call) {
  if (num_values <= 1)
    fail(
        "BatchNorm cannot train on a group with {} value(s) per channel (input {}, {} groups): use more images or "
        "boxes",
        num_values, c10::str(input.sizes()), call.groups.num_groups);
}

}  // namespace

BatchNormImpl::BatchNormImpl(std::int64_t num_features) {
  weight = register_parameter("weight", torch::ones({num_features}));
  bias = register_parameter("bias", torch::zeros({num_features}));
  running_mean = register_buffer("running_mean", torch::zeros({num_features}));
  running_var = register_buffer("running_var", torch::ones({num_features}));
  num_batches_tracked = register_buffer("num_batches_tracked", torch::zeros({}, torch::kInt64));
}

torch::Tensor BatchNormImpl::forward(const torch::Tensor& input, const NormCall& call) {
  check_call(input, weight.size(0), call, uses_batch_statistics());
  if (!uses_batch_statistics())
    return finish(torch::batch_norm(input, weight, bias, running_mean, running_var, /*training=*/false,
                                    kBatchNormMomentum, kBatchNormEps, /*cudnn_enabled=*/true),
                  call);
  const NormGroups& groups = call.groups;
  // Of one group whose statistics count at once libtorch's BatchNorm keeps them itself: on a GPU one kernel where the
  // way below launches fifteen.
  const bool alone = communicator == nullptr || communicator->is_alone();
  if (alone) check_count(static_cast<double>(input.numel() / weight.size(0) / groups.num_groups), input, call);
  if (alone && groups.num_groups == 1 && !groups.queue && !takes_fused_path(input, weight)) {
    const torch::Tensor output = torch::batch_norm(input, weight, bias, running_mean, running_var, /*training=*/true,
                                                   kBatchNormMomentum, kBatchNormEps, /*cudnn_enabled=*/true);
    num_batches_tracked.add_(1);
    return finish(output, call);
  }
  Normalised result = normalise(*this, input, call);
  const double values = result.num_values;
  check_count(values, input, call);  // of all ranks, one of which may have none
  const torch::NoGradGuard no_grad;
  const torch::Tensor unbiased = result.var * (values / (values - 1));
  for (std::int64_t g = 0; g < groups.num_groups; ++g) {
    if (groups.queue)
      groups.queue->add(*this, groups.positions[g], result.mean[g], unbiased[g]);
    else
      update_running_stats(result.mean[g], unbiased[g]);
  }
  return result.output;
}

void synchronize_batch_norms(torch::nn::Module& network, Communicator& communicator) {
  for (const auto& module : network.modules())
    if (auto* norm = module->as<BatchNorm>()) norm->communicator = &communicator;
}

void set_batch_norm_momentum(torch::nn::Module& network, double momentum) {
  for (const auto& module : network.modules())
    if (auto* norm = module->as<BatchNorm>()) norm->momentum = momentum;
}

void BatchNormImpl::freeze() {
  frozen_ = true;
  weight.set_requires_grad(false);
  bias.set_requires_grad(false);
}

std::pair<torch::Tensor, torch::Tensor> BatchNormImpl::running_affine() const {
  const torch::Tensor factor = weight * (running_var + kBatchNormEps).rsqrt();
  return {factor, bias - running_mean * factor};
}

void freeze_batch_norms(torch::nn::Module& module) {
  for (const auto& part : module.modules(/*include_self=*/false))
    if (auto* norm = part->as<BatchNorm>()) norm->freeze();
}

void BatchNormImpl::update_running_stats(const torch::Tensor& mean, const torch::Tensor& var) {
  const torch::NoGradGuard no_grad;
  running_mean.mul_(1 - momentum).add_(mean, momentum);
  running_var.mul_(1 - momentum).add_(var, momentum);
  num_batches_tracked.add_(1);
}

void RunningStatsQueue::add(BatchNormImpl& norm, std::int64_t position, torch::Tensor mean, torch::Tensor var) {
  entries_.push_back({&norm, position, std::move(mean), std::move(var)});
}

void RunningStatsQueue::commit() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.position < b.position; });
  for (const Entry& entry : entries_) entry.norm->update_running_stats(entry.mean, entry.var);
  entries_.clear();
}

}  // namespace soco
