// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <optional>
#include <string>

namespace soco {

/// This process among those that a launcher started.
struct LaunchEnvironment {
  int rank = 0, world_size = 1;
  int local_rank = 0;        // on its host: which GPU is its own
  int local_world_size = 1;  // ranks on its host, which share its cores; 1 where the launcher does not say
  std::string main_host = "127.0.0.1";
  int main_port = 29500;
  bool agent_holds_port = false;  // torchrun's agent is the meeting point already, rank 0 need not be
  std::string attempt = "0";      // torchrun's count of restarts: attempts must not read each other's messages
};

/// Value of an environment variable, or nothing.
using GetVariable = std::function<std::optional<std::string>(const std::string&)>;

/// Reads what torchrun and `soco launch` set (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), else Slurm's
/// srun (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID), else Open MPI's mpirun (OMPI_COMM_WORLD_RANK, ...). With the
/// latter two MASTER_ADDR must name the host of rank 0 (Slurm: the first of SLURM_JOB_NODELIST when that is a plain
/// name). Without any of them: one process. Usage errors: a value that is no number or outside its range, one of a set
/// missing.
LaunchEnvironment read_launch_environment(const GetVariable& variable);

/// The same of this process's environment.
LaunchEnvironment launch_environment();

}  // namespace soco
