// SPDX-License-Identifier: MIT
#include "soco/run/study.h"

#include <cstdio>
#include <filesystem>
#include <string>

#include "soco/base/atomic_file.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/commands.h"
#include "soco/run/finetune_options.h"
#include "soco/run/recipes.h"

namespace soco {

int run_study(int argc, char** argv) {
  StudyOptions options;
  FinetuneOptions training;
  CommandLine line("study",
                   "Measures what pretraining is worth: trains detectors from each start with each share of the labels "
                   "under each seed, and tells their AP. The same command continues a study that was stopped.",
                   "  soco study --images train --train train.json --val-images val --val val.json --out study "
                   "--inits random,runs/first --fractions 1,10,100\n"
                   "  soco study --images train --train train.json --val val.json --out study --config "
                   "mask_rcnn_r18_fpn_small --fractions 5 --steps 300 --inits random,soco=runs/a,byol=runs/b\n");
  line.app.add_option("--train", options.train_annotations, "labels to learn from")->required();
  line.app.add_option("--images", options.train_images, "their images; else looked for beside the labels");
  line.app.add_option("--val", options.val_annotations, "labels to judge the detectors by")->required();
  line.app.add_option("--val-images", options.val_images, "their images; else looked for beside the labels");
  line.app.add_option("--inits", options.inits, "starts: random, PATH or NAME=PATH, what 'soco finetune --init' takes")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  line.app.add_option("--fractions", options.percents, "shares of the labelled images, in percent")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1e-4, 100.0))
      ->capture_default_str();
  line.app.add_option("--steps", options.steps, "steps of each fraction; else as the recipe and the keys say")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(std::int64_t{1}, INT64_MAX));
  line.app.add_option("--seeds", options.num_seeds, "trainings of each start and fraction, with seeds 0, 1, ...")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  line.app.add_option("--jobs", options.num_jobs, "trainings at a time, which share the processors")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  line.app.add_option("--out", options.out, "folder of the study")->required();
  line.app.add_option("--config", options.config, "recipe or TOML file of all trainings")->capture_default_str();
  line.app.add_flag("--partial", options.partial, "take of the starts what fits, though they are of another network");
  line.take_overrides(training);
  if (!line.parse(argc, argv)) return 0;
  load_recipe_or_file(training, options.config);
  line.apply_overrides(training);  // a mistake is told before the first training
  options.keys = line.overrides();
  if (std::filesystem::is_regular_file(options.config))
    options.config = std::filesystem::absolute(options.config).string();
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  ConsoleLogger log;
  install_stop_signals();
  const std::vector<StudyRun> runs = study(options, log);
  const std::string table = study_table(runs);
  write_file_atomic(options.out / "study.json", study_json(runs));
  write_file_atomic(options.out / "study.md", table);
  write_file_atomic(options.out / "study.svg",
                    study_svg(runs, "box AP on " + std::filesystem::path(options.val_annotations).filename().string()));
  std::fputs(table.c_str(), stdout);
  log.info("written: {0}/study.json, {0}/study.md, {0}/study.svg", options.out.string());
  return 0;
}

}  // namespace soco
