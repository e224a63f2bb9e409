// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/image/codec.h"
#include "soco/image/image.h"
#include "soco/image/image_list.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/store.h"
#include "soco/structures/proposal_set.h"

namespace soco {

struct PretrainDatasetOptions {
  FilterOptions filter;         ///< applied to the stored proposals at reading
  DecodeLimits limits;          ///< of image files
  double max_bad_ratio = 0.01;  ///< more unreadable images than this share stop the run (a few are always allowed)
};

struct PretrainImage {
  Image image;
  ProposalSet proposals;          ///< filtered; never empty when there is a store
  std::int64_t source_index = 0;  ///< the entry that was read: the index asked for, or its substitute
};

/// Images with their proposals. Reading is thread-safe. An image that cannot be used (missing, broken, no proposals,
/// other size than its proposals') is counted, named once in the log and replaced by the next usable entry: a function
/// of the index alone, so that runs and resumes agree.
class PretrainDataset {
 public:
  /// `store` and `logger` must outlive the dataset. Usage Error when there are no entries or when entries have no
  /// record in the store (the message counts them and names one).
  PretrainDataset(ImageList entries, const ProposalStore& store, PretrainDatasetOptions options, Logger& logger);
  /// Images alone, for plans that need no proposals: every set of boxes is empty. Usage Error when there are no
  /// entries.
  PretrainDataset(ImageList entries, PretrainDatasetOptions options, Logger& logger);

  /// Number of entries, bad ones included.
  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }

  /// The image of `index` (0 <= index < size()) with its proposals, or its substitute's. Error when more images than
  /// options.max_bad_ratio cannot be used, or none can.
  PretrainImage load(std::int64_t index) const;

  /// Asks the system to have the image's file ready soon.
  void announce(std::int64_t index) const { announce_image(entries_[static_cast<std::size_t>(index)]); }

  /// See ImageList::storage_order.
  std::vector<std::int64_t> storage_order() const { return entries_.storage_order(); }

  /// Distinct images found bad so far.
  std::int64_t num_bad() const;
  /// Their keys, sorted by entry.
  std::vector<std::string> bad_keys() const;
  /// Bad images that are tolerated: max_bad_ratio of all, but at least kMinBadAllowed unless the ratio is 0.
  std::int64_t max_bad() const;

  static constexpr std::int64_t kMinBadAllowed = 4;

 private:
  void check_all_have_records() const;
  bool try_load(std::int64_t index, PretrainImage& out, std::string& why) const;
  bool load_proposals(const ImageEntry& entry, ProposalSet& out, std::string& why) const;
  bool known_bad(std::int64_t index) const;
  void record_bad(std::int64_t index, const std::string& why) const;

  ImageList entries_;
  const ProposalStore* store_;  // nullptr: images alone
  PretrainDatasetOptions options_;
  Logger& logger_;
  mutable std::mutex mutex_;            // guards bad_
  mutable std::set<std::int64_t> bad_;  // entries found bad; only grows
};

}  // namespace soco
