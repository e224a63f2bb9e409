// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "soco/base/atomic_file.h"

namespace soco {

/// Writes a zip archive of stored records, in order, with data at multiples of 64 bytes, as PyTorch's reader wants it.
/// Sizes and offsets beyond 32 bits use zip64. Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.
class ZipWriter {
 public:
  enum class Zip64 { kWhenNeeded, kAlways };  // kAlways: every record and the directory, for tests of the large case

  explicit ZipWriter(const std::filesystem::path& path, Zip64 zip64 = Zip64::kWhenNeeded);

  /// Adds one record. Errors: a name of 64 KiB or more, disk full.
  void add(const std::string& name, std::span<const std::byte> data);

  /// Writes the directory and commits the file.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint64_t offset = 0, size = 0;
    std::uint32_t crc = 0;
  };
  bool needs_zip64(std::uint64_t value) const { return zip64_ == Zip64::kAlways || value >= 0xFFFFFFFF; }
  std::string local_header(const Entry& entry) const;
  std::string directory_entry(const Entry& entry) const;
  std::string end_of_directory(std::uint64_t directory_offset, std::uint64_t directory_size) const;

  AtomicFile file_;
  Zip64 zip64_;
  std::vector<Entry> entries_;
};

/// What a reader takes. kStored: plain records alone, nothing behind the directory, as PyTorch writes its files.
/// kDeflated: compressed records and an archive comment too, as everybody's archives have.
enum class ZipContents { kStored, kDeflated };

/// Reads a zip archive. The whole structure is checked when it is opened: one directory at the end of the file, no
/// record twice, none encrypted, none outside the file, none over another, local headers that agree with the directory.
class ZipReader {
 public:
  struct Entry {
    std::string name;
    std::uint64_t data_offset = 0, size = 0;  // size: of the content
    std::uint64_t packed_size = 0;            // in the file; equals size unless deflated
    std::uint32_t crc = 0;                    // of the content
    bool deflated = false;
  };

  /// Errors: not such an archive, or one that is damaged.
  explicit ZipReader(const std::filesystem::path& path, ZipContents contents = ZipContents::kStored);

  const std::vector<Entry>& entries() const { return entries_; }  // in the order of the directory
  const Entry* find(std::string_view name) const;

  /// Reads a stored record's bytes into `to`, whose size is the record's. Errors: checksum differs.
  void read(const Entry& entry, std::span<std::byte> to);

  const std::string& file_name() const { return file_name_; }

 private:
  struct Directory {
    std::uint64_t offset = 0, size = 0, num_entries = 0;
  };
  struct DirectoryBlock {
    std::vector<std::byte> bytes;
    std::uint64_t end = 0;   // of the block in the file
    std::size_t unread = 0;  // bytes at its end
  };
  std::vector<std::byte> read_at(std::uint64_t offset, std::uint64_t size);
  void read_at(std::uint64_t offset, std::uint64_t size, std::vector<std::byte>& bytes);
  std::uint64_t find_end_record();
  Directory find_directory();
  bool has_zip64(std::uint64_t end_offset);
  Directory read_zip64_directory(std::uint64_t end_offset, const Directory& small);
  void read_on(const Directory& directory, DirectoryBlock& block);
  void read_entries(const Directory& directory);
  std::uint64_t check_local_header(const Entry& entry, std::uint64_t offset);
  void check_overlap(const Directory& directory, const std::vector<std::uint64_t>& header_offsets) const;

  std::string file_name_;
  ZipContents contents_;
  std::uint64_t file_size_ = 0;
  std::ifstream stream_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// The content of a record from its bytes in the file, checked by size and checksum. `name` stands for it in errors.
std::vector<std::byte> unpack_zip_record(std::vector<std::byte> packed, const ZipReader::Entry& entry,
                                         const std::string& name);

}  // namespace soco
