// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <memory>
#include <optional>
#include <vector>

#include "soco/base/log.h"
#include "soco/data/loader.h"
#include "soco/distributed/communicator.h"
#include "soco/distributed/gradient_reducer.h"
#include "soco/engine/probe.h"
#include "soco/engine/task.h"
#include "soco/modeling/meta_arch/object_contrast.h"
#include "soco/run/pretrain_options.h"
#include "soco/solver/optimizer.h"

namespace soco {

/// LARS or SGD over the online network of `model`, parameters named "online.*".
std::unique_ptr<Optimizer> make_optimizer(const SolverOptions& options, const ObjectContrast& model);

/// SoCo pretraining: views of objects in, one update of the online network and of its moving average out.
class PretrainTask final : public Task {
 public:
  /// `options` with every "auto" resolved; `dataset`, `communicator` and `log` must outlive the task.
  /// Of several ranks each works on its part of every batch; the weights stay alike on all of them, BatchNorm's
  /// statistics are those of the whole batch. Usage error: an option that does not go with several ranks.
  PretrainTask(const PretrainOptions& options, const PretrainDataset& dataset, const torch::Device& device,
               Communicator& communicator, Logger& log);

  std::string name() const override { return "pretrain"; }
  std::int64_t total_steps() const override { return total_steps_; }
  std::int64_t steps_per_epoch() const override { return steps_per_epoch_; }
  void start_at(std::int64_t step) override;
  void set_lr_scale(double scale) override { lr_scale_ = scale; }
  StepReport step(std::int64_t step) override;
  /// After epochs that probe.every_epochs divides: probe_knn and probe_linear, top-1 accuracies of the online network
  /// (see probe_network).
  std::vector<std::pair<std::string, double>> figures_after(std::int64_t num_steps) override;
  StateDict state() const override;
  void load_state(const StateDict& state) override;
  std::string dump_last_step(const std::filesystem::path& folder) override;

  /// Parameters of the online network.
  std::int64_t num_parameters() const;

 private:
  PretrainBatch next_batch(std::int64_t step, std::int64_t portion);
  StateDict online_state() const;
  std::vector<std::pair<std::string, double>> probe(std::int64_t epoch) const;
  void watch_for_collapse(std::int64_t step, double feature_std_ratio);

  PretrainOptions options_;
  torch::Device device_;
  Communicator& communicator_;
  Logger& log_;
  DataLoader loader_;
  std::int64_t steps_per_epoch_;
  std::int64_t schedule_steps_;  // of all epochs: what the schedules are stretched over
  std::int64_t total_steps_;     // steps to do: fewer when train.max_steps says so
  ObjectContrast model_{nullptr};
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<GradientReducer> reducer_;
  double lr_scale_ = 1;
  std::vector<PretrainBatch> last_batches_;  // the portions of the last step, for dump_last_step
  std::int64_t collapsed_steps_ = 0;
  std::optional<ProbeSet> probe_set_;  // with probe.every_epochs
};

}  // namespace soco
