// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <string>

#include "soco/run/auto_settings.h"
#include "soco/run/pretrain_options.h"

namespace soco {

/// The device to train on. Errors: usage error when CUDA is asked for and this libtorch or machine has none.
torch::Device choose_device(DeviceChoice choice);

/// The device of this rank: of several GPUs the one of its number on its host.
torch::Device choose_rank_device(DeviceChoice choice);

/// Sets libtorch to algorithms on CUDA that give the same bits in every run, or to those that a trial shows to be the
/// fastest; before CUDA is first used. Nothing changes on the CPU, where every run gives the same bits.
void choose_algorithms(const torch::Device& device, bool deterministic);

/// Memory of the machine as `device` sees it, and the cores that this rank may use: its host's, shared by the ranks
/// there.
MachineInfo machine_info(const torch::Device& device);

/// "libtorch 2.13.0, CPU, 2 threads": for logs and the doctor.
std::string describe_device(const torch::Device& device);

}  // namespace soco
