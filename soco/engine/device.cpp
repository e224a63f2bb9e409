// SPDX-License-Identifier: MIT
#include "soco/engine/device.h"

#include <torch/version.h>

#include <algorithm>
#include <cstdlib>

#include "soco/base/error.h"
#include "soco/distributed/launch_environment.h"
#include "soco/layers/cuda_device.h"

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

torch::Device choose_rank_device(DeviceChoice choice) {
  const torch::Device device = choose_device(choice);
  const int local_rank = launch_environment().local_rank;
  const bool own = device.is_cuda() && local_rank < static_cast<int>(torch::cuda::device_count());
  return own ? torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(local_rank)) : device;
}

void choose_algorithms(const torch::Device& device, bool deterministic) {
  if (!device.is_cuda()) return;
  at::globalContext().setBenchmarkCuDNN(!deterministic);
  at::globalContext().setDeterministicCuDNN(deterministic);
  // Operations that have no such algorithm warn, and are none of ours.
  at::globalContext().setDeterministicAlgorithms(deterministic, /*warn_only=*/true);
  if (deterministic) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);  // what cuBLAS asks for
}

MachineInfo machine_info(const torch::Device& device) {
  MachineInfo machine = host_machine_info();
  machine.num_cores = std::max(1, machine.num_cores / launch_environment().local_world_size);
  machine.cuda = device.is_cuda();
  // Built without CUDA's headers the program does not learn a GPU's free memory: a common size is assumed, and the
  // batch is a key for whoever has more.
  const auto cuda = cuda_device_info(device);
  if (machine.cuda) machine.memory_bytes = cuda ? cuda->free_bytes : 16ull << 30;
  return machine;
}

std::string describe_device(const torch::Device& device) {
  if (!device.is_cuda()) return fmt::format("libtorch {}, CPU, {} threads", TORCH_VERSION, torch::get_num_threads());
  const auto cuda = cuda_device_info(device);
  if (!cuda) return fmt::format("libtorch {}, CUDA", TORCH_VERSION);
  return fmt::format("libtorch {}, CUDA, {}, {:.0f} GiB free of {:.0f}", TORCH_VERSION, cuda->name,
                     static_cast<double>(cuda->free_bytes) / (1 << 30),
                     static_cast<double>(cuda->total_bytes) / (1 << 30));
}

}  // namespace soco
