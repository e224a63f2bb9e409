// SPDX-License-Identifier: MIT
#include "soco/run/pretrain_options.h"

#include "soco/base/error.h"

namespace soco {

void PretrainOptions::validate() const {
  if (train.batch_size && *train.batch_size % train.accumulation != 0)
    fail_usage("train.accumulation = {} does not divide train.batch_size = {}; choose a divisor of the batch",
               train.accumulation, *train.batch_size);
  if (loader.pixels == ElementType::kBfloat16 && train.precision != Precision::kBFloat16)
    fail_usage("loader.pixels = bfloat16 needs train.precision = bf16: networks in fp32 take float32");
  if (loader.finish == FinishPlace::kDevice && loader.quality != Quality::kExact)
    fail_usage("loader.finish = device needs loader.quality = exact, not {}: fast views are finished as they are made",
               enum_name(loader.quality, kQualityNames));
  const bool has_levels = !plan.level_thresholds.empty();
  if (has_levels != (model.architecture == Architecture::kFpn))
    fail_usage(
        "model.architecture = {} does not go with {} plan.level_thresholds; fpn needs one for each of P2..P5, c4 and "
        "image, which have one map, none (the recipes soco_c4_100ep and byol_image set all that these need)",
        enum_name(model.architecture, kArchitectureNames), plan.level_thresholds.size());
  if (model.architecture == Architecture::kImage && plan.boxes != BoxChoice::kImage)
    fail_usage(
        "model.architecture = image compares whole views, but plan.boxes = {}; set plan.boxes=image (as the recipe "
        "byol_image does)",
        enum_name(plan.boxes, kBoxChoiceNames));
  if (solver.lr && *solver.lr <= 0) fail_usage("solver.lr = {} must be above 0 (or \"auto\")", *solver.lr);
}

}  // namespace soco
