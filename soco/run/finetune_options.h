// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "soco/config/options.h"
#include "soco/data/detection_options.h"
#include "soco/modeling/detector_options.h"
#include "soco/run/data_options.h"
#include "soco/run/loop_options.h"

namespace soco {

enum class StepSchedule { kSteps, kCosine };
inline constexpr std::array<EnumName<StepSchedule>, 2> kStepScheduleNames{
    {{StepSchedule::kSteps, "steps"}, {StepSchedule::kCosine, "cosine"}}};

/// How long a detector is trained.
struct FinetuneTrainOptions : LoopOptions {
  std::int64_t seed = 0;
  int batch_size = 16;
  std::int64_t steps = 90'000;
  std::optional<int> epochs;

  FinetuneTrainOptions() {
    log_every_steps = 20;
    checkpoint_every_steps = 5000;
  }

  template <class V>
  void visit(V& v) {
    v.field("seed", seed, "seed of new weights, order, augmentation and samples", Range<std::int64_t>{0, INT64_MAX});
    v.field("batch_size", batch_size, "images a step", Range<int>{1, 1 << 20});
    v.field("steps", steps, "steps in all", Range<std::int64_t>{1, INT64_MAX});
    v.field("epochs", epochs, "passes over the images, in place of steps; auto: steps decide",
            Range<int>{1, 1'000'000});
    LoopOptions::visit(v);
  }
};

/// SGD and its schedule, as Detectron2's.
struct FinetuneSolverOptions {
  double base_lr = 0.02;
  double momentum = 0.9;
  double weight_decay = 1e-4;
  bool decay_norms = false;
  StepSchedule schedule = StepSchedule::kSteps;
  std::vector<double> drop_at{2.0 / 3, 8.0 / 9};
  double drop_factor = 0.1;
  std::int64_t warmup_steps = 1000;
  double warmup_factor = 0.001;
  double max_grad_norm = 0;
  std::vector<std::string> freeze;
  double ema_momentum = 0;

  template <class V>
  void visit(V& v) {
    v.field("base_lr", base_lr, "learning rate for a batch of 16; scaled linearly with the batch",
            Range<double>{0, 1e6, true});
    v.field("momentum", momentum, "momentum of SGD", Range<double>{0, 1});
    v.field("weight_decay", weight_decay, "of weights and biases", Range<double>{0, 1e6});
    v.field("decay_norms", decay_norms, "whether BatchNorm's weights and biases are decayed too");
    v.field("schedule", schedule, "steps: the learning rate drops at drop_at; cosine: it falls to 0 along a cosine",
            kStepScheduleNames);
    v.field("drop_at", drop_at, "where it drops, as shares of all steps, ascending", Range<double>{0, 1});
    v.field("drop_factor", drop_factor, "what it is multiplied by there", Range<double>{0, 1});
    v.field("warmup_steps", warmup_steps, "steps of linear warm-up; 0: none", Range<std::int64_t>{0, INT64_MAX});
    v.field("warmup_factor", warmup_factor, "share of the learning rate that warm-up begins with", Range<double>{0, 1});
    v.field("max_grad_norm", max_grad_norm, "gradients of a larger norm, all together, are scaled down to it; 0: never",
            Range<double>{0, 1e9});
    v.field("freeze", freeze,
            "parts that stay as they are, by the beginning of their names, BatchNorm statistics too "
            "(\"backbone.bottom_up.\", \"proposal_generator.\")");
    v.field("ema_momentum", ema_momentum,
            "share that the moving average of the weights keeps at each step, say 0.999; it is then what is judged, "
            "exported and predicted with; 0: none",
            Range<double>{0, 1, false, true});
  }
};

/// Judging the detector by the validation images while it trains; at the end it always is.
struct FinetuneEvalOptions {
  int every_epochs = 0;
  std::int64_t every_steps = 0;
  int patience = 0;
  int precise_bn_batches = 0;
  int batch_size = 1;
  int workers = 0;

  template <class V>
  void visit(V& v) {
    v.field("every_epochs", every_epochs, "AP after every so many epochs; 0: not by epochs", Range<int>{0, 1'000'000});
    v.field("every_steps", every_steps, "AP after every so many steps; 0: not by steps",
            Range<std::int64_t>{0, INT64_MAX});
    v.field("patience", patience, "training ends after so many judgements in a row without a better box AP; 0: never",
            Range<int>{0, 1'000'000});
    v.field(
        "precise_bn_batches", precise_bn_batches,
        "before it, and at the end, BatchNorm's statistics are taken anew as the mean over so many training batches "
        "(Detectron2's PreciseBN: 200); 0: those of training",
        Range<int>{0, 1'000'000});
    v.field("batch_size", batch_size, "images at a time", Range<int>{1, 4096});
    v.field("workers", workers, "threads that count; 0: one per processor", Range<int>{0, 1024});
  }
};

/// Everything that defines the training of a detector: `config.toml` of the run, a recipe, or key=value.
struct FinetuneOptions {
  FinetuneTrainOptions train;
  FinetuneSolverOptions solver;
  DetectorOptions model;
  DetectionInputOptions input;
  DetectionDataOptions labels;
  DataOptions data;
  DetectionLoaderOptions loader;
  FinetuneEvalOptions eval;

  template <class V>
  void visit(V& v) {
    v.section("train", train, "length, batch, device, checkpoints");
    v.section("solver", solver, "optimiser and schedule");
    v.section("model", model, "detector");
    v.section("input", input, "how images are resized and normalised");
    v.section("labels", labels, "which labelled images are used");
    v.section("data", data, "which images are accepted");
    v.section("loader", loader, "reading images");
    v.section("eval", eval, "judging the detector during training");
  }

  /// The rules between sections. Errors: usage error that names the first key that does not go with the others.
  void validate() const;
};

}  // namespace soco
