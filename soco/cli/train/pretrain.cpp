// SPDX-License-Identifier: MIT
#include "soco/engine/pretrain.h"

#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/command_line.h"
#include "soco/cli/train/training_commands.h"
#include "soco/engine/finetune.h"
#include "soco/run/detector_file.h"
#include "soco/run/recipes.h"

namespace soco {

int run_pretrain(int argc, char** argv) {
  PretrainOptions options;
  PretrainSources sources;
  std::string config = "soco_fpn_100ep";
  bool overwrite = false;
  CommandLine line(
      "pretrain", "Pretrains a detector's backbone, FPN and box head on a folder of images, with no labels.",
      "  soco pretrain --images photos --out runs/first\n"
      "  soco pretrain --images photos --out runs/r18 model.backbone=resnet18 train.epochs=200 train.batch_size=32\n"
      "  soco pretrain --images photos --out runs/fast --config soco_fpn_400ep model.head_mode=assigned\n"
      "  soco pretrain --images photos --out runs/on --weights ckpt_epoch_100.pth\n");
  line.app.add_option("--images", sources.images, "folder, archive, pattern, list or annotation file of images")
      ->required();
  line.app.add_option("--out", sources.out, "run folder to make")->required();
  line.app.add_option("--config", config, "recipe or TOML file")->capture_default_str();
  line.app.add_option("--proposals", sources.proposals, "proposal store; made by the run when not given");
  line.app.add_option("--weights", sources.weights,
                      "start from these: an earlier run's checkpoint, the SoCo release's, a backbone of torchvision, "
                      "Detectron2 or MMDetection ...");
  line.app.add_flag("--overwrite", overwrite, "start over in a run folder that is in use");
  load_recipe_or_file(options, config);
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  options = {};
  load_recipe_or_file(options, config);
  line.apply_overrides(options);
  ConsoleLogger log(console_level());
  install_stop_signals();
  pretrain(options, sources, overwrite ? ExistingRun::kOverwrite : ExistingRun::kRefuse, log);
  return 0;
}

int run_resume(int argc, char** argv) {
  std::string run;
  CommandLine line("resume", "Continues a stopped run from its newest readable checkpoint, bit for bit on a CPU.",
                   "  soco resume runs/first\n");
  line.app.add_option("RUN", run, "run folder")->required();
  if (!line.parse(argc, argv)) return 0;
  ConsoleLogger log(console_level());
  install_stop_signals();
  if (is_finetune_run(run))
    resume_finetuning(run, log);
  else
    resume_pretraining(run, log);
  return 0;
}

}  // namespace soco
