// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>

#include "soco/base/error.h"
#include "soco/checkpoint/checkpointer.h"
#include "testing/syscall_faults.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

/// Every value is the step, so that a mixture of two saves would show. 1.2 MiB: more than AtomicFile's buffer.
StateDict state_of(std::int64_t step) {
  StateDict state;
  state.add("w", HostTensor::from<float>({640, 512}, std::vector<float>(640 * 512, static_cast<float>(step))));
  state.add("n", HostTensor::from<std::int64_t>({}, {step}));
  return state;
}

/// Each system call of a save in turn fails, is cut short, or never comes: a resume finds the old or the new state,
/// whole, the new one if the save said so, and can save again.
TEST(CheckpointSave, EverySystemCallMayFailOrBeTheLast) {
  if (!testing::SyscallFaults::supported()) GTEST_SKIP() << "SKIPPED: watching system calls needs x86-64 and ptrace";
  // In memory: a thousand saves would wait for the disk a thousand times.
  if (fs::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 1);
  testing::TempDir temp;
  unsetenv("TMPDIR");
  const fs::path folder = temp / "checkpoints";
  NullLogger log;
  const StateDict states[] = {{}, state_of(1), state_of(2), state_of(3)};
  const auto prepare = [&] {
    fs::remove_all(folder);
    Checkpointer(folder, {.keep_last = 1}, log).save(1, states[1], {});
  };
  int num_old = 0, num_new = 0;
  const int num_met = testing::for_each_syscall_fault(
      prepare, [&] { Checkpointer(folder, {.keep_last = 1}, log).save(2, states[2], {}); },
      [&](const testing::FaultedRun& run, const std::string& what) {
        SCOPED_TRACE(what);
        const auto loaded = load_latest_checkpoint(folder, log);
        ASSERT_TRUE(loaded);
        ASSERT_TRUE(loaded->step == 1 || loaded->step == 2);
        if (run.succeeded) EXPECT_EQ(loaded->step, 2);
        EXPECT_TRUE(loaded->file.tensors == states[loaded->step]);
        ++(loaded->step == 1 ? num_old : num_new);
        Checkpointer(folder, {.keep_last = 1}, log).save(3, states[3], {});
        EXPECT_TRUE(load_latest_checkpoint(folder, log)->file.tensors == states[3]);
        EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2) << "files were left behind";
      });
  EXPECT_GT(num_old, 0);
  EXPECT_GT(num_new, 0);
  RecordProperty("faults", num_met);
  EXPECT_GT(num_met, 100) << "fewer faults than a save has calls";
}

}  // namespace
}  // namespace soco
