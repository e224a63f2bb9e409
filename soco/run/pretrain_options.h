// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "soco/config/options.h"
#include "soco/data/loader.h"
#include "soco/data/view_plan.h"
#include "soco/modeling/model_options.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/selective_search.h"
#include "soco/run/data_options.h"
#include "soco/run/loop_options.h"
#include "soco/run/probe_options.h"

namespace soco {

enum class OptimizerKind { kLars, kSgd };
enum class EmaSchedule { kCosine, kConstant };

inline constexpr std::array<EnumName<OptimizerKind>, 2> kOptimizerNames{
    {{OptimizerKind::kLars, "lars"}, {OptimizerKind::kSgd, "sgd"}}};
inline constexpr std::array<EnumName<EmaSchedule>, 2> kEmaScheduleNames{
    {{EmaSchedule::kCosine, "cosine"}, {EmaSchedule::kConstant, "constant"}}};

/// How long to train, and in what portions. "auto" values are set by `resolve_auto_settings`.
struct TrainOptions : LoopOptions {
  std::int64_t seed = 0;
  std::optional<int> epochs;
  int recipe_epochs = 100;
  std::optional<int> batch_size;
  int accumulation = 1;
  std::int64_t max_steps = 0;

  template <class V>
  void visit(V& v) {
    v.field("seed", seed, "seed of initial weights, order, views", Range<std::int64_t>{0, INT64_MAX});
    v.field("epochs", epochs, "passes over the images; auto: from the number of images and the machine",
            Range<int>{1, 1'000'000});
    v.field("recipe_epochs", recipe_epochs,
            "epochs the recipe was published with (1.28 million images); auto starts there", Range<int>{1, 1'000'000});
    v.field("batch_size", batch_size, "images per optimiser step; auto: from memory and the number of images",
            Range<int>{1, 1 << 20});
    v.field("accumulation", accumulation,
            "portions a batch is worked in, gradients added up (BatchNorm sees one portion at a time)",
            Range<int>{1, 1 << 16});
    v.field("max_steps", max_steps,
            "stop after so many steps in all; 0: epochs decide (schedules keep the epochs' length)",
            Range<std::int64_t>{0, INT64_MAX});
    LoopOptions::visit(v);
  }
};

/// Optimiser, its schedule and the target's momentum (paper, section 4; LARS as in the authors' release).
struct SolverOptions {
  OptimizerKind optimizer = OptimizerKind::kLars;
  double base_lr = 1.0;
  std::optional<double> lr;
  double warmup_epochs = 10;
  double final_lr = 1e-6;
  double momentum = 0.9;
  double weight_decay = 1e-5;
  double trust_coefficient = 0.001;
  double trust_eps = 1e-8;
  double ema_momentum = 0.99;
  EmaSchedule ema_schedule = EmaSchedule::kCosine;

  template <class V>
  void visit(V& v) {
    v.field("optimizer", optimizer, "lars (SGD with layer-wise trust ratio) or sgd", kOptimizerNames);
    v.field("base_lr", base_lr, "learning rate for a batch of 256; scaled linearly with the batch",
            Range<double>{0, 1e6});
    v.field("lr", lr, "peak learning rate itself; auto: base_lr * batch_size / 256", Range<double>{0, 1e6});
    v.field("warmup_epochs", warmup_epochs, "epochs of linear warm-up from lr/100", Range<double>{0, 1e6});
    v.field("final_lr", final_lr, "learning rate the cosine ends in", Range<double>{0, 1e6});
    v.field("momentum", momentum, "momentum of SGD", Range<double>{0, 1});
    v.field("weight_decay", weight_decay, "lars: of parameters with two dimensions or more; sgd: of all",
            Range<double>{0, 1e6});
    v.field("trust_coefficient", trust_coefficient, "LARS trust coefficient", Range<double>{0, 1e6});
    v.field("trust_eps", trust_eps, "LARS epsilon in the trust ratio", Range<double>{0, 1});
    v.field("ema_momentum", ema_momentum, "the target's momentum at the start", Range<double>{0, 1});
    v.field("ema_schedule", ema_schedule, "cosine: the target's momentum rises to 1; constant: it stays",
            kEmaScheduleNames);
  }
};

/// Everything that defines a pretraining run, as one file: `config.toml` of the run, a recipe, or key=value.
struct PretrainOptions {
  TrainOptions train;
  SolverOptions solver;
  ModelOptions model;
  ViewPlan plan;
  FilterOptions filter;
  SelectiveSearchOptions proposals;
  DataOptions data;
  LoaderOptions loader;
  ProbeOptions probe;

  template <class V>
  void visit(V& v) {
    v.section("train", train, "length, batch, device, checkpoints");
    v.section("solver", solver, "optimiser and schedules");
    v.section("model", model, "backbone, neck and heads");
    v.section("plan", plan, "views, pairs and boxes of a sample");
    v.section("filter", filter, "which proposals may be drawn");
    v.section("proposals", proposals, "selective search, when the run makes its own proposals");
    v.section("data", data, "which images are accepted");
    v.section("loader", loader, "reading and augmenting images");
    v.section("probe", probe, "judging the network by labelled boxes during training");
  }

  /// The rules between sections; `validate_options` checks those of each section too.
  /// Errors: usage error that names the first key that does not go with the others.
  void validate() const;
};

}  // namespace soco
