// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "soco/run/pretrain_options.h"

namespace soco {

/// What of the machine decides the settings.
struct MachineInfo {
  bool cuda = false;
  std::uint64_t memory_bytes = 0;  // free memory of the device that trains: of the GPU, or of the host
  int num_cores = 1;               // this process may use; ranks of one host share its cores
};

/// Replaces every "auto" of `options` by a value that follows from the data and the machine.
/// Returns one line for each value it chose, with the reason. Errors: usage error when `num_images` is below the batch.
std::vector<std::string> resolve_auto_settings(PretrainOptions& options, std::int64_t num_images,
                                               const MachineInfo& machine);

/// Bytes that one image of a batch costs in a step (activations kept for the backward pass), estimated from the plan's
/// view sizes and the backbone. Calibrated on measured peaks; see docs/pretraining.md.
std::uint64_t estimated_bytes_per_image(const PretrainOptions& options);

/// Free memory and cores of this host.
MachineInfo host_machine_info();

}  // namespace soco
