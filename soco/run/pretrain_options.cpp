// SPDX-License-Identifier: MIT
#include "soco/run/pretrain_options.h"

#include "soco/base/error.h"

namespace soco {

void PretrainOptions::validate() const {
  if (train.batch_size && *train.batch_size % train.accumulation != 0)
    fail_usage("train.accumulation = {} does not divide train.batch_size = {}; choose a divisor of the batch",
               train.accumulation, *train.batch_size);
  if (train.checkpoint_every_steps == 0 && train.checkpoint_every_minutes == 0)
    fail_usage(
        "train.checkpoint_every_steps and train.checkpoint_every_minutes are both 0: a stop would lose the run; set "
        "one");
  if (loader.pixels == ElementType::kBfloat16 && train.precision != Precision::kBFloat16)
    fail_usage("loader.pixels = bfloat16 needs train.precision = bf16: networks in fp32 take float32");
  const bool has_levels = !plan.level_thresholds.empty();
  if (has_levels != (model.architecture == Architecture::kFpn))
    fail_usage(
        "model.architecture = {} does not go with {} plan.level_thresholds; fpn needs one for each of P2..P5, c4, "
        "which "
        "has one map, none (the recipe soco_c4_100ep sets all that C4 needs)",
        model.architecture == Architecture::kFpn ? "fpn" : "c4", plan.level_thresholds.size());
  if (solver.lr && *solver.lr <= 0) fail_usage("solver.lr = {} must be above 0 (or \"auto\")", *solver.lr);
}

}  // namespace soco
