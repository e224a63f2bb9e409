// SPDX-License-Identifier: MIT
#include "soco/distributed/launch_environment.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "soco/base/error.h"

namespace soco {
namespace {

/// The names by which one launcher tells a process its place.
struct Names {
  const char *rank, *world_size, *local_rank, *local_world_size;
};

constexpr Names kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"}};

constexpr int kMaxRanks = 1 << 20;

int number(const GetVariable& variable, const std::string& name, int min, int max) {
  const std::optional<std::string> text = variable(name);
  if (!text) fail_usage("the environment lacks {}, which goes with the other variables of the launcher", name);
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < min || value > max)
    fail_usage("environment variable {}={}: must be a number from {} to {}", name, *text, min, max);
  return value;
}

std::string main_host(const GetVariable& variable, int world_size) {
  if (const auto host = variable("MASTER_ADDR")) return *host;
  const auto nodes = variable("SLURM_JOB_NODELIST");
  if (nodes && nodes->find_first_of("[,") == std::string::npos) return *nodes;
  if (world_size > 1 &&
      (nodes || variable("OMPI_COMM_WORLD_SIZE").value_or("") != variable("OMPI_COMM_WORLD_LOCAL_SIZE")))
    fail_usage("set MASTER_ADDR to the host of rank 0 (under Slurm: $(scontrol show hostnames | head -n 1))");
  return "127.0.0.1";
}

}  // namespace

LaunchEnvironment read_launch_environment(const GetVariable& variable) {
  for (const Names& names : kLaunchers) {
    // An interactive Slurm shell has SLURM_PROCID but no tasks of ours: one task is one process in any case.
    if (!variable(names.rank) || !variable(names.world_size)) continue;
    LaunchEnvironment result;
    result.world_size = number(variable, names.world_size, 1, kMaxRanks);
    result.rank = number(variable, names.rank, 0, result.world_size - 1);
    result.local_rank = number(variable, names.local_rank, 0, kMaxRanks);
    if (variable(names.local_world_size))
      result.local_world_size = std::min(number(variable, names.local_world_size, 1, kMaxRanks), result.world_size);
    result.main_host = main_host(variable, result.world_size);
    if (variable("MASTER_PORT")) result.main_port = number(variable, "MASTER_PORT", 1, 65535);
    result.agent_holds_port = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
    result.attempt = variable("TORCHELASTIC_RESTART_COUNT").value_or("0");
    return result;
  }
  return {};
}

LaunchEnvironment launch_environment() {
  return read_launch_environment([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

}  // namespace soco
