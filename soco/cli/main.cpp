// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string>

#include "soco/base/error.h"
#include "soco/base/suggest.h"
#include "soco/cli/commands.h"
#include "soco/cli/training_library.h"

namespace soco {
namespace {

int pretrain(int argc, char** argv) { return run_in_training_library("pretrain", argc, argv); }
int finetune(int argc, char** argv) { return run_in_training_library("finetune", argc, argv); }
int predict(int argc, char** argv) { return run_in_training_library("predict", argc, argv); }
int resume(int argc, char** argv) { return run_in_training_library("resume", argc, argv); }
int probe(int argc, char** argv) { return run_in_training_library("probe", argc, argv); }
int replay(int argc, char** argv) { return run_in_training_library("replay", argc, argv); }

void print_help() {
  std::fputs(
      "soco pretrains object detectors from unlabelled images (SoCo: object-level contrastive learning).\n\n"
      "Usage: soco <command> [flags] [key=value ...]\n\nCommands:\n",
      stdout);
  for (const Command& command : command_table())
    std::fputs(fmt::format("  {:<10} {}\n", command.name, command.summary).c_str(), stdout);
  std::fputs(
      "\n'soco <command> --help' lists a command's flags and keys with defaults and examples.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 75 interrupted but resumable, 86 numbers that are not finite.\n\n"
      "Example:\n"
      "  soco pretrain --images photos --out runs/first\n"
      "  soco export --from runs/first --format detectron2 --out soco_r50_fpn.pkl\n",
      stdout);
}

int dispatch(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty() || name == "help" || name == "--help" || name == "-h") {
    print_help();
    return name.empty() ? 2 : 0;
  }
  if (name == "--version") {
    std::puts("soco " SOCO_VERSION);
    return 0;
  }
  std::vector<std::string> names;
  for (const Command& command : command_table()) {
    if (command.name == name) return command.run(argc - 1, argv + 1);
    names.emplace_back(command.name);
  }
  const std::string near = closest_match(name, names);
  fail_usage("unknown command '{}'{} ('soco --help' lists all)", name,
             near.empty() ? "" : "; did you mean '" + near + "'?");
}

}  // namespace

const std::vector<Command>& command_table() {
  static const std::vector<Command> table{
      {"pretrain", "pretrain a detector on a folder of images", &pretrain},
      {"finetune", "train a detector on labelled images", &finetune},
      {"study", "what pretraining is worth: AP against labels, from several starts", &run_study},
      {"predict", "find objects in images with a trained detector", &predict},
      {"resume", "continue a stopped run, bit for bit", &resume},
      {"launch", "run pretrain, finetune or resume in several processes that train one model", &run_launch},
      {"probe", "judge a network by labelled boxes, without training it further", &probe},
      {"export", "write a run's weights for Detectron2, MMDetection, torchvision, ONNX", &run_export},
      {"propose", "make object proposals for images, into one SQLite file", &run_propose},
      {"inspect", "draw what the training will see, or proposals", &run_inspect},
      {"convert", "proposals: stores to and from the release's JSON and COCO's", &run_convert},
      {"merge", "join the proposal stores of a job's shards", &run_merge},
      {"evaluate", "measure proposals against COCO annotations", &run_evaluate},
      {"synth", "make synthetic scenes with COCO labels, to try everything offline", &run_synth},
      {"replay", "run one training step on a given batch and write all its numbers", &replay},
      {"verify", "check every byte of a run, a checkpoint or a proposal store", &run_verify},
      {"doctor", "say what this machine, libtorch and data allow", &run_doctor},
  };
  return table;
}

}  // namespace soco

int main(int argc, char** argv) {
  return soco::run_guarded([&] { return soco::dispatch(argc, argv); });
}
