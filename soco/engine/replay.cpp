// SPDX-License-Identifier: MIT
#include "soco/engine/replay.h"

#include "soco/base/error.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/engine/batch_input.h"
#include "soco/engine/device.h"
#include "soco/engine/pretrain_task.h"
#include "soco/engine/training_state.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/solver/ema.h"

namespace soco {
namespace {

/// The tensors with every float of any width turned into `dtype`; integers stay.
StateDict with_floats_in(const StateDict& tensors, torch::ScalarType dtype) {
  StateDict cast;
  for (const auto& [name, tensor] : tensors.entries()) {
    const torch::Tensor value = from_host(tensor);
    cast.add(name, value.is_floating_point() ? to_host(value.to(dtype)) : tensor);
  }
  return cast;
}

/// Turns the float parameters and buffers of `module` into `dtype`. (Module::to would turn the integer counters too.)
void set_float_dtype(torch::nn::Module& module, torch::ScalarType dtype) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : named_state(module))
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(dtype));
}

void add_losses(StateDict& result, const ObjectContrastOutput& output, Directions directions) {
  result.add("loss", to_host(output.loss.detach()));
  const std::size_t per_pair = directions == Directions::kBoth ? 2 : 1;
  for (std::size_t i = 0; i < output.losses.size(); ++i)
    result.add(fmt::format("loss.pair{}.{}", i / per_pair, i % per_pair == 0 ? "a_to_b" : "b_to_a"),
               to_host(output.losses[i].second.detach()));
}

void add_gradients(StateDict& result, const Optimizer& optimizer) {
  for (const auto& [name, parameter] : optimizer.parameters())
    result.add("grad." + name, to_host(parameter.grad().defined() ? parameter.grad() : torch::zeros_like(parameter)));
}

void check_rates(const ReplayStep& step) {
  if (!(step.lr >= 0 && step.lr <= 1e6)) fail_usage("lr = {} must lie in [0, 1e6]", step.lr);
  if (!(step.ema_momentum >= 0 && step.ema_momentum <= 1))
    fail_usage("momentum = {} of the target must lie in [0, 1]", step.ema_momentum);
}

StateDict run_step(ObjectContrast& model, Optimizer& optimizer, const ReplayStep& step, torch::ScalarType dtype,
                   const torch::Device& device) {
  const ObjectContrastInput input = on_device(input_from_tensors(read_safetensors(step.batch).tensors, dtype), device);
  const ObjectContrastOutput output =
      model->forward(input, [&] { ema_update(*model->target, *model->online, step.ema_momentum); });
  output.loss.backward();
  StateDict result;
  add_losses(result, output, model->options.directions);
  add_gradients(result, optimizer);
  optimizer.step(step.lr);
  optimizer.zero_grad();
  save_training_state(*model, optimizer, {"after.", "after."}, result);
  return result;
}

}  // namespace

void replay(const ReplayOptions& options, const std::filesystem::path& weights, const std::vector<ReplayStep>& steps) {
  validate_options(options);
  for (const ReplayStep& step : steps) check_rates(step);
  const auto dtype = options.dtype == ReplayDType::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const torch::Device device = choose_device(options.device);
  choose_algorithms(device, /*deterministic=*/true);
  ObjectContrast model(options.model);
  set_float_dtype(*model, dtype);
  model->to(device);
  model->train();
  const auto optimizer = make_optimizer(options.solver, model);
  load_training_state(*model, *optimizer, kReplayPrefix, with_floats_in(read_safetensors(weights).tensors, dtype),
                      MomentumBuffers::kOptional);
  for (const ReplayStep& step : steps)
    write_safetensors(step.out, run_step(model, *optimizer, step, dtype, device), {});
}

}  // namespace soco
