// SPDX-License-Identifier: MIT
#include "soco/engine/finetune_task.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/json.h"
#include "soco/base/progress.h"
#include "soco/base/signals.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/engine/batch_input.h"
#include "soco/engine/detector_input.h"
#include "soco/engine/training_state.h"
#include "soco/layers/grouped_batch_norm.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/layers/torch_compat.h"
#include "soco/report/detection_report.h"
#include "soco/run/detector_file.h"
#include "soco/solver/schedule.h"

namespace soco {
namespace {

constexpr double kBaseBatch = 16;  // that solver.base_lr is for
constexpr const char* kSelection = "selection";
constexpr const char* kAverage = "ema.";

DetectionLoaderPlan training_plan(const FinetuneOptions& options, const torch::Device& device,
                                  const Communicator& communicator) {
  return {.use = DetectionUse::kTrain,
          .input = options.input,
          .loader = options.loader,
          .aspect_grouping = options.labels.aspect_grouping,
          .repeat_threshold = options.labels.repeat_threshold,
          .seed = static_cast<std::uint64_t>(options.train.seed),
          .batch_size = options.train.batch_size,
          .rank = {.rank = communicator.rank(), .world_size = communicator.world_size()},
          .allocator = device.is_cuda() ? allocate_pinned : allocate_plain};
}

DetectorScheduleOptions schedule_of(const FinetuneOptions& options, std::int64_t total_steps) {
  const FinetuneSolverOptions& solver = options.solver;
  DetectorScheduleOptions schedule{.lr = solver.base_lr * options.train.batch_size / kBaseBatch,
                                   .warmup_steps = solver.warmup_steps,
                                   .warmup_factor = solver.warmup_factor,
                                   .cosine = solver.schedule == StepSchedule::kCosine,
                                   .drops = {},
                                   .drop_factor = solver.drop_factor};
  for (const double share : solver.drop_at)
    schedule.drops.push_back(std::llround(share * static_cast<double>(total_steps)));
  return schedule;
}

/// Everything whose name begins so keeps its weights and BatchNorm statistics.
void freeze_part(torch::nn::Module& model, const std::string& prefix) {
  bool any = false;
  for (const auto& item : model.named_parameters())
    if (item.key().starts_with(prefix)) item.value().set_requires_grad(false), any = true;
  for (const auto& item : model.named_modules("", /*include_self=*/false))
    if ((item.key() + ".").starts_with(prefix)) freeze_batch_norms(*item.value());
  if (!any || prefix.empty())
    fail_usage(
        "solver.freeze: no weight of the detector begins with \"{}\"; parts are backbone., proposal_generator., "
        "roi_heads.box_head. and others, see docs/detection.md",
        prefix);
}

bool is_of_norm(const std::string& name) { return name.find("norm.") != std::string::npos; }

std::unique_ptr<Optimizer> make_optimizer(const FinetuneSolverOptions& solver, const MaskRcnn& model) {
  NamedTensors trained;
  for (const auto& item : model->named_parameters())
    if (item.value().requires_grad()) trained.emplace_back(item.key(), item.value());
  if (trained.empty()) fail_usage("solver.freeze: nothing is left to train");
  const auto decays = [&](const std::string& name) { return solver.decay_norms || !is_of_norm(name); };
  return std::make_unique<SelectiveSgd>(std::move(trained), solver.momentum, solver.weight_decay, decays);
}

void copy_state(const torch::nn::Module& from, const torch::nn::Module& to) {
  const torch::NoGradGuard no_grad;
  const NamedTensors source = named_state(from);
  NamedTensors target = named_state(to);
  for (std::size_t i = 0; i < source.size(); ++i) target[i].second.copy_(source[i].second);
}

StateDict weights_of(const torch::nn::Module& model) {
  StateDict weights;
  for (const auto& [name, tensor] : named_state(model)) weights.add(name, to_host(tensor));
  return weights;
}

}  // namespace

FinetuneTask::FinetuneTask(const FinetuneOptions& options, const DetectionDataset& dataset, const DetectorJudge* judge,
                           const torch::Device& device, const RunFolder& run, Communicator& communicator, Logger& log)
    : options_(options),
      dataset_(dataset),
      device_(device),
      run_(run),
      communicator_(communicator),
      log_(log),
      judge_(judge),
      categories_(dataset.categories()),
      loader_(dataset, training_plan(options, device, communicator)),
      steps_per_epoch_(loader_.sampler().batches_per_epoch(0)),
      total_steps_(options.train.epochs ? steps_per_epoch_ * *options.train.epochs : options.train.steps) {
  SOCO_ASSERT(steps_per_epoch_ > 0);
  torch::manual_seed(options.train.seed);
  model_ = MaskRcnn(options.model, dataset.num_labels());
  for (const std::string& prefix : options.solver.freeze) freeze_part(*model_, prefix);
  model_->to(device);
  model_->train();
  model_->synchronize(communicator);
  optimizer_ = make_optimizer(options.solver, model_);
  std::vector<torch::Tensor> trained;
  for (const auto& [name, parameter] : optimizer_->parameters()) trained.push_back(parameter);
  reducer_.emplace(std::move(trained), communicator);
  if (options.solver.ema_momentum == 0) return;
  average_ = MaskRcnn(options.model, dataset.num_labels());
  average_->to(device);
  average_->eval();
  average_->synchronize(communicator);
  for (torch::Tensor& parameter : average_->parameters()) parameter.set_requires_grad(false);
  copy_state(*model_, *average_);
}

std::int64_t FinetuneTask::num_parameters() const {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : model_->parameters()) count += parameter.numel();
  return count;
}

DetectorLoadReport FinetuneTask::take_weights(const DetectorSource& source, PartialWeights partial) {
  DetectorLoadReport report = load_detector_weights(*model_, source, partial);
  if (!average_.is_empty()) copy_state(*model_, *average_);
  return report;
}

void FinetuneTask::start_at(std::int64_t step) { loader_.start(loader_.sampler().position_after(step)); }

struct FinetuneTask::Losses {
  double total = 0;
  std::vector<std::pair<std::string, double>> terms, figures;
};

MaskRcnnImpl::Training FinetuneTask::forward(MaskRcnn& model, DetectionBatch& batch, std::uint64_t seed,
                                             std::int64_t draw) {
  const DetectorImages images = to_detector_images(batch, device_);
  const std::vector<DetectorTarget> targets = to_detector_targets(batch);
  const auto precision = options_.train.precision == Precision::kBFloat16 ? torch::kBFloat16 : torch::kFloat32;
  const AutocastGuard autocast(device_.type(), precision);
  const std::int64_t first_image = communicator_.rank() * static_cast<std::int64_t>(targets.size());
  return model->forward(images, targets, random_sampler(seed, draw, first_image));
}

FinetuneTask::Losses FinetuneTask::forward_and_backward(std::int64_t step) {
  MaskRcnnImpl::Training result = forward(model_, *last_batch_, static_cast<std::uint64_t>(options_.train.seed), step);
  torch::Tensor total = result.losses.front().second;
  for (std::size_t i = 1; i < result.losses.size(); ++i) total = total + result.losses[i].second;
  reducer_->overlap_next_backward();
  total.backward();
  Losses losses{.total = total.item<double>(), .terms = {}, .figures = std::move(result.figures)};
  for (const auto& [name, term] : result.losses) losses.terms.emplace_back(name, term.item<double>());
  return losses;
}

/// The average begins as a mean of few steps, so that the random start does not linger: momentum min(m, (1 + k) /
/// (10 + k)) at step k, as in TensorFlow's ExponentialMovingAverage. BatchNorm statistics are averaged alike.
void FinetuneTask::update_average(std::int64_t step) {
  if (average_.is_empty()) return;
  const torch::NoGradGuard no_grad;
  const double k = static_cast<double>(step);
  const double momentum = std::min(options_.solver.ema_momentum, (1 + k) / (10 + k));
  const NamedTensors source = named_state(*model_);
  NamedTensors target = named_state(*average_);
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i].second.is_floating_point())
      target[i].second.lerp_(source[i].second, 1 - momentum);
    else
      target[i].second.copy_(source[i].second);
  }
}

StepReport FinetuneTask::step(std::int64_t step) {
  const StageSeconds before = loader_.stages();
  const double lr = lr_scale_ * detector_learning_rate_at(schedule_of(options_, total_steps_), step, total_steps_);
  if (last_batch_) loader_.recycle(std::move(*last_batch_));
  last_batch_ = loader_.next();
  SOCO_ASSERT(last_batch_.has_value());
  BufferSnapshot buffers(*model_);
  const Losses losses = forward_and_backward(step);
  reducer_->reduce();
  const double grad_norm = optimizer_->gradient_norm();
  StepReport report;
  report.finite = all_ranks_agree(communicator_, std::isfinite(losses.total) && std::isfinite(grad_norm));
  if (report.finite) {
    if (options_.solver.max_grad_norm > 0) optimizer_->clip_gradients(grad_norm, options_.solver.max_grad_norm);
    optimizer_->step(lr);
    update_average(step);
  } else {
    buffers.restore();
  }
  optimizer_->zero_grad();

  report.num_images = options_.train.batch_size;
  const StageSeconds after = loader_.stages();
  report.stages.decode = after.decode - before.decode;
  report.stages.augment = after.augment - before.augment;
  report.stages.wait = after.wait - before.wait;
  report.metrics = {{"loss", losses.total}};
  report.metrics.insert(report.metrics.end(), losses.terms.begin(), losses.terms.end());
  report.metrics.insert(report.metrics.end(), losses.figures.begin(), losses.figures.end());
  report.metrics.emplace_back("lr", lr);
  report.metrics.emplace_back("grad_norm", grad_norm);
  report.metrics.emplace_back("bad_images", static_cast<double>(loader_.num_bad_images()));
  report.summary = fmt::format("loss {:.3f} lr {:.3g}", losses.total, lr);
  return report;
}

bool FinetuneTask::figures_pending(std::int64_t num_steps) const {
  if (num_steps == 0 || selection_.judged_step >= static_cast<double>(num_steps)) return false;
  const FinetuneEvalOptions& eval = options_.eval;
  if (judge_ == nullptr) return eval.precise_bn_batches > 0 && num_steps == total_steps_;
  const auto divides = [num_steps](std::int64_t period) { return period > 0 && num_steps % period == 0; };
  return num_steps == total_steps_ || divides(eval.every_steps) || divides(eval.every_epochs * steps_per_epoch_);
}

/// BatchNorm statistics as the plain mean over some batches under the weights as they are, where training leaves a
/// trailing average over weights that have moved since (Wu and Johnson 2021, section 3.2; Detectron2's PreciseBN). The
/// batches are the first of an epoch of their own order, the same every time. When any rank is to stop: error
/// kInterrupted on all of them, the statistics as they were.
void FinetuneTask::make_statistics_precise() {
  const std::int64_t num_batches = options_.eval.precise_bn_batches;
  if (num_batches == 0) return;
  MaskRcnn& model = judged_model();
  const bool was_training = model->is_training();
  BufferSnapshot before(*model);
  DetectionLoaderPlan plan = training_plan(options_, device_, communicator_);
  plan.seed = ~plan.seed;
  DetectionLoader loader(dataset_, plan);
  loader.start({});
  Progress progress(log_, "BatchNorm statistics", num_batches, "batches");
  const torch::NoGradGuard no_grad;
  model->train();
  for (std::int64_t i = 0; i < num_batches; ++i) {
    if (!all_ranks_agree(communicator_, !stop_requested())) {
      before.restore();
      throw Error(ErrorKind::kInterrupted, "stopped while BatchNorm statistics were being taken");
    }
    set_batch_norm_momentum(*model, 1.0 / static_cast<double>(i + 1));
    std::optional<DetectionBatch> batch = loader.next();
    SOCO_ASSERT(batch.has_value());
    forward(model, *batch, plan.seed, i);
    loader.recycle(std::move(*batch));
    progress.update(i + 1);
  }
  progress.finish();
  set_batch_norm_momentum(*model, kBatchNormMomentum);
  model->train(was_training);
}

bool FinetuneTask::is_finished() const {
  return options_.eval.patience > 0 && selection_.num_since_best >= options_.eval.patience;
}

std::vector<std::pair<std::string, double>> FinetuneTask::figures_after(std::int64_t num_steps) {
  if (!figures_pending(num_steps)) return {};
  make_statistics_precise();
  if (judge_ == nullptr) {
    selection_.judged_step = static_cast<double>(num_steps);
    return {};
  }
  std::vector<std::pair<std::string, double>> figures;
  std::exception_ptr stopped;  // the others are told of it first
  on_main_rank(communicator_, [&] {
    try {
      figures = judge(num_steps);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInterrupted) throw;
      stopped = std::current_exception();
    }
  });
  share_selection();
  if (stopped) std::rethrow_exception(stopped);
  if (is_finished())
    log_.info("no better box AP in {} judgements in a row: training ends here (eval.patience)", options_.eval.patience);
  return figures;
}

/// What the first rank found, to all: they go on, or end, together.
void FinetuneTask::share_selection() {
  const Selection& s = selection_;
  torch::Tensor values = torch::tensor({s.best_ap, s.best_step, s.judged_step, s.num_since_best}, torch::kFloat64);
  if (!communicator_.is_main()) values.zero_();
  communicator_.all_reduce_sum(values);
  const double* v = values.data_ptr<double>();
  selection_ = {.best_ap = v[0], .best_step = v[1], .judged_step = v[2], .num_since_best = v[3]};
}

std::vector<std::pair<std::string, double>> FinetuneTask::judge(std::int64_t num_steps) {
  const DetectorMetrics metrics = judge_->judge(judged_model(), device_);
  selection_.judged_step = static_cast<double>(num_steps);
  keep_best(metrics, num_steps);
  Json json{{"step", num_steps}, {"best_step", static_cast<std::int64_t>(selection_.best_step)}};
  for (const auto& [name, value] : metrics.named()) json[name] = value;
  write_file_atomic(run_.validation(), json.dump(2) + "\n");
  if (num_steps == total_steps_) {
    log_.info("boxes on the validation images:\n{}", detection_table(metrics.boxes));
    if (metrics.masks) log_.info("masks on the validation images:\n{}", detection_table(*metrics.masks));
  }
  log_.info("after {} steps: {}; best box AP {:.1f}, after {:.0f}", num_steps, metrics.summary(),
            100 * selection_.best_ap, selection_.best_step);
  return metrics.named();
}

void FinetuneTask::keep_best(const DetectorMetrics& metrics, std::int64_t num_steps) {
  if (metrics.box_ap() <= selection_.best_ap) {
    ++selection_.num_since_best;
    return;
  }
  selection_.best_ap = metrics.box_ap();
  selection_.best_step = static_cast<double>(num_steps);
  selection_.num_since_best = 0;
  auto metadata = detector_metadata(options_, categories_);
  metadata["step"] = std::to_string(num_steps);
  for (const auto& [name, value] : metrics.named()) metadata[name] = fmt::format("{}", value);
  write_safetensors(run_.best(), weights_of(*judged_model()), metadata);
}

StateDict FinetuneTask::state() const {
  StateDict state;
  save_training_state(*model_, *optimizer_, kCheckpointPrefix, state);
  if (!average_.is_empty())
    for (const auto& [name, tensor] : named_state(*average_)) state.add(kAverage + name, to_host(tensor));
  const Selection& s = selection_;
  state.add(kSelection, HostTensor::from<double>(
                            {4}, std::vector<double>{s.best_ap, s.best_step, s.judged_step, s.num_since_best}));
  return state;
}

void FinetuneTask::load_state(const StateDict& state) {
  StateDict rest;
  for (const auto& [name, tensor] : state.entries())
    if (name != kSelection && !name.starts_with(kAverage)) rest.add(name, tensor);
  load_training_state(*model_, *optimizer_, kCheckpointPrefix, rest, MomentumBuffers::kRequired);
  if (!average_.is_empty())
    for (auto& [name, tensor] : named_state(*average_)) {
      const torch::NoGradGuard no_grad;
      copy_from_host(tensor, state.at(kAverage + name), kAverage + name);
    }
  const std::span<const double> s = state.at(kSelection).as<double>();
  if (s.size() != 4) fail("{}: has {} numbers in the file, 4 are expected", kSelection, s.size());
  selection_ = {.best_ap = s[0], .best_step = s[1], .judged_step = s[2], .num_since_best = s[3]};
}

std::string FinetuneTask::dump_last_step(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "weights.safetensors", weights_of(*model_), detector_metadata(options_, categories_));
  Json images = Json::array();
  for (const DetectionTarget& target : last_batch_->targets)
    images.push_back({{"image_id", target.image_id}, {"height", target.height}, {"width", target.width}});
  write_file_atomic(folder / "images.json", images.dump(2) + "\n");
  return fmt::format("soco finetune --init '{}' (the step's images are named in {})",
                     (folder / "weights.safetensors").string(), (folder / "images.json").string());
}

}  // namespace soco
