// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/data/bad_images.h"
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

/// An image before it is decoded, with all that its boxes and crops can be drawn from.
struct EncodedImage {
  std::string name;              ///< for errors
  std::vector<std::byte> bytes;  ///< of its file
  ProposalSet proposals;         ///< filtered; with the size that its header says
  std::int64_t source_index = 0;
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

  /// The same with the decoding left to `use`: an image on which it throws an Error cannot be used, and the next is
  /// tried. What is in `image` from before is overwritten.
  void visit(std::int64_t index, EncodedImage& image, const std::function<void(const EncodedImage&)>& use) const;

  const DecodeLimits& limits() const { return options_.limits; }

  /// Asks the system to have the image's file ready soon.
  void announce(std::int64_t index) const { announce_image(entries_[static_cast<std::size_t>(index)]); }

  /// See ImageList::storage_order.
  std::vector<std::int64_t> storage_order() const { return entries_.storage_order(); }

  /// Distinct images found bad so far.
  std::int64_t num_bad() const { return bad_.count(); }
  /// Their keys, sorted by entry.
  std::vector<std::string> bad_keys() const;

 private:
  void check_all_have_records() const;
  bool read_encoded(std::int64_t index, EncodedImage& out, std::string& why) const;
  bool load_proposals(const ImageEntry& entry, ProposalSet& out, std::string& why) const;

  ImageList entries_;
  const ProposalStore* store_;  // nullptr: images alone
  PretrainDatasetOptions options_;
  BadImages bad_;
};

}  // namespace soco
