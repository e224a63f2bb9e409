// SPDX-License-Identifier: MIT
// read_rows STORE IMAGES [COPIES]: processor microseconds of one row, read as training does (with and without the
// release's filter), beside those of decoding its image, over all good rows of the store in random order. With COPIES
// the rows are read from a temporary store that holds each so many times under other keys: a large data set's.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/random.h"
#include "soco/image/codec.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/store.h"

namespace {

using namespace soco;  // NOLINT: a program of one file

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Mean microseconds of `run` over the keys, after one pass that is not timed: the least of three passes.
template <class Run>
double microseconds(const std::vector<std::string>& keys, const Run& run) {
  double least = 0;
  for (int pass = 0; pass < 4; ++pass) {
    const double begin = cpu_seconds();
    for (const std::string& key : keys) run(key);
    const double mean = 1e6 * (cpu_seconds() - begin) / static_cast<double>(keys.size());
    if (pass > 0) least = pass == 1 ? mean : std::min(least, mean);
  }
  return least;
}

void write_copies(const ProposalStore& store, int num_copies, const std::filesystem::path& path) {
  std::filesystem::remove(path);
  ProposalStore large = ProposalStore::create_or_open(path, store.options());
  for (int copy = 0; copy < num_copies; ++copy) {
    std::vector<ProposalRecord> rows;
    store.for_each([&](const ProposalRecord& row) {
      rows.push_back(row);
      rows.back().key = std::to_string(copy) + "/" + row.key;
    });
    large.put(rows);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return std::fputs("read_rows STORE IMAGES [COPIES]\n", stderr), 2;
  const ProposalStore given = ProposalStore::open_read(argv[1]);
  const std::filesystem::path images = argv[2];
  const int num_copies = argc == 4 ? std::atoi(argv[3]) : 0;
  const std::filesystem::path large = std::filesystem::temp_directory_path() / "soco_read_rows.db";
  if (num_copies > 0) write_copies(given, num_copies, large);
  const ProposalStore store = num_copies > 0 ? ProposalStore::open_read(large) : ProposalStore::open_read(argv[1]);
  std::vector<std::string> keys;
  std::size_t num_boxes = 0;
  store.for_each([&](const ProposalRecord& row) {
    if (!row.error.empty()) return;
    keys.push_back(row.key);
    num_boxes += row.proposals.boxes.size();
  });
  if (keys.empty()) return std::fputs("read_rows: the store has no good row\n", stderr), 1;
  Rng(0, 0, 0, 0).shuffle(keys);
  std::size_t kept = 0;  // used, so that nothing is left out
  const double row =
      microseconds(keys, [&](const std::string& key) { kept += store.get(key)->proposals.boxes.size(); });
  const FilterOptions filter;
  const double filtered = microseconds(keys, [&](const std::string& key) {
    const ProposalSet set = store.get(key)->proposals;
    kept += filter_proposals(set.boxes, set.height, set.width, filter).size();
  });
  const double decode =
      microseconds(given.keys(), [&](const std::string& key) { kept += read_image(images / key).pixels.size(); });
  std::printf("%zu rows, %.0f boxes each: %.1f us a row, %.1f us with the filter; decoding its image %.0f us\n",
              keys.size(), static_cast<double>(num_boxes) / static_cast<double>(keys.size()), row, filtered, decode);
  std::printf("share of decoding: %.2f %%, with the filter %.2f %%\n", 100 * row / decode, 100 * filtered / decode);
  if (num_copies > 0) std::filesystem::remove(large);
  return kept == 0;
}
