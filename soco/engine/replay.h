// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <filesystem>
#include <vector>

#include "soco/run/pretrain_options.h"

namespace soco {

enum class ReplayDType { kFloat32, kFloat64 };

inline constexpr std::array<EnumName<ReplayDType>, 2> kReplayDTypeNames{
    {{ReplayDType::kFloat32, "float32"}, {ReplayDType::kFloat64, "float64"}}};

struct ReplayOptions {
  ReplayDType dtype = ReplayDType::kFloat32;
  DeviceChoice device = DeviceChoice::kCpu;
  ModelOptions model;
  SolverOptions solver;

  template <class V>
  void visit(V& v) {
    v.field("dtype", dtype, "arithmetic of the step", kReplayDTypeNames);
    v.field("device", device, "where the step runs", kDeviceNames);
    v.section("model", model, "the network the weights belong to");
    v.section("solver", solver, "optimiser (lr and ema_momentum are those of ReplayStep)");
  }
};

/// One step: its batch (see batch_tensors), its rates, and the file its numbers go to.
struct ReplayStep {
  std::filesystem::path batch, out;
  double lr = 0.1;
  double ema_momentum = 0.99;  // of the target in this step
};

/// Runs training steps, each from where the one before ended, and writes all their numbers, to compare with another
/// implementation or to study a dumped batch. `weights`: online.*, target.*, queue.* (info_nce), and momentum buffers
/// optimizer.momentum_buffer.online.* (none: zeros). `out` of each step gets: loss; loss.pairP.a_to_b and .b_to_a
/// (online a against target b, and the reverse); grad.online.* (of the loss, before weight decay); after.online.*,
/// after.target.*, after.queue.* and after.optimizer.momentum_buffer.online.* (parameters and buffers after the step).
/// Errors: keys missing, unknown or misshapen, by name; usage error for rates outside [0, 1e6] and [0, 1].
void replay(const ReplayOptions& options, const std::filesystem::path& weights, const std::vector<ReplayStep>& steps);

}  // namespace soco
