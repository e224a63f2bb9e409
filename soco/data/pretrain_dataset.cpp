// SPDX-License-Identifier: MIT
#include "soco/data/pretrain_dataset.h"

#include <algorithm>
#include <utility>

#include "soco/base/error.h"

namespace soco {

PretrainDataset::PretrainDataset(ImageList entries, PretrainDatasetOptions options, Logger& logger)
    : entries_(std::move(entries)), store_(nullptr), options_(std::move(options)), logger_(logger) {
  if (entries_.empty()) fail_usage("there are no images to train on; give a folder or a list with at least one");
  if (!(options_.max_bad_ratio >= 0.0 && options_.max_bad_ratio <= 1.0)) {
    fail_usage("max_bad_ratio = {}; expected a share from 0 to 1", options_.max_bad_ratio);
  }
}

PretrainDataset::PretrainDataset(ImageList entries, const ProposalStore& store, PretrainDatasetOptions options,
                                 Logger& logger)
    : PretrainDataset(std::move(entries), std::move(options), logger) {
  store_ = &store;
  check_all_have_records();
}

void PretrainDataset::check_all_have_records() const {
  // Two sorted rows of keys side by side: no set of millions of keys in memory.
  ImageList copy;
  if (!entries_.is_sorted()) {
    copy = entries_;
    copy.sort_by_key();
  }
  const ImageList& sorted = copy.empty() ? entries_ : copy;
  std::size_t at = 0, num_missing = 0;
  std::string_view example;
  const auto miss_up_to = [&](const std::string_view* key) {
    for (; at < sorted.size() && (key == nullptr || sorted.key(at) < *key); ++at) {
      if (num_missing++ == 0) example = sorted.key(at);
    }
  };
  store_->for_each_key([&](std::string_view key) {
    miss_up_to(&key);
    if (at < sorted.size() && sorted.key(at) == key) ++at;
  });
  miss_up_to(nullptr);
  if (num_missing > 0) {
    fail_usage("{} of {} images have no proposals in the store, '{}' for one; run `soco propose` on them first",
               num_missing, entries_.size(), example);
  }
}

PretrainImage PretrainDataset::load(std::int64_t index) const {
  SOCO_ASSERT(index >= 0 && index < size());
  PretrainImage loaded;
  for (std::int64_t i = 0; i < size(); ++i) {
    const std::int64_t candidate = (index + i) % size();
    if (known_bad(candidate)) continue;
    std::string why;
    if (try_load(candidate, loaded, why)) return loaded;
    record_bad(candidate, why);
  }
  fail("none of the {} images could be used; '{}' is one of them, see the log for the reasons", size(),
       entries_.key(static_cast<std::size_t>(index)));
}

bool PretrainDataset::load_proposals(const ImageEntry& entry, ProposalSet& out, std::string& why) const {
  std::optional<ProposalRecord> record = store_->get(entry.key);
  if (!record) fail("'{}' was in the proposal store and is not any more; is another program writing to it?", entry.key);
  why = record->error;
  out = std::move(record->proposals);
  return why.empty();
}

bool PretrainDataset::try_load(std::int64_t index, PretrainImage& out, std::string& why) const {
  const ImageEntry entry = entries_[static_cast<std::size_t>(index)];
  if (store_ != nullptr && !load_proposals(entry, out.proposals, why)) return false;
  try {
    out.image = read_image(entry, options_.limits);
  } catch (const Error& error) {
    why = error.what();
    return false;
  }
  out.source_index = index;
  if (store_ == nullptr) {
    out.proposals = {out.image.height, out.image.width, {}};
    return true;
  }
  if (out.proposals.height != out.image.height || out.proposals.width != out.image.width) {
    why = fmt::format("it is {} x {} px (height x width), its proposals were made for {} x {}; make them again",
                      out.image.height, out.image.width, out.proposals.height, out.proposals.width);
    return false;
  }
  out.proposals.boxes =
      filter_proposals(out.proposals.boxes, out.proposals.height, out.proposals.width, options_.filter);
  return true;
}

bool PretrainDataset::known_bad(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  return bad_.contains(index);
}

void PretrainDataset::record_bad(std::int64_t index, const std::string& why) const {
  const std::string_view key = entries_.key(static_cast<std::size_t>(index));
  std::int64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!bad_.insert(index).second) return;  // another worker was first
    count = static_cast<std::int64_t>(bad_.size());
  }
  logger_.warning("image '{}' cannot be used, the next one takes its place: {}", key, why);
  if (count > max_bad()) {
    fail(
        "{} of {} images cannot be used, more than the {} that max_bad_ratio = {} allows; the last was '{}': {}. "
        "Repair or remove them, or raise max_bad_ratio",
        count, size(), max_bad(), options_.max_bad_ratio, key, why);
  }
}

std::int64_t PretrainDataset::num_bad() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(bad_.size());
}

std::vector<std::string> PretrainDataset::bad_keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  for (const std::int64_t index : bad_) keys.emplace_back(entries_.key(static_cast<std::size_t>(index)));
  return keys;
}

std::int64_t PretrainDataset::max_bad() const {
  if (options_.max_bad_ratio == 0.0) return 0;
  const auto share = static_cast<std::int64_t>(options_.max_bad_ratio * static_cast<double>(size()));
  return std::max(share, kMinBadAllowed);
}

}  // namespace soco
