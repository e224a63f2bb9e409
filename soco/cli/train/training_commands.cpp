// SPDX-License-Identifier: MIT
#include "soco/cli/train/training_commands.h"

#include <torch/torch.h>
#include <torch/version.h>

#include <cstdio>
#include <string_view>

#include "soco/base/allocator.h"
#include "soco/base/error.h"
#include "soco/cli/command_line.h"
#include "soco/distributed/launch_environment.h"

namespace soco {

LogLevel console_level() { return launch_environment().rank == 0 ? LogLevel::kInfo : LogLevel::kWarning; }

int run_doctor_torch(int, char**) {
  std::printf("libtorch     %s\n", TORCH_VERSION);
  std::printf("CUDA         %s\n", torch::cuda::is_available()
                                       ? fmt::format("{} device(s)", torch::cuda::device_count()).c_str()
                                       : "not usable (none, no driver, or a CPU build of libtorch)");
  std::printf("threads      %d\n%s", torch::get_num_threads(), torch::get_parallel_info().c_str());
  std::printf("build        %s\n", torch::show_config().c_str());
  return 0;
}

}  // namespace soco

/// The training library's one entry: runs `command`; see training_library.h.
extern "C" __attribute__((visibility("default"))) int soco_training_command(const char* command, int argc,
                                                                            char** argv) {
  static constexpr soco::Command kTable[] = {
      {"pretrain", "", &soco::run_pretrain},   {"finetune", "", &soco::run_finetune},
      {"predict", "", &soco::run_predict},     {"resume", "", &soco::run_resume},
      {"probe", "", &soco::run_probe},         {"replay", "", &soco::run_replay},
      {"doctor", "", &soco::run_doctor_torch},
  };
  return soco::run_guarded([&]() -> int {
    soco::keep_freed_memory();
    for (const soco::Command& row : kTable)
      if (row.name == std::string_view(command)) return row.run(argc, argv);
    soco::fail("the training library has no command '{}': program and library are of different versions", command);
  });
}
