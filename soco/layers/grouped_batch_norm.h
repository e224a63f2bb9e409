// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace soco {

class Communicator;
struct BatchNormImpl;

inline constexpr double kBatchNormEps = 1e-5;
inline constexpr double kBatchNormMomentum = 0.1;

/// Collects the batch statistics of several calls, so that running statistics move in the order the groups would have
/// been seen one by one, not in the order they were computed in.
class RunningStatsQueue {
 public:
  /// Statistics of group `position` (unique per norm): mean and unbiased variance, both [C].
  void add(BatchNormImpl& norm, std::int64_t position, torch::Tensor mean, torch::Tensor var);
  /// Applies everything in order of position, norm by norm, and empties the queue.
  void commit();

 private:
  struct Entry {
    BatchNormImpl* norm;
    std::int64_t position;
    torch::Tensor mean, var;
  };
  std::vector<Entry> entries_;
};

/// How the rows of a batch fall into groups, each normalised by its own statistics: `num_groups` runs of equal length
/// along the leading dimension. With a queue the running statistics are left to it, under `positions` (one a group);
/// without, they are updated at once, group after group.
struct NormGroups {
  std::int64_t num_groups = 1;
  RunningStatsQueue* queue = nullptr;
  std::vector<std::int64_t> positions;
};

enum class NormActivation { kNone, kRelu };

/// What one call of a BatchNorm does beside normalising: activation(normalised + residual), in the same pass.
struct NormCall {
  NormActivation activation = NormActivation::kNone;
  torch::Tensor residual;  // of input's shape; undefined: none
  NormGroups groups;
};

/// BatchNorm (Ioffe and Szegedy 2015) over [N,C] or [N,C,H,W], with per-group statistics in train mode: the result of
/// calling an ordinary BatchNorm on each group in turn and stacking the results. State keys as torch.nn.BatchNorm:
/// weight (1), bias (0), running_mean, running_var, num_batches_tracked (a call a group); eps 1e-5, momentum 0.1.
/// In eval mode the running statistics serve for all rows and groups have no meaning.
/// float32 on the CPU has kernels of our own, which read and write each value once where separate operations do so
/// five times, and give the same bits for any number of threads; [N,C,H,W] results are then in channels-last memory.
/// With a communicator of several ranks the statistics in train mode are those of all ranks' values, group by group; a
/// rank may have none.
struct BatchNormImpl : torch::nn::Module {
  explicit BatchNormImpl(std::int64_t num_features);

  /// input [N,C] or [N,C,H,W]; returns the same shape. Errors: other ranks or channels, rows that do not divide into
  /// groups, a group with a single value per channel (its variance is undefined) in train mode.
  torch::Tensor forward(const torch::Tensor& input, const NormCall& call = {});

  /// From now on the running statistics serve in train mode too and never move, and weight and bias take no gradient.
  void freeze();
  /// Whether forward() goes by its input's statistics: in train mode, unless frozen.
  bool uses_batch_statistics() const { return is_training() && !frozen_; }
  /// What it does to a channel when it goes by its running statistics: x * first + second, both [C].
  std::pair<torch::Tensor, torch::Tensor> running_affine() const;

  /// Moves the running statistics by one group: mean and unbiased variance, [C].
  void update_running_stats(const torch::Tensor& mean, const torch::Tensor& var);

  torch::Tensor weight, bias, running_mean, running_var, num_batches_tracked;
  double momentum = kBatchNormMomentum;  // share of a group's statistics in the running ones that it moves
  Communicator* communicator = nullptr;  // not owned; null: one process

 private:
  bool frozen_ = false;
};
TORCH_MODULE(BatchNorm);

/// Gives every BatchNorm of `network` the communicator, which must outlive it.
void synchronize_batch_norms(torch::nn::Module& network, Communicator& communicator);

/// Sets the momentum of every BatchNorm of `network`. Calls with 1, 1/2, 1/3, ... make the running statistics the plain
/// mean of those of the batches, whatever they were before.
void set_batch_norm_momentum(torch::nn::Module& network, double momentum);

/// Freezes every BatchNorm below `module`.
void freeze_batch_norms(torch::nn::Module& module);

}  // namespace soco
