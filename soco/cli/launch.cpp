// SPDX-License-Identifier: MIT
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/commands.h"
#include "soco/run/launcher.h"

namespace soco {

int run_launch(int argc, char** argv) {
  LaunchOptions options;
  CommandLine line("launch",
                   "Runs a training command in several processes of this machine, which train one model together. "
                   "On several machines: torchrun, srun or mpirun, see docs/distributed.md.",
                   "  soco launch --ranks 4 -- pretrain --images photos --out runs/first\n"
                   "  soco launch --ranks 4 --max-restarts 3 -- resume runs/first\n"
                   "  soco launch --ranks 2 -- finetune --images train --annotations train.json --out runs/detector\n");
  line.app.add_option("--ranks", options.num_ranks, "processes")->required()->check(CLI::Range(1, 1024));
  line.app
      .add_option("--max-restarts", options.max_restarts, "times to go on from the last checkpoint after a rank died")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  int own = argc;  // the words before "--" are ours
  for (int i = argc - 1; i > 0; --i)
    if (std::string(argv[i]) == "--") own = i;
  if (!line.parse(own, argv)) return 0;
  for (int i = own + 1; i < argc; ++i) options.command.emplace_back(argv[i]);
  const std::string command = options.command.empty() ? "" : options.command[0];
  if (command != "pretrain" && command != "finetune" && command != "resume")
    fail_usage(
        "launch: after '--' comes 'pretrain', 'finetune' or 'resume' with its arguments ('soco launch --help' has "
        "examples)");
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  ConsoleLogger log;
  install_stop_signals();
  return launch(options, log);
}

}  // namespace soco
