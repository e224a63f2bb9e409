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
#include "soco/image/codec.h"
#include "soco/modeling/model_options.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/selective_search.h"
#include "soco/run/probe_options.h"

namespace soco {

enum class DeviceChoice { kAuto, kCpu, kCuda };
enum class Precision { kFloat32, kBFloat16 };
enum class OptimizerKind { kLars, kSgd };
enum class EmaSchedule { kCosine, kConstant };

inline constexpr std::array<EnumName<DeviceChoice>, 3> kDeviceNames{
    {{DeviceChoice::kAuto, "auto"}, {DeviceChoice::kCpu, "cpu"}, {DeviceChoice::kCuda, "cuda"}}};
inline constexpr std::array<EnumName<Precision>, 2> kPrecisionNames{
    {{Precision::kFloat32, "fp32"}, {Precision::kBFloat16, "bf16"}}};
inline constexpr std::array<EnumName<OptimizerKind>, 2> kOptimizerNames{
    {{OptimizerKind::kLars, "lars"}, {OptimizerKind::kSgd, "sgd"}}};
inline constexpr std::array<EnumName<EmaSchedule>, 2> kEmaScheduleNames{
    {{EmaSchedule::kCosine, "cosine"}, {EmaSchedule::kConstant, "constant"}}};

/// How long to train, in what portions, on what, and how often to save. "auto" values are set by
/// `resolve_auto_settings`.
struct TrainOptions {
  std::int64_t seed = 0;
  std::optional<int> epochs;
  int recipe_epochs = 100;
  std::optional<int> batch_size;
  int accumulation = 1;
  std::int64_t max_steps = 0;
  DeviceChoice device = DeviceChoice::kAuto;
  Precision precision = Precision::kFloat32;
  bool deterministic = true;
  std::optional<int> num_threads;
  int log_every_steps = 1;
  int checkpoint_every_steps = 500;
  double checkpoint_every_minutes = 15;
  int keep_checkpoints = 2;
  std::int64_t keep_every = 0;
  int max_nonfinite_steps = 5;
  double nonfinite_retry_lr = 0;
  double rank_timeout_s = 300;

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
    v.field("device", device, "where to train; auto: CUDA when there is a usable device", kDeviceNames);
    v.field("precision", precision, "fp32, or bf16 autocast (RoIAlign and the loss stay in float32)", kPrecisionNames);
    v.field("deterministic", deterministic,
            "CUDA: the same bits in every run, so that a resumed run is the undisturbed one; false: algorithms chosen by "
            "trial for speed");
    v.field("num_threads", num_threads, "threads of one operation on the CPU; auto: all cores", Range<int>{1, 1024});
    v.field("log_every_steps", log_every_steps, "steps between lines of metrics.jsonl", Range<int>{1, 1'000'000});
    v.field("checkpoint_every_steps", checkpoint_every_steps, "steps between checkpoints; 0: by minutes alone",
            Range<int>{0, 1'000'000'000});
    v.field("checkpoint_every_minutes", checkpoint_every_minutes, "minutes between checkpoints; 0: by steps alone",
            Range<double>{0, 1e6});
    v.field("keep_checkpoints", keep_checkpoints, "newest checkpoints kept", Range<int>{1, 100'000});
    v.field("keep_every", keep_every,
            "beside the newest, keep checkpoints of steps that are multiples of this; 0: none",
            Range<std::int64_t>{0, INT64_MAX});
    v.field("max_nonfinite_steps", max_nonfinite_steps,
            "steps in a row with a loss or gradient that is not finite before the run stops with a dump",
            Range<int>{1, 1'000'000});
    v.field(
        "nonfinite_retry_lr", nonfinite_retry_lr,
        "instead of stopping, go back to the last good checkpoint once and on with this share of the learning rate; "
        "0: stop",
        Range<double>{0, 1});
    v.field("rank_timeout_s", rank_timeout_s, "several ranks: seconds after which one that hangs ends the run",
            Range<double>{1, 86'400});
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

/// Limits on the images read.
struct DataOptions {
  double max_bad_ratio = 0.01;
  std::int64_t max_pixels = 178'956'970;
  std::int64_t max_file_mib = 64;
  bool apply_exif = false;

  template <class V>
  void visit(V& v) {
    v.field("max_bad_ratio", max_bad_ratio,
            "share of unusable images above which the run stops (a few are always allowed)", Range<double>{0, 1});
    v.field("max_pixels", max_pixels, "images with more pixels are refused before they are decoded",
            Range<std::int64_t>{1, 1ll << 40});
    v.field("max_file_mib", max_file_mib, "image files larger than this are refused, MiB",
            Range<std::int64_t>{1, 1 << 20});
    v.field("apply_exif", apply_exif, "turn images as their EXIF orientation says (the release does not)");
  }

  DecodeLimits decode_limits() const {
    return {.max_pixels = max_pixels,
            .max_file_bytes = static_cast<std::uint64_t>(max_file_mib) << 20,
            .apply_exif = apply_exif};
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
