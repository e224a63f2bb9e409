// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <filesystem>

#include "soco/run/pretrain_options.h"

namespace soco {

enum class ReplayDType { kFloat32, kFloat64 };

inline constexpr std::array<EnumName<ReplayDType>, 2> kReplayDTypeNames{
    {{ReplayDType::kFloat32, "float32"}, {ReplayDType::kFloat64, "float64"}}};

struct ReplayOptions {
  ReplayDType dtype = ReplayDType::kFloat32;
  double lr = 0.1;
  double ema_momentum = 0.99;
  ModelOptions model;
  SolverOptions solver;

  template <class V>
  void visit(V& v) {
    v.field("dtype", dtype, "arithmetic of the step", kReplayDTypeNames);
    v.field("lr", lr, "learning rate of the step", Range<double>{0, 1e6});
    v.field("ema_momentum", ema_momentum, "momentum of the target in this step", Range<double>{0, 1});
    v.section("model", model, "the network the weights belong to");
    v.section("solver", solver, "optimiser (lr and ema_momentum are the keys above)");
  }
};

/// Runs one training step and writes all its numbers, to compare with another implementation or to study a dumped
/// batch. `weights`: online.*, target.*, and momentum buffers optimizer.momentum_buffer.online.* (none: zeros).
/// `batch`: see batch_tensors. `out` gets: loss; loss.pairP.a_to_b and .b_to_a (online a against target b, and the
/// reverse); grad.online.* (of the loss, before weight decay); after.online.*, after.target.* and
/// after.optimizer.momentum_buffer.online.* (parameters and buffers after the step).
/// Errors: keys missing, unknown or misshapen, by name.
void replay(const ReplayOptions& options, const std::filesystem::path& weights, const std::filesystem::path& batch,
            const std::filesystem::path& out);

}  // namespace soco
