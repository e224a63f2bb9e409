// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/log.h"

namespace soco {

/// What `soco launch` starts.
struct LaunchOptions {
  int num_ranks = 1;
  int max_restarts = 0;              // after a rank died: go on from the last checkpoint so many times
  double grace_s = 2;                // what the other ranks get to end by themselves before they are killed
  std::filesystem::path program;     // of each rank
  std::vector<std::string> command;  // its arguments: "pretrain", ...
};

/// Runs `num_ranks` processes of the program on this machine, with the environment that torchrun gives (RANK,
/// WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT), and waits for them. None outlives this process,
/// however it ends. When one fails, its rank, its end and the last step it did are logged, and the others are ended:
/// within grace_s and a moment. SIGINT, SIGTERM and SIGUSR1 are passed on to all, as SIGUSR1.
/// Returns 0 when all did, else the exit code of the first that failed; 128 + number for one that a signal ended. A
/// restart is made for neither wrong usage (2), nor a stop (75), nor numbers that are not finite (86); it turns
/// `pretrain --out RUN` and `finetune --out RUN` into `resume RUN` once RUN is a run folder. Error when a process
/// cannot be started.
int launch(const LaunchOptions& options, Logger& log);

}  // namespace soco
