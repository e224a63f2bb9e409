// SPDX-License-Identifier: MIT
#include "soco/image/image_list.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/image/byte_stream.h"

namespace soco {

ImageList::ImageList(const std::vector<ImageEntry>& entries) {
  for (const ImageEntry& entry : entries) {
    const Kind kind = entry.member ? Kind::kArchive : Kind::kFile;
    const bool known = kind == Kind::kArchive && !containers_.empty() && containers_.back().kind == kind &&
                       containers_.back().path == entry.path;
    const std::uint32_t container =
        known ? static_cast<std::uint32_t>(containers_.size() - 1) : add_container({kind, entry.path});
    add(entry.key, container, entry.member ? &*entry.member : nullptr);
  }
}

std::string_view ImageList::key(std::size_t index) const { return key_of(records_[index]); }

ImageEntry ImageList::operator[](std::size_t index) const {
  const Record& record = records_[index];
  const Container& container = containers_[record.container];
  ImageEntry entry{.key = std::string(key_of(record)), .path = container.path};
  if (container.kind == Kind::kFolder) entry.path /= entry.key;
  if (record.member != kNoMember) entry.member = members_[record.member];
  return entry;
}

std::uint32_t ImageList::add_container(Container container) {
  if (containers_.size() >= UINT32_MAX) fail("more than {} archives and folders in one list", containers_.size());
  containers_.push_back(std::move(container));
  return static_cast<std::uint32_t>(containers_.size() - 1);
}

void ImageList::add(std::string_view key, std::uint32_t container, const ArchiveMember* member) {
  SOCO_ASSERT(container < containers_.size() && (member != nullptr) == (containers_[container].kind == Kind::kArchive));
  if (key.empty() || key.size() > kMaxKey)
    fail("{}: an image's name of {} bytes; expected 1 to {}", containers_[container].path.string(), key.size(),
         kMaxKey);
  if (members_.size() >= kNoMember) fail("more than {} images in archives in one list", members_.size());
  records_.push_back({.key_begin = keys_.size(),
                      .key_size = key.size(),
                      .container = container,
                      .member = member == nullptr ? kNoMember : static_cast<std::uint32_t>(members_.size())});
  keys_ += key;
  if (member != nullptr) members_.push_back(*member);
}

std::size_t ImageList::sort_by_key() {
  const auto before = [&](const Record& a, const Record& b) {
    const int order = key_of(a).compare(key_of(b));
    return order != 0 ? order < 0 : a.key_begin > b.key_begin;  // the last that was added first
  };
  const auto same = [&](const Record& a, const Record& b) { return key_of(a) == key_of(b); };
  if (!std::is_sorted(records_.begin(), records_.end(), before)) std::sort(records_.begin(), records_.end(), before);
  const auto end = std::unique(records_.begin(), records_.end(), same);
  const auto num_removed = static_cast<std::size_t>(records_.end() - end);
  records_.erase(end, records_.end());
  return num_removed;
}

bool ImageList::is_sorted() const {
  const auto out_of_order = [&](const Record& a, const Record& b) { return key_of(a) >= key_of(b); };
  return std::adjacent_find(records_.begin(), records_.end(), out_of_order) == records_.end();
}

std::vector<std::int64_t> ImageList::storage_order() const {
  std::vector<std::int64_t> order(records_.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto place = [&](std::int64_t index) {
    const Record& record = records_[static_cast<std::size_t>(index)];
    return std::pair(record.container, record.member == kNoMember ? 0 : members_[record.member].offset);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return place(a) < place(b); });
  return order;
}

std::uint64_t ImageList::memory_bytes() const {
  return keys_.capacity() + records_.capacity() * sizeof(Record) + members_.capacity() * sizeof(ArchiveMember) +
         containers_.capacity() * sizeof(Container);
}

std::string ImageList::to_bytes() const {
  ByteWriter writer;
  writer.text(keys_);
  writer.array(records_);
  writer.array(members_);
  writer.number(containers_.size());
  for (const Container& container : containers_) {
    writer.number(static_cast<std::uint64_t>(container.kind));
    writer.text(container.path.native());
  }
  return writer.take();
}

ImageList ImageList::from_bytes(std::string_view bytes) {
  ByteReader reader(bytes);
  ImageList list;
  list.keys_ = reader.text();
  list.records_ = reader.array<Record>();
  list.members_ = reader.array<ArchiveMember>();
  const std::uint64_t num_containers = reader.number();
  for (std::uint64_t i = 0; i < num_containers; ++i) {
    const std::uint64_t kind = reader.number();
    if (kind > static_cast<std::uint64_t>(Kind::kArchive)) fail("image index: container {} is damaged", i);
    list.containers_.push_back({static_cast<Kind>(kind), std::string(reader.text())});
  }
  reader.finish();
  list.check();
  return list;
}

void ImageList::check() const {
  for (const Record& record : records_) {
    const bool inside = record.container < containers_.size() && record.key_size > 0 &&
                        record.key_begin + record.key_size <= keys_.size();
    if (!inside) fail("image index: an entry is damaged");
    const Container& container = containers_[record.container];
    const bool fits = container.kind == Kind::kArchive ? record.member < members_.size() : record.member == kNoMember;
    if (!fits) fail("image index: an entry is damaged");
  }
  for (const ArchiveMember& member : members_) {
    if (member.storage > ArchiveMember::Storage::kZipDeflated) fail("image index: a member is damaged");
  }
}

std::vector<std::byte> read_image_bytes(const ImageEntry& entry, std::uint64_t max_bytes) {
  if (entry.member) return read_member(entry.path, *entry.member, display_name(entry), max_bytes);
  return read_file(entry.path, max_bytes);
}

Image read_image(const ImageEntry& entry, const DecodeLimits& limits) {
  return decode_image(read_image_bytes(entry, limits.max_file_bytes), display_name(entry), limits);
}

void announce_image(const ImageEntry& entry) {
  const int descriptor = ::open(entry.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return;
  const auto offset = entry.member ? static_cast<off_t>(entry.member->offset) : 0;
  const auto size = entry.member ? static_cast<off_t>(entry.member->packed_size) : 0;  // 0: to the end
  (void)::posix_fadvise(descriptor, offset, size, POSIX_FADV_WILLNEED);
  ::close(descriptor);
}

std::string display_name(const ImageEntry& entry) {
  if (!entry.member) return entry.path.string();
  return fmt::format("{} in {} at byte {}", printable(entry.key), entry.path.string(), entry.member->offset);
}

}  // namespace soco
