// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "soco/base/error.h"
#include "soco/config/options.h"

namespace soco {

enum class DeviceChoice { kAuto, kCpu, kCuda };
enum class Precision { kFloat32, kBFloat16 };

inline constexpr std::array<EnumName<DeviceChoice>, 3> kDeviceNames{
    {{DeviceChoice::kAuto, "auto"}, {DeviceChoice::kCpu, "cpu"}, {DeviceChoice::kCuda, "cuda"}}};
inline constexpr std::array<EnumName<Precision>, 2> kPrecisionNames{
    {{Precision::kFloat32, "fp32"}, {Precision::kBFloat16, "bf16"}}};

/// What every training loop is told: on what it runs, how often it logs and saves, what it does about numbers that are
/// not finite.
struct LoopOptions {
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
    v.field("device", device, "where to train; auto: CUDA when there is a usable device", kDeviceNames);
    v.field("precision", precision, "fp32, or bf16 autocast (boxes, RoIAlign and losses stay in float32)",
            kPrecisionNames);
    v.field(
        "deterministic", deterministic,
        "CUDA: the same bits in every run, so that a resumed run is the undisturbed one; false: algorithms chosen by "
        "trial for speed");
    v.field("num_threads", num_threads,
            "threads of one operation on the CPU; auto: all cores, shared by the ranks of a host", Range<int>{1, 1024});
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

  /// Usage error: a run that would never be saved.
  void validate() const {
    if (checkpoint_every_steps == 0 && checkpoint_every_minutes == 0)
      fail_usage("checkpoint_every_steps and checkpoint_every_minutes are both 0: a stop would lose the run; set one");
  }
};

}  // namespace soco
