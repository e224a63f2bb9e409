// SPDX-License-Identifier: MIT
#include "soco/data/pretrain_dataset.h"

#include <utility>

#include "soco/base/error.h"

namespace soco {

PretrainDataset::PretrainDataset(ImageList entries, PretrainDatasetOptions options, Logger& logger)
    : entries_(std::move(entries)),
      store_(nullptr),
      options_(std::move(options)),
      bad_(options_.max_bad_ratio, logger) {
  if (entries_.empty()) fail_usage("there are no images to train on; give a folder or a list with at least one");
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
  PretrainImage loaded;
  EncodedImage encoded;
  visit(index, encoded,
        [&](const EncodedImage& image) { loaded.image = decode_image(image.bytes, image.name, options_.limits); });
  loaded.proposals = std::move(encoded.proposals);
  loaded.source_index = encoded.source_index;
  return loaded;
}

void PretrainDataset::visit(std::int64_t index, EncodedImage& image,
                            const std::function<void(const EncodedImage&)>& use) const {
  bad_.first_usable(entries_, index, [&](std::int64_t candidate) {
    std::string why;
    if (!read_encoded(candidate, image, why)) return why;
    try {
      use(image);
    } catch (const Error& error) {
      why = error.what();
    }
    return why;
  });
}

bool PretrainDataset::load_proposals(const ImageEntry& entry, ProposalSet& out, std::string& why) const {
  std::optional<ProposalRecord> record = store_->get(entry.key);
  if (!record) fail("'{}' was in the proposal store and is not any more; is another program writing to it?", entry.key);
  why = record->error;
  out = std::move(record->proposals);
  return why.empty();
}

bool PretrainDataset::read_encoded(std::int64_t index, EncodedImage& out, std::string& why) const {
  const ImageEntry entry = entries_[static_cast<std::size_t>(index)];
  if (store_ != nullptr && !load_proposals(entry, out.proposals, why)) return false;
  ImageInfo info;
  try {
    out.name = display_name(entry);
    out.bytes = read_image_bytes(entry, options_.limits.max_file_bytes);
    info = probe_image(out.bytes, out.name, options_.limits);
  } catch (const Error& error) {
    why = error.what();
    return false;
  }
  out.source_index = index;
  if (store_ == nullptr) {
    out.proposals = {info.height, info.width, {}};
    return true;
  }
  if (out.proposals.height != info.height || out.proposals.width != info.width) {
    why = fmt::format("it is {} x {} px (height x width), its proposals were made for {} x {}; make them again",
                      info.height, info.width, out.proposals.height, out.proposals.width);
    return false;
  }
  out.proposals.boxes = filter_proposals(out.proposals.boxes, info.height, info.width, options_.filter);
  return true;
}

std::vector<std::string> PretrainDataset::bad_keys() const {
  std::vector<std::string> keys;
  for (const std::int64_t index : bad_.indices()) keys.emplace_back(entries_.key(static_cast<std::size_t>(index)));
  return keys;
}

}  // namespace soco
