// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include "soco/distributed/communicator.h"
#include "soco/distributed/launch_environment.h"

namespace soco {

/// Joins the processes of the environment over c10d: rank 0 is the meeting point (TCPStore), Gloo carries the sums over
/// TCP, and NCCL those of CUDA tensors, where it is built in and each rank has a GPU of its own. A rank whose process
/// ends is noticed at once by the others' calls, one that hangs after `timeout_s` seconds. One process: SingleProcess.
/// Errors: the others do not come in time; the port is taken; this libtorch has no Gloo.
std::unique_ptr<Communicator> make_communicator(const LaunchEnvironment& environment, double timeout_s);

}  // namespace soco
