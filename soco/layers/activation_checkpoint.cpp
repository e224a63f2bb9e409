// SPDX-License-Identifier: MIT
#include "soco/layers/activation_checkpoint.h"

#include <torch/torch.h>

#include <memory>
#include <utility>

#include "soco/layers/torch_compat.h"

namespace soco {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Checkpointed : torch::CustomClassHolder {
  NetworkPart part;
  NormGroups groups;
  torch::ScalarType autocast = torch::kFloat32;

  // As the forward pass did it, but with running statistics that lead nowhere.
  torch::Tensor again(const torch::Tensor& input) const {
    const AutocastGuard guard(input.device().type(), autocast);
    RunningStatsQueue discarded;
    NormGroups silent = groups;
    silent.queue = &discarded;
    silent.positions.resize(static_cast<std::size_t>(groups.num_groups));
    return part(input, silent);
  }
};

struct Recompute : torch::autograd::Function<Recompute> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& input,
                               const c10::intrusive_ptr<Checkpointed>& call) {
    ctx->save_for_backward({input});
    ctx->saved_data["call"] = torch::IValue::make_capsule(call);
    return call->part(input, call->groups);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto call = c10::static_intrusive_pointer_cast<Checkpointed>(ctx->saved_data["call"].toCapsule());
    const torch::AutoGradMode with_grad(true);
    const torch::Tensor input = ctx->get_saved_variables()[0].detach().requires_grad_();
    torch::autograd::backward({call->again(input)}, {grads[0]});  // parameters collect theirs on the way
    return {input.grad(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor checkpoint_activations(const NetworkPart& part, const torch::Tensor& input, const NormGroups& groups) {
  if (!torch::GradMode::is_enabled() || !input.requires_grad()) return part(input, groups);
  auto call = c10::make_intrusive<Checkpointed>();
  call->part = part;
  call->groups = groups;
  call->autocast = autocast_dtype_or_float32(input.device().type());
  return Recompute::apply(input, call);
}

}  // namespace soco
