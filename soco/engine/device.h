// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <string>

#include "soco/run/auto_settings.h"
#include "soco/run/pretrain_options.h"

namespace soco {

/// The device to train on. Errors: usage error when CUDA is asked for and this libtorch or machine has none.
torch::Device choose_device(DeviceChoice choice);

/// Memory and cores of the machine as `device` sees them.
MachineInfo machine_info(const torch::Device& device);

/// "libtorch 2.13.0, CPU, 2 threads": for logs and the doctor.
std::string describe_device(const torch::Device& device);

}  // namespace soco
