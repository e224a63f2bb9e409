// SPDX-License-Identifier: MIT
#include "soco/engine/replay.h"

#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/cli/command_line.h"
#include "soco/cli/train/training_commands.h"

namespace soco {

namespace {

/// One step a batch; rates that are fewer than the batches start again. Several steps go to OUT's name with the step's
/// number before its suffix.
std::vector<ReplayStep> steps_of(const std::vector<std::string>& batches, const std::filesystem::path& out,
                                 const std::vector<double>& lrs, const std::vector<double>& momenta) {
  std::vector<ReplayStep> steps;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    std::filesystem::path file = out;
    if (batches.size() > 1)
      file.replace_filename(fmt::format("{}.{}{}", out.stem().string(), i, out.extension().string()));
    steps.push_back({batches[i], file, lrs[i % lrs.size()], momenta[i % momenta.size()]});
  }
  return steps;
}

}  // namespace

int run_replay(int argc, char** argv) {
  ReplayOptions options;
  CommandLine line(
      "replay", "Runs training steps on given batches and writes losses, gradients and everything after each step.",
      "  soco replay --weights w.safetensors --batch b.safetensors --out o.safetensors --dtype float64\n"
      "  soco replay --weights w.safetensors --batch b.safetensors --out o.safetensors model.backbone=resnet18\n");
  std::string weights, out, dtype, head_mode, device;
  std::vector<std::string> batches;
  std::vector<double> lrs{ReplayStep{}.lr}, momenta{ReplayStep{}.ema_momentum};
  line.app.add_option("--weights", weights, "online.*, target.*, optional optimizer.momentum_buffer.*")->required();
  line.app
      .add_option("--batch", batches,
                  "views.V, pairs.P.views, pairs.P.{a,b}.{boxes,ids,levels}; given several times: consecutive "
                  "steps, written to OUT's name with .0, .1, ... before its suffix")
      ->required()
      ->allow_extra_args(false);
  line.app.add_option("--out", out, "file to write")->required();
  line.app.add_option("--dtype", dtype, "float32 or float64")->default_str("float32");
  line.app.add_option("--device", device, "cpu, cuda or auto")->default_str("cpu");
  line.app.add_option("--head-mode", head_mode, "reference or assigned (same as model.head_mode=)")
      ->default_str("reference");
  line.app.add_option("--lr", lrs, "learning rate of the step; given several times: of each step in turn")
      ->allow_extra_args(false)
      ->capture_default_str();
  line.app.add_option("--momentum", momenta, "EMA momentum of the step, in the same way")
      ->allow_extra_args(false)
      ->capture_default_str();
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  if (!dtype.empty()) apply_override(options, "dtype=" + dtype);
  if (!device.empty()) apply_override(options, "device=" + device);
  if (!head_mode.empty()) apply_override(options, "model.head_mode=" + head_mode);
  line.apply_overrides(options);
  replay(options, weights, steps_of(batches, out, lrs, momenta));
  return 0;
}

}  // namespace soco
