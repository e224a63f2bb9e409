// SPDX-License-Identifier: MIT
#include "soco/engine/finetune.h"

#include <utility>

#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/command_line.h"
#include "soco/cli/train/training_commands.h"
#include "soco/run/recipes.h"

namespace soco {

int run_finetune(int argc, char** argv) {
  FinetuneOptions options;
  FinetuneSources sources;
  std::string config = "mask_rcnn_r50_fpn_1x";
  bool overwrite = false, partial = false;
  CommandLine line(
      "finetune", "Trains a detector on labelled images, from pretrained weights or from none.",
      "  soco finetune --images train --annotations train.json --val-images val --val-annotations val.json "
      "--init runs/first --out runs/detector\n"
      "  soco finetune --images train --annotations train.json --out runs/small --config "
      "mask_rcnn_r18_fpn_small train.epochs=40\n"
      "  soco finetune --images photos --annotations labels --out runs/boxes model.masks.enabled=false\n");
  line.app
      .add_option("--annotations", sources.annotations,
                  "labels: COCO or LVIS .json, VOC folder, YOLO .yaml; may be repeated")
      ->required()
      ->allow_extra_args(false);
  line.app.add_option("--images", sources.images, "their images, in the same order; else looked for beside the labels")
      ->allow_extra_args(false);
  line.app.add_option("--val-annotations,--val", sources.val_annotations, "labels to judge the detector by");
  line.app.add_option("--val-images", sources.val_images, "their images");
  line.app.add_option("--init", sources.init,
                      "start from these weights: a run's folder, its checkpoint or export, the SoCo release's, a "
                      "backbone or a detector of torchvision ...; else at random");
  line.app.add_option("--out", sources.out, "run folder to make")->required();
  line.app.add_option("--config", config, "recipe or TOML file")->capture_default_str();
  line.app.add_flag("--partial", partial, "take of --init what fits, though it is of another network");
  line.app.add_flag("--repair", sources.repair,
                    "leave out or put right faulty labels, instead of stopping at the first");
  line.app.add_flag("--overwrite", overwrite, "start over in a run folder that is in use");
  load_recipe_or_file(options, config);
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  options = {};
  load_recipe_or_file(options, config);
  const auto [recipe_steps, recipe_epochs] = std::pair(options.train.steps, options.train.epochs);
  line.apply_overrides(options);
  // Steps that were asked for count before a recipe's epochs.
  if (options.train.steps != recipe_steps && options.train.epochs == recipe_epochs) options.train.epochs.reset();
  if (partial) sources.partial = PartialWeights::kAccept;
  ConsoleLogger log(console_level());
  install_stop_signals();
  finetune(options, sources, overwrite ? ExistingRun::kOverwrite : ExistingRun::kRefuse, log);
  return 0;
}

}  // namespace soco
