// SPDX-License-Identifier: MIT
#include "soco/engine/replay.h"

#include "soco/base/log.h"
#include "soco/cli/command_line.h"
#include "soco/cli/train/training_commands.h"

namespace soco {

int run_replay(int argc, char** argv) {
  ReplayOptions options;
  CommandLine line(
      "replay", "Runs one training step on a given batch and writes losses, gradients and everything after the step.",
      "  soco replay --weights w.safetensors --batch b.safetensors --out o.safetensors --dtype float64\n"
      "  soco replay --weights w.safetensors --batch b.safetensors --out o.safetensors model.backbone=resnet18\n");
  std::string weights, batch, out, dtype, head_mode;
  line.app.add_option("--weights", weights, "online.*, target.*, optional optimizer.momentum_buffer.*")->required();
  line.app.add_option("--batch", batch, "views.V, pairs.P.views, pairs.P.{a,b}.{boxes,ids,levels}")->required();
  line.app.add_option("--out", out, "file to write")->required();
  line.app.add_option("--dtype", dtype, "float32 or float64")->default_str("float32");
  line.app.add_option("--head-mode", head_mode, "reference or assigned (same as model.head_mode=)")
      ->default_str("reference");
  line.app.add_option("--lr", options.lr, "learning rate of the step")->capture_default_str();
  line.app.add_option("--momentum", options.ema_momentum, "EMA momentum of the step")->capture_default_str();
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  if (!dtype.empty()) apply_override(options, "dtype=" + dtype);
  if (!head_mode.empty()) apply_override(options, "model.head_mode=" + head_mode);
  line.apply_overrides(options);
  replay(options, weights, batch, out);
  return 0;
}

}  // namespace soco
