// SPDX-License-Identifier: MIT
#include "soco/engine/device.h"

#include <torch/version.h>

#include "soco/base/error.h"

namespace soco {

torch::Device choose_device(DeviceChoice choice) {
  const bool cuda = torch::cuda::is_available();
  if (choice == DeviceChoice::kCuda && !cuda)
    fail_usage(
        "train.device = cuda: libtorch {} finds no usable CUDA device here; take train.device=cpu, or a CUDA build of "
        "libtorch and a driver ('soco doctor' says what is there)",
        TORCH_VERSION);
  return choice != DeviceChoice::kCpu && cuda ? torch::Device(torch::kCUDA, 0) : torch::Device(torch::kCPU);
}

MachineInfo machine_info(const torch::Device& device) {
  MachineInfo machine = host_machine_info();
  machine.cuda = device.is_cuda();
  // libtorch's C++ interface does not tell a GPU's free memory without CUDA's own headers: a common size is assumed,
  // and the batch is a key for whoever has more.
  if (machine.cuda) machine.memory_bytes = 16ull << 30;
  return machine;
}

std::string describe_device(const torch::Device& device) {
  return fmt::format("libtorch {}, {}", TORCH_VERSION,
                     device.is_cuda() ? "CUDA" : fmt::format("CPU, {} threads", torch::get_num_threads()));
}

}  // namespace soco
