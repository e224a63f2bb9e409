// SPDX-License-Identifier: MIT
#include "soco/proposals/merge.h"
#include "soco/base/format.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/commands.h"

namespace soco {

int run_merge(int argc, char** argv) {
  std::vector<std::filesystem::path> sources;
  std::filesystem::path out;
  CommandLine line("merge", "Joins proposal stores of one job, such as its shards, into a new one.",
                   "  soco merge part1.db part2.db part3.db --out proposals.db\n");
  line.app.add_option("STORES", sources, "stores made with the same options")->required();
  line.app.add_option("--out", out, "the new store")->required();
  if (!line.parse(argc, argv)) return 0;
  ConsoleLogger log;
  install_stop_signals();
  const MergeSummary summary = merge_stores(sources, out, log);
  log.info("{}: {} images ({} bad), {} boxes, {} rows were there twice", out.string(), format_count(summary.num_images),
           format_count(summary.num_bad), format_count(summary.num_boxes), format_count(summary.num_repeated));
  return 0;
}

}  // namespace soco
