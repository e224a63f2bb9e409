// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/log.h"
#include "soco/config/options.h"
#include "soco/image/image_list.h"
#include "soco/proposals/box_grid.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/random_boxes.h"
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

/// Where the boxes come from.
enum class BoxSource { kSearch, kRandom, kGrid };
inline constexpr std::array<EnumName<BoxSource>, 3> kBoxSourceNames{
    {{BoxSource::kSearch, "search"}, {BoxSource::kRandom, "random"}, {BoxSource::kGrid, "grid"}}};

/// Options of a proposal job.
struct ProposeOptions {
  std::filesystem::path images;  ///< see list_images; used by the command, not by propose()
  std::filesystem::path out;     ///< the store
  BoxSource source = BoxSource::kSearch;
  SelectiveSearchOptions search;
  RandomBoxOptions random;
  BoxGridOptions grid;
  FilterOptions filter{.enabled = false};  ///< applied before storing; all boxes serve every later filter
  int workers = 0;                         ///< threads; 0: one per processor
  std::string shard = "1/1";               ///< I/N
  double max_bad_ratio = 0.05;             ///< more unreadable images than this make the job fail at its end
  bool retry_bad = false;                  ///< try images again that are in the store as bad

  template <class V>
  void visit(V& v) {
    v.field("images", images, "folder, archive, pattern, list or annotation file of images (docs/data.md)");
    v.field("out", out, "the proposal store to make or to complete");
    v.field("source", source, "search: selective search; random, grid: boxes that know nothing of the image",
            kBoxSourceNames);
    v.section("search", search, "how regions are found");
    v.section("random", random, "boxes by chance");
    v.section("grid", grid, "a regular grid of boxes");
    v.section("filter", filter, "which boxes are stored");
    v.field("workers", workers, "threads; 0: one per processor", Range<int>{0, 1024});
    v.field("shard", shard, "I/N: do only the I-th of N parts of the images (I from 1)");
    v.field("max_bad_ratio", max_bad_ratio, "share of unreadable images above which the job fails",
            Range<double>{0, 1});
    v.field("retry_bad", retry_bad, "try images again that the store has as bad (else when their file has changed)");
  }
  void validate() const;
};

/// What a job did.
struct ProposeSummary {
  std::int64_t num_images = 0;   ///< images of this shard
  std::int64_t num_done = 0;     ///< done by this run, bad ones included
  std::int64_t num_skipped = 0;  ///< already in the store with the same content, bad ones included
  std::int64_t num_bad = 0;      ///< images of this shard that could not be used, found now or before
  std::int64_t num_boxes = 0;    ///< boxes stored by this run
  double seconds = 0;
};

/// The text a store keeps as the options its boxes were made with: the source, all its options but the limit on pixels,
/// and last the filter.
std::string store_options_text(const ProposeOptions& options);

/// Makes proposals for `entries` into `options.out`. Rows already there are kept when the file's content is the same,
/// so an interrupted job (even by SIGKILL) continues where it was; rows are the same for any number of workers.
/// A bad image gets a row with its error, is counted, and named once in the log; later runs pass it over unless its
/// file has changed or `retry_bad` is set. Memory does not grow with the images, but for the list of them. Errors:
/// Error(kInterrupted) when stop_requested(), after committing; options other than the store's; no images in the list;
/// more bad images than max_bad_ratio and than kMinBadAllowed (their rows are kept); a failed write.
ProposeSummary propose(const ImageList& entries, const ProposeOptions& options, Logger& logger);

}  // namespace soco
