// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/log.h"
#include "soco/config/options.h"
#include "soco/image/image_list.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/selective_search.h"

namespace soco {

/// Shard `index` of `count`, 1-based: every image belongs to exactly one shard by the hash of its key, so the shards
/// of a set stay what they are when images are added.
struct Shard {
  int index = 1;
  int count = 1;
  bool contains(std::string_view key) const;
};

/// Reads "I/N" with 1 <= I <= N. Usage error otherwise.
Shard parse_shard(std::string_view text);

/// So many bad images are tolerated in any set, unless max_bad_ratio is 0 or no image is good.
inline constexpr std::int64_t kMinBadAllowed = 4;

/// Options of a proposal job.
struct ProposeOptions {
  std::filesystem::path images;  ///< folder of images or list file; used by the command, not by propose()
  std::filesystem::path out;     ///< the store
  SelectiveSearchOptions search;
  FilterOptions filter{.enabled = false};  ///< applied before storing; all boxes serve every later filter
  int workers = 0;                         ///< threads; 0: one per processor
  std::string shard = "1/1";               ///< I/N
  double max_bad_ratio = 0.05;             ///< more unreadable images than this make the job fail at its end

  template <class V>
  void visit(V& v) {
    v.field("images", images, "folder of images, or a text file with one path a line");
    v.field("out", out, "the proposal store to make or to complete");
    v.section("search", search, "how regions are found");
    v.section("filter", filter, "which boxes are stored");
    v.field("workers", workers, "threads; 0: one per processor", Range<int>{0, 1024});
    v.field("shard", shard, "I/N: do only the I-th of N parts of the images (I from 1)");
    v.field("max_bad_ratio", max_bad_ratio, "share of unreadable images above which the job fails",
            Range<double>{0, 1});
  }
  void validate() const;
};

/// What a job did.
struct ProposeSummary {
  std::int64_t num_images = 0;   ///< images of this shard
  std::int64_t num_done = 0;     ///< done by this run, bad ones included
  std::int64_t num_skipped = 0;  ///< already in the store with the same content
  std::int64_t num_bad = 0;      ///< images that could not be used
  std::int64_t num_boxes = 0;    ///< boxes stored by this run
  double seconds = 0;
};

/// The text a store keeps as the options its boxes were made with.
std::string store_options_text(const SelectiveSearchOptions& search, const FilterOptions& filter);

/// Makes proposals for `entries` into `options.out`. Rows already there are kept when the file's content is the same,
/// so an interrupted job (even by SIGKILL) continues where it was; rows are the same for any number of workers.
/// A bad image gets a row with its error, is counted, and named once in the log; it is tried again by the next run.
/// Errors: Error(kInterrupted) when stop_requested(), after committing; options other than the store's; no images in
/// the list; more bad images than max_bad_ratio and than kMinBadAllowed (their rows are kept); a failed write.
ProposeSummary propose(const std::vector<ImageEntry>& entries, const ProposeOptions& options, Logger& logger);

}  // namespace soco
