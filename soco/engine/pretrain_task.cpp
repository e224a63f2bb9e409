// SPDX-License-Identifier: MIT
#include "soco/engine/pretrain_task.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "soco/base/error.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/engine/batch_input.h"
#include "soco/engine/training_state.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/layers/torch_compat.h"
#include "soco/solver/ema.h"
#include "soco/solver/lars.h"
#include "soco/solver/schedule.h"

namespace soco {
namespace {

// A target whose vectors spread less than this share of an even spread, for so many steps on end, has collapsed.
constexpr double kCollapsedStdRatio = 0.1;
constexpr std::int64_t kCollapseSteps = 50;

ScheduleOptions schedule_options(const SolverOptions& solver) {
  return {.lr = *solver.lr, .warmup_epochs = solver.warmup_epochs, .final_lr = solver.final_lr};
}

/// Sums over the portions of a step, then their mean.
struct StepFigures {
  double loss = 0, mean_cosine = 0, feature_std_ratio = 0, feature_rank = 0, matches = 0;
  std::vector<std::pair<std::string, double>> terms;
  std::array<double, kNumLevels + 1> boxes_per_level{};

  void add(const ObjectContrastOutput& output, double weight) {
    loss += weight * output.loss.item<double>();
    mean_cosine += weight * output.mean_cosine;
    feature_std_ratio += weight * output.feature_std_ratio;
    feature_rank += weight * output.feature_rank;
    matches += static_cast<double>(output.num_matches);
    if (terms.empty())
      for (const auto& [name, term] : output.losses) terms.emplace_back("loss." + name, 0);
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i].second += weight * output.losses[i].second.item<double>();
    for (std::size_t i = 0; i < boxes_per_level.size(); ++i)
      boxes_per_level[i] += static_cast<double>(output.boxes_per_level[i]);
  }
};

std::vector<std::pair<std::string, double>> named_figures(const StepFigures& figures, double lr, double ema_momentum,
                                                          double grad_norm) {
  std::vector<std::pair<std::string, double>> metrics{{"loss", figures.loss},
                                                      {"mean_cosine", figures.mean_cosine},
                                                      {"feature_std_ratio", figures.feature_std_ratio},
                                                      {"feature_rank", figures.feature_rank},
                                                      {"lr", lr},
                                                      {"ema_momentum", ema_momentum},
                                                      {"grad_norm", grad_norm},
                                                      {"matches", figures.matches}};
  metrics.insert(metrics.end(), figures.terms.begin(), figures.terms.end());
  constexpr const char* kLevelNames[] = {"boxes_p2", "boxes_p3", "boxes_p4", "boxes_p5", "boxes_no_level"};
  for (std::size_t i = 0; i < figures.boxes_per_level.size(); ++i)
    metrics.emplace_back(kLevelNames[i], figures.boxes_per_level[i]);
  return metrics;
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const SolverOptions& options, const ObjectContrast& model) {
  NamedTensors parameters;
  for (const auto& item : model->online->named_parameters())
    parameters.emplace_back("online." + item.key(), item.value());
  if (options.optimizer == OptimizerKind::kSgd)
    return std::make_unique<Sgd>(std::move(parameters), options.momentum, options.weight_decay);
  return std::make_unique<Lars>(std::move(parameters), LarsOptions{.momentum = options.momentum,
                                                                   .weight_decay = options.weight_decay,
                                                                   .trust_coefficient = options.trust_coefficient,
                                                                   .eps = options.trust_eps});
}

PretrainTask::PretrainTask(const PretrainOptions& options, const PretrainDataset& dataset, const torch::Device& device,
                           Communicator& communicator, Logger& log)
    : options_(options),
      device_(device),
      communicator_(communicator),
      log_(log),
      loader_(dataset, options.plan, options.loader, static_cast<std::uint64_t>(options.train.seed),
              *options.train.batch_size / options.train.accumulation,
              {.rank = communicator.rank(), .world_size = communicator.world_size()},
              device.is_cuda() ? allocate_pinned : allocate_plain),
      steps_per_epoch_(loader_.batches_per_epoch() / options.train.accumulation),
      schedule_steps_(steps_per_epoch_ * *options.train.epochs),
      total_steps_(options.train.max_steps > 0 ? std::min(schedule_steps_, options.train.max_steps) : schedule_steps_) {
  SOCO_ASSERT(steps_per_epoch_ > 0);
  if (options.probe.every_epochs > 0) probe_set_ = load_probe_set(options.probe, log);  // its errors before training
  torch::manual_seed(options.train.seed);
  model_ = ObjectContrast(options.model);
  model_->to(device);
  model_->train();
  model_->synchronize(communicator);
  optimizer_ = make_optimizer(options.solver, model_);
  std::vector<torch::Tensor> parameters;
  for (const auto& [name, parameter] : optimizer_->parameters()) parameters.push_back(parameter);
  reducer_.emplace(std::move(parameters), communicator);
}

std::int64_t PretrainTask::num_parameters() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : model_->online->parameters()) count += parameter.numel();
  return count;
}

void PretrainTask::start_at(std::int64_t step) {
  loader_.start(step / steps_per_epoch_, step % steps_per_epoch_ * options_.train.accumulation, *options_.train.epochs);
}

PretrainBatch PretrainTask::next_batch(std::int64_t step, std::int64_t portion) {
  // Portions that do not fill a last step of the epoch are left out: start the next epoch instead of going on.
  const bool epoch_begins = step > 0 && step % steps_per_epoch_ == 0 && portion == 0;
  if (epoch_begins && loader_.batches_per_epoch() % options_.train.accumulation != 0) start_at(step);
  auto batch = loader_.next();
  SOCO_ASSERT(batch.has_value());
  return std::move(*batch);
}

StepReport PretrainTask::step(std::int64_t step) {
  const StageSeconds before = loader_.stages();
  double transfer_seconds = 0;
  const double ema_momentum = options_.solver.ema_schedule == EmaSchedule::kConstant
                                  ? options_.solver.ema_momentum
                                  : ema_momentum_at(options_.solver.ema_momentum, step, schedule_steps_);
  const double lr =
      lr_scale_ * learning_rate_at(schedule_options(options_.solver), step, steps_per_epoch_, schedule_steps_);
  const auto precision = options_.train.precision == Precision::kBFloat16 ? torch::kBFloat16 : torch::kFloat32;
  BufferSnapshot buffers(*model_);
  StepFigures figures;
  for (PretrainBatch& batch : last_batches_) loader_.recycle(std::move(batch));
  last_batches_.clear();
  for (std::int64_t portion = 0; portion < options_.train.accumulation; ++portion) {
    last_batches_.push_back(next_batch(step, portion));
    const auto transfer_begin = std::chrono::steady_clock::now();
    const ObjectContrastInput input = to_input(last_batches_.back(), device_);
    transfer_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - transfer_begin).count();
    // The target moves once a step, after the first online pass and before the target's.
    const auto update_target = [&] {
      if (portion == 0) ema_update(*model_->target, *model_->online, ema_momentum);
    };
    ObjectContrastOutput output;
    {
      const AutocastGuard autocast(device_.type(), precision);
      output = model_->forward(input, update_target);
    }
    // Recomputed activations add to gradients piece by piece, so that none is known to be complete.
    if (portion + 1 == options_.train.accumulation && !options_.model.checkpoint_activations)
      reducer_->overlap_next_backward();
    (output.loss / static_cast<double>(options_.train.accumulation)).backward();
    figures.add(output, 1.0 / options_.train.accumulation);
  }
  reducer_->reduce();
  StepReport report;
  const double grad_norm = optimizer_->gradient_norm();
  report.finite = all_ranks_agree(communicator_, std::isfinite(figures.loss) && std::isfinite(grad_norm));
  if (report.finite)
    optimizer_->step(lr);
  else
    buffers.restore();
  optimizer_->zero_grad();
  watch_for_collapse(step, figures.feature_std_ratio);
  report.num_images = *options_.train.batch_size;
  const StageSeconds after = loader_.stages();
  report.stages = {.decode = after.decode - before.decode,
                   .augment = after.augment - before.augment,
                   .wait = after.wait - before.wait,
                   .transfer = transfer_seconds};
  report.metrics = named_figures(figures, lr, ema_momentum, grad_norm);
  report.metrics.emplace_back("bad_images", static_cast<double>(loader_.num_bad_images()));
  report.summary =
      fmt::format("cosine {:.3f} loss {:.3f} lr {:.3g} ema {:.4f} std {:.2f} rank {:.1f}", figures.mean_cosine,
                  figures.loss, lr, ema_momentum, figures.feature_std_ratio, figures.feature_rank);
  return report;
}

void PretrainTask::watch_for_collapse(std::int64_t step, double feature_std_ratio) {
  collapsed_steps_ = feature_std_ratio < kCollapsedStdRatio ? collapsed_steps_ + 1 : 0;
  if (collapsed_steps_ > 0 && collapsed_steps_ % kCollapseSteps == 0)
    log_.warning(
        "step {}: the target's features spread {:.3f} of an even spread for {} steps: they are collapsing to one "
        "vector, and a cosine "
        "near 1 means nothing. Lower solver.lr, raise train.batch_size, or look at the data with 'soco inspect views'",
        step, feature_std_ratio, collapsed_steps_);
}

StateDict PretrainTask::online_state() const {
  StateDict state;
  for (const auto& [name, tensor] : named_state(*model_->online)) state.add(name, to_host(tensor));
  return state;
}

std::vector<std::pair<std::string, double>> PretrainTask::figures_after(std::int64_t num_steps) {
  const std::int64_t epoch = num_steps / steps_per_epoch_;
  if (options_.probe.every_epochs == 0 || num_steps % steps_per_epoch_ != 0 || epoch % options_.probe.every_epochs != 0)
    return {};
  std::vector<std::pair<std::string, double>> figures;
  on_main_rank(communicator_, [&] { figures = probe(epoch); });
  return figures;
}

std::vector<std::pair<std::string, double>> PretrainTask::probe(std::int64_t epoch) const {
  ProbeNetwork network(options_.model, options_.plan, options_.probe.feature, options_.train.seed, device_);
  network.load(online_state(), "the network in training");
  const FeatureProbe found = probe_network(network, *probe_set_, options_.probe, options_.data.decode_limits(), log_);
  log_.info("epoch {}: probe: k nearest {:.1f} %, linear {:.1f} % of {} right; most frequent class {:.1f} %", epoch,
            100 * found.knn.top1, 100 * found.linear.top1, found.num_val, 100 * found.majority.top1);
  return {{"probe_knn", found.knn.top1}, {"probe_linear", found.linear.top1}};
}

StateDict PretrainTask::state() const {
  StateDict state;
  save_training_state(*model_, *optimizer_, kCheckpointPrefix, state);
  return state;
}

void PretrainTask::load_state(const StateDict& state) {
  load_training_state(*model_, *optimizer_, kCheckpointPrefix, state, MomentumBuffers::kRequired);
}

std::string PretrainTask::dump_last_step(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  StateDict weights;
  save_training_state(*model_, *optimizer_, kReplayPrefix, weights);
  write_safetensors(folder / "weights.safetensors", weights, {});
  std::string model_keys;
  for (const OptionDoc& doc : describe(options_.model))
    model_keys += fmt::format(" 'model.{}={}'", doc.key, doc.default_value);
  std::string commands;
  for (std::size_t i = 0; i < last_batches_.size(); ++i) {
    const auto batch_file = folder / fmt::format("batch_{}.safetensors", i);
    write_safetensors(batch_file, batch_tensors(last_batches_[i]), {});
    // The target in the dump has moved already in this step, hence --momentum 1.
    commands += fmt::format("{}soco replay --weights '{}' --batch '{}' --out '{}' --momentum 1{}",
                            i > 0 ? "\n  and: " : "", (folder / "weights.safetensors").string(), batch_file.string(),
                            (folder / fmt::format("out_{}.safetensors", i)).string(), model_keys);
  }
  return commands;
}

}  // namespace soco
