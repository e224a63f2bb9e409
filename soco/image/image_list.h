// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/file.h"
#include "soco/image/archive.h"
#include "soco/image/codec.h"

namespace soco {

/// One image of a set. `key` names it in proposal stores: its path relative to the set's folder, '/' separated; the
/// path of an archive's member goes on inside the archive ("shard-0001.tar/cat.jpg").
struct ImageEntry {
  std::string key;
  std::filesystem::path path;                // the image's file, or the archive that holds it
  std::optional<ArchiveMember> member = {};  // its place in the archive
};

/// The images of a set, built by list_images, in little memory: 16 bytes and the key for a file, 48 for a member of an
/// archive. Entries are made when they are asked for.
class ImageList {
 public:
  /// What a container's entries are: files below a folder, one file, members of an archive.
  enum class Kind : std::uint8_t { kFolder, kFile, kArchive };
  /// What entries have in common. A file of a folder lies at `path` / its key.
  struct Container {
    Kind kind = Kind::kFolder;
    std::filesystem::path path;
  };

  ImageList() = default;
  ImageList(const std::vector<ImageEntry>& entries);  // NOLINT(google-explicit-constructor): a list is a list

  std::size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  std::string_view key(std::size_t index) const;
  ImageEntry operator[](std::size_t index) const;

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ImageEntry;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = ImageEntry;
    Iterator(const ImageList& list, std::size_t index) : list_(&list), index_(index) {}
    ImageEntry operator*() const { return (*list_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const ImageList* list_;
    std::size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  /// The number that add() takes for the container.
  std::uint32_t add_container(Container container);
  /// Error when the key is too long, or empty.
  void add(std::string_view key, std::uint32_t container, const ArchiveMember* member = nullptr);
  /// By bytes of the key; of entries with one key the last that was added stays. Returns how many went.
  std::size_t sort_by_key();
  bool is_sorted() const;  ///< as sort_by_key() leaves it

  /// The indices of its entries as they lie: archive by archive, in these by offset; files in the list's order.
  std::vector<std::int64_t> storage_order() const;

  /// Bytes of memory it takes.
  std::uint64_t memory_bytes() const;

  /// The list as bytes, and back; for image_index.h alone. Errors: not what to_bytes() gives.
  std::string to_bytes() const;
  static ImageList from_bytes(std::string_view bytes);

 private:
  static constexpr std::uint32_t kNoMember = UINT32_MAX;
  static constexpr std::size_t kMaxKey = (std::size_t{1} << 20) - 1;
  struct Record {
    std::uint64_t key_begin : 44;  // in keys_
    std::uint64_t key_size : 20;
    std::uint32_t container;
    std::uint32_t member;  // in members_, or kNoMember
  };
  std::string_view key_of(const Record& record) const {
    return std::string_view(keys_).substr(record.key_begin, record.key_size);
  }
  void check() const;

  std::string keys_;  // one after the other, in the order they were added
  std::vector<Record> records_;
  std::vector<ArchiveMember> members_;
  std::vector<Container> containers_;
};

/// The bytes of an image's file or member. Errors naming it: missing, unreadable, damaged, above `max_bytes`.
std::vector<std::byte> read_image_bytes(const ImageEntry& entry, std::uint64_t max_bytes = kDefaultMaxFileBytes);

/// As read_image of codec.h.
Image read_image(const ImageEntry& entry, const DecodeLimits& limits = {});

/// Asks the system to have the image's bytes ready soon; returns at once, and no error is told.
void announce_image(const ImageEntry& entry);

/// How errors name it: the file, or archive, member and the byte where it begins.
std::string display_name(const ImageEntry& entry);

}  // namespace soco
