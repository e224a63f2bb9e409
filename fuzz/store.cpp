// SPDX-License-Identifier: MIT
// A proposal store of any bytes: opened for reading and for writing, read row by row and by key.
#include "soco/proposals/store.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::filesystem::path path = fuzz::input_file(data, size, "p.db");
  fuzz::expect_error_or_success([&] {
    const ProposalStore store = ProposalStore::open_read(path);
    fuzz::expect_error_or_success([&] { store.verify(); });
    for (const std::string& key : store.keys()) fuzz::expect_error_or_success([&] { store.get(key); });
  });
  fuzz::expect_error_or_success([&] {
    ProposalStore store = ProposalStore::create_or_open(path, "o");
    const ProposalRecord row{.key = "n", .proposals = {4, 4, {{0, 0, 1, 1}}}, .fingerprint = {}, .error = ""};
    store.put(std::span(&row, 1));
  });
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path.string() + suffix);
  return 0;
}
