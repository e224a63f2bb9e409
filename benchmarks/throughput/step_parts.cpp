// SPDX-License-Identifier: MIT
// Seconds of a pretraining step by part, on a batch read from a file; prints one JSON object. See pretrain_step.py.
//   step_parts RECIPE BATCH THREADS STEPS [key=value ...]
// train.device=cuda and train.precision=bf16 are among the keys; on CUDA a part's time includes the wait for the
// device.
#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/throughput/program.h"
#include "soco/base/json.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/engine/batch_input.h"
#include "soco/engine/device.h"
#include "soco/engine/pretrain_task.h"
#include "soco/layers/cuda_device.h"
#include "soco/layers/torch_compat.h"
#include "soco/modeling/fpn.h"
#include "soco/run/recipes.h"
#include "soco/solver/ema.h"

namespace soco {
namespace {

double now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds between laps, by name, a value a step: wall clock, and processor time over all threads.
class Laps {
 public:
  void start() { wall_ = now(CLOCK_MONOTONIC), cpu_ = now(CLOCK_PROCESS_CPUTIME_ID); }
  void lap(const std::string& name) {
    if (torch::cuda::is_available()) torch::cuda::synchronize();
    const double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    seconds_[name].push_back(wall - wall_);
    cpu_seconds_[name].push_back(cpu - cpu_);
    start();
  }
  Json medians() const {
    Json json;
    for (const auto& [name, values] : seconds_) json[name] = {warm_median(values), warm_median(cpu_seconds_.at(name))};
    return json;
  }

 private:
  static double warm_median(std::vector<double> values) {
    if (values.size() > 1) values.erase(values.begin());  // the first warms up
    return median(std::move(values));
  }
  double wall_ = 0, cpu_ = 0;
  std::map<std::string, std::vector<double>> seconds_, cpu_seconds_;
};

/// Where and in what precision the step runs.
struct Arithmetic {
  torch::Device device;
  torch::ScalarType precision;
};

void step(ObjectContrast& model, Optimizer& optimizer, const ObjectContrastInput& input, const Arithmetic& arithmetic,
          Laps& laps) {
  laps.start();
  ObjectContrastOutput output;
  {
    const AutocastGuard autocast(arithmetic.device.type(), arithmetic.precision);
    output = model->forward(input, [&] {
      laps.lap("online");
      ema_update(*model->target, *model->online, 0.99);
      laps.lap("ema");
    });
  }
  laps.lap("target");
  output.loss.backward();
  laps.lap("backward");
  optimizer.gradient_norm();
  optimizer.step(0.1);
  optimizer.zero_grad();
  laps.lap("update");
}

LevelMask levels_on_view(const ObjectContrastInput& input, int view, const ModelOptions& options) {
  if (options.head_mode == HeadMode::kReference) return kAllLevels;
  LevelMask wanted{};
  for (const auto& pair : input.pairs)
    for (const auto& [index, side] : {std::pair{pair.view_a, &pair.a}, std::pair{pair.view_b, &pair.b}})
      for (std::int64_t level = 0; index == view && level < kNumLevels; ++level)
        if ((side->levels == level).any().item<bool>()) wanted[static_cast<std::size_t>(level)] = true;
  return wanted;
}

torch::Tensor total(const FeatureMaps& maps) {
  torch::Tensor sum;
  for (const torch::Tensor& map : maps)
    if (map.defined()) sum = sum.defined() ? sum + map.sum() : map.sum();
  return sum;
}

/// Forward and backward of the backbone alone and, under "pyramid_*", of the backbone with its pyramid.
void backbone(ObjectContrast& model, const ObjectContrastInput& input, const Arithmetic& arithmetic, Laps& laps) {
  std::vector<torch::Tensor> views;
  for (const torch::Tensor& view : input.views) views.push_back(view.contiguous(torch::MemoryFormat::ChannelsLast));
  auto* fpn = model->online->backbone->as<Fpn>();
  const auto run = [&](const std::string& name, const std::function<torch::Tensor(std::size_t)>& forward) {
    torch::Tensor sum;
    {
      const AutocastGuard autocast(arithmetic.device.type(), arithmetic.precision);
      {
        const NoGradPass no_grad;
        laps.start();
        for (std::size_t v = 0; v < views.size(); ++v) forward(v);
        laps.lap(name + "_target");
      }
      for (std::size_t v = 0; v < views.size(); ++v) sum = sum.defined() ? sum + forward(v) : forward(v);
      laps.lap(name + "_online");
    }
    sum.backward();
    laps.lap(name + "_backward");
    model->zero_grad();
  };
  if (fpn)
    run("trunk", [&](std::size_t v) {
      return total({torch::Tensor(), torch::Tensor(), torch::Tensor(), fpn->bottom_up(views[v])[3]});
    });
  run("backbone", [&](std::size_t v) {
    return total(
        model->online->backbone->forward(views[v], levels_on_view(input, static_cast<int>(v), model->options)));
  });
}

/// Floating-point operations a second of a large matrix product on these threads.
double product_rate(const Arithmetic& arithmetic) {
  const std::int64_t n = arithmetic.device.is_cuda() ? 8192 : 2048;
  const auto like = torch::TensorOptions().device(arithmetic.device).dtype(arithmetic.precision);
  const torch::Tensor a = torch::randn({n, n}, like), b = torch::randn({n, n}, like);
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const double begin = now(CLOCK_MONOTONIC);
    torch::mm(a, b);
    if (arithmetic.device.is_cuda()) torch::cuda::synchronize();
    best = std::max(best, 2.0 * n * n * n / (now(CLOCK_MONOTONIC) - begin));
  }
  return best;
}

void run(const std::vector<std::string>& words) {
  PretrainOptions options;
  load_recipe_or_file(options, words.at(0));
  for (std::size_t i = 4; i < words.size(); ++i) apply_override(options, words[i]);
  torch::set_num_threads(std::stoi(words.at(2)));
  torch::manual_seed(0);
  ObjectContrast model(options.model);
  const Arithmetic arithmetic{choose_device(options.train.device),
                              options.train.precision == Precision::kBFloat16 ? torch::kBFloat16 : torch::kFloat32};
  choose_algorithms(arithmetic.device, options.train.deterministic);
  model->to(arithmetic.device);
  model->train();
  const auto optimizer = make_optimizer(options.solver, model);
  const ObjectContrastInput input =
      on_device(input_from_tensors(read_safetensors(words.at(1)).tensors, torch::kFloat32), arithmetic.device);
  Laps laps;
  for (int i = 0; i < std::stoi(words.at(3)) + 1; ++i) step(model, *optimizer, input, arithmetic, laps);
  const double host_peak_gib = peak_gib();
  for (int i = 0; i < 2; ++i) backbone(model, input, arithmetic, laps);
  Json json;
  json["seconds"] = laps.medians();  // wall clock and processor time
  json["peak_gib"] = arithmetic.device.is_cuda() ? static_cast<double>(peak_device_bytes(arithmetic.device)) / (1 << 30)
                                                 : host_peak_gib;
  json["product_rate"] = product_rate(arithmetic);
  std::printf("%s\n", json.dump().c_str());
}

}  // namespace
}  // namespace soco

int main(int argc, char** argv) { return soco::run_program("step_parts", argc, argv, soco::run); }
