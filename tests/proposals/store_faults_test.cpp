// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>

#include "soco/base/error.h"
#include "soco/proposals/store.h"
#include "testing/syscall_faults.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

std::vector<ProposalRecord> records_of(int generation) {
  std::vector<ProposalRecord> records;
  for (int i = 0; i < 20; ++i)
    records.push_back({.key = fmt::format("{:02}", i),
                       .proposals = {.height = 300, .width = 400, .boxes = {{static_cast<float>(generation), 0, 9, 9}}},
                       .fingerprint = {1, 2},
                       .error = ""});
  return records;
}

/// Each system call of opening a store, putting rows and closing it in turn fails, is cut short, or never comes: the
/// rows are then the old or the new ones, all of one kind, and the store is whole and takes the new ones again.
TEST(ProposalStorePut, EverySystemCallMayFailOrBeTheLast) {
  if (!testing::SyscallFaults::supported()) GTEST_SKIP() << "SKIPPED: watching system calls needs x86-64 and ptrace";
  if (fs::is_directory("/dev/shm")) setenv("TMPDIR", "/dev/shm", 1);  // no waiting for a disk
  testing::TempDir temp;
  unsetenv("TMPDIR");
  const fs::path path = temp / "p.db", pristine = temp / "pristine.db";
  ProposalStore::create_or_open(pristine, "o").put(records_of(1));
  const auto prepare = [&] {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(path.string() + suffix);
    fs::copy_file(pristine, path);
  };
  const std::vector<ProposalRecord> replacement = records_of(2);
  int num_old = 0, num_new = 0;
  testing::for_each_syscall_fault(
      prepare, [&] { ProposalStore::create_or_open(path, "o").put(replacement); },
      [&](const testing::FaultedRun& run, const std::string& what) {
        SCOPED_TRACE(what);
        {
          ProposalStore store = ProposalStore::create_or_open(path, "o");
          store.verify();
          ASSERT_EQ(store.size(), 20);
          const float generation = store.get("00")->proposals.boxes[0].x1;
          ++(generation == 1 ? num_old : num_new);
          if (run.succeeded) EXPECT_EQ(generation, 2);
          store.for_each([&](const ProposalRecord& record) { EXPECT_EQ(record.proposals.boxes[0].x1, generation); });
          store.put(replacement);
        }
        EXPECT_EQ(ProposalStore::open_read(path).verify(), StoreSeal::kWhole);
      },
      {EIO});  // SQLite takes one error as another, and waits a quarter of a second at each lock that fails
  EXPECT_GT(num_old, 0);
  EXPECT_GT(num_new, 0);
}

}  // namespace
}  // namespace soco
