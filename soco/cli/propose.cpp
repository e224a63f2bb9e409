// SPDX-License-Identifier: MIT
#include "soco/base/allocator.h"
#include "soco/base/format.h"
#include "soco/base/log.h"
#include "soco/base/signals.h"
#include "soco/cli/commands.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/proposals/job.h"

namespace soco {

int run_propose(int argc, char** argv) {
  ProposeOptions options;
  options.filter.enabled = false;  // raw boxes: one store serves every filter, which training applies as it reads
  std::string filter, strategy, source = "search";
  CommandLine line("propose", "Makes object proposals for images, into one SQLite file; run it again to continue.",
                   "  soco propose --images photos --out proposals.db\n"
                   "  soco propose --images photos --out part1.db --shard 1/8 --workers 16\n"
                   "  soco propose --images photos --out small.db --filter ratio=3,size=0.3:0.8,min=32\n"
                   "  soco propose --images photos --out random.db --source random random.num_tries=32\n");
  line.app.add_option("--images", options.images, "folder, archive, pattern, list or annotation file of images")
      ->required();
  line.app.add_option("--out", options.out, "store to make or to complete")->required();
  line.app.add_option("--strategy", strategy, enum_choices(kSearchStrategyNames))->default_str("soco");
  line.app.add_option("--max-side", options.search.max_side,
                      "px; larger images are searched at this size; 0: at theirs");
  line.app.add_option("--filter", filter, "what is stored: none, or ratio=R,size=MIN:MAX,min=SIDE[,dedup]")
      ->default_str("none");
  line.app.add_option("--source", source, "search, random or grid")->capture_default_str();
  line.app.add_option("--workers", options.workers, "threads; 0: one per processor")->capture_default_str();
  line.app.add_option("--shard", options.shard, "I/N: only the I-th of N parts")->capture_default_str();
  line.app.add_flag("--retry-bad", options.retry_bad, "try images again that are in the store as bad");
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  if (line.app.count("--source") > 0) options.source = parse_enum(source, kBoxSourceNames, "--source");
  line.apply_overrides(options);
  if (!strategy.empty()) options.search.strategy = parse_enum(strategy, kSearchStrategyNames, "--strategy");
  if (!filter.empty()) options.filter = parse_filter(filter);
  options.validate();
  ConsoleLogger log;
  keep_freed_memory();
  install_stop_signals();
  const ProposeSummary summary =
      propose(list_images(options.images, {.logger = &log, .index_folder = default_index_folder()}), options, log);
  log.info("{}: {} images, {} done now, {} were there, {} bad, {} boxes, {}", options.out.string(), summary.num_images,
           summary.num_done, summary.num_skipped, summary.num_bad, summary.num_boxes, format_duration(summary.seconds));
  return 0;
}

}  // namespace soco
