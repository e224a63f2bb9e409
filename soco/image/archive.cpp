// SPDX-License-Identifier: MIT
#include "soco/image/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/base/log.h"
#include "soco/base/zip_archive.h"
#include "soco/image/codec.h"

namespace soco {
namespace {

// Headers are read in blocks of this size, data is jumped over: with tens of kB a member, larger blocks read it too.
constexpr std::size_t kTarBlockBytes = 16 << 10;

ArchiveListing list_zip(const std::filesystem::path& path) {
  const ZipReader reader(path, ZipContents::kDeflated);
  ArchiveListing listing;
  for (const ZipReader::Entry& entry : reader.entries()) {
    if (entry.name.ends_with('/')) continue;  // a folder
    const auto storage = entry.deflated ? ArchiveMember::Storage::kZipDeflated : ArchiveMember::Storage::kZip;
    listing.members.push_back({entry.name, {entry.data_offset, entry.packed_size, entry.size, entry.crc, storage}});
  }
  return listing;
}

/// The headers of a tar archive, one after the other.
class TarReader {
 public:
  explicit TarReader(const std::filesystem::path& path) : path_(path) {
    std::error_code error;  // a folder or a pipe would be waited for
    if (!std::filesystem::is_regular_file(path, error)) fail("{}: no such file, or not a regular one", path.string());
    file_size_ = std::filesystem::file_size(path, error);
    if (error) fail("{}: cannot be read: {}", path.string(), error.message());
    if (reader_ == nullptr) fail("{}: out of memory", path.string());
    check(archive_read_support_format_tar(reader_.get()));
    check(archive_read_open_filename(reader_.get(), path.c_str(), kTarBlockBytes));
  }

  /// False after the last member.
  bool next() {
    const int code = archive_read_next_header(reader_.get(), &entry_);
    if (code == ARCHIVE_EOF) return false;
    check(code);
    const char* name = archive_entry_pathname(entry_);
    name_ = name == nullptr ? "" : name;
    const std::int64_t size = archive_entry_size(entry_);
    offset_ = static_cast<std::uint64_t>(archive_filter_bytes(reader_.get(), 0));
    if (size < 0) fail("{}: '{}' at byte {} has {} bytes: damaged", path_.string(), printable(name_), offset_, size);
    size_ = static_cast<std::uint64_t>(size);
    if (!is_plain_file()) return true;  // a sparse file's size is not that of its bytes
    if (offset_ > file_size_ || size_ > file_size_ - offset_)
      fail("{}: ends inside '{}', which has {} bytes from byte {} on: truncated, or its size is wrong", path_.string(),
           printable(name_), size_, offset_);
    return true;
  }

  bool is_folder() const { return archive_entry_filetype(entry_) == AE_IFDIR; }
  bool is_plain_file() const {
    return archive_entry_filetype(entry_) == AE_IFREG && archive_entry_hardlink(entry_) == nullptr &&
           archive_entry_sparse_count(entry_) == 0 && !name_.empty();
  }
  NamedMember member() const { return {name_, {offset_, size_, size_, 0, ArchiveMember::Storage::kTar}}; }

 private:
  void check(int code) {
    if (code == ARCHIVE_OK || code == ARCHIVE_WARN) return;
    const char* reason = archive_error_string(reader_.get());
    const std::string place = name_.empty()
                                  ? "at its beginning"
                                  : fmt::format("after '{}', which begins at byte {}", printable(name_), offset_);
    fail("{}: not a readable tar archive {} ({}); a compressed one must be unpacked to a plain .tar first",
         path_.string(), place, reason == nullptr ? "no reason given" : reason);
  }

  const std::filesystem::path& path_;
  std::unique_ptr<archive, decltype(&archive_read_free)> reader_{archive_read_new(), &archive_read_free};
  archive_entry* entry_ = nullptr;  // of the reader
  std::string name_;
  std::uint64_t file_size_ = 0, offset_ = 0, size_ = 0;
};

ArchiveListing list_tar(const std::filesystem::path& path) {
  TarReader reader(path);
  ArchiveListing listing;
  while (reader.next()) {
    if (reader.is_plain_file()) {
      listing.members.push_back(reader.member());
    } else if (!reader.is_folder()) {
      ++listing.num_ignored;
    }
  }
  return listing;
}

/// A member's name up to the first dot of its last component: what the parts of a WebDataset sample share.
std::string_view sample_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return name.substr(0, name.find('.', slash == std::string_view::npos ? 0 : slash));
}

bool has_one_extension(std::string_view name) { return name.rfind('.') == sample_name(name).size(); }

}  // namespace

bool has_archive_extension(const std::filesystem::path& path) {
  return path.extension() == ".tar" || path.extension() == ".zip";
}

ArchiveListing list_archive(const std::filesystem::path& archive) {
  return archive.extension() == ".zip" ? list_zip(archive) : list_tar(archive);
}

std::vector<NamedMember> image_members(const std::filesystem::path& archive, ArchiveListing listing) {
  std::vector<NamedMember>& members = listing.members;
  const bool samples = archive.extension() != ".zip";
  std::vector<NamedMember> images;
  for (auto first = members.begin(); first != members.end();) {
    const std::string sample(sample_name(first->name));
    auto last = std::next(first);
    while (samples && last != members.end() && sample_name(last->name) == sample) ++last;
    const bool has_plain = samples && std::any_of(first, last, [](const NamedMember& member) {
                             return has_one_extension(member.name) && has_image_extension(member.name);
                           });
    for (; first != last; ++first) {
      if (has_image_extension(first->name) && (!has_plain || has_one_extension(first->name)))
        images.push_back(std::move(*first));
    }
  }
  return images;
}

std::vector<std::byte> read_member(const std::filesystem::path& archive, const ArchiveMember& member,
                                   const std::string& name, std::uint64_t max_bytes) {
  if (member.size > max_bytes || member.packed_size > max_bytes)
    fail("{} has {}, but at most {} are read", name, format_bytes(std::max(member.size, member.packed_size)),
         format_bytes(max_bytes));
  std::vector<std::byte> bytes;
  try {
    bytes = read_file_range(archive, member.offset, member.packed_size);
  } catch (const Error& error) {
    fail("{}: {}", name, error.what());
  }
  if (member.storage == ArchiveMember::Storage::kTar) return bytes;
  return unpack_zip_record(std::move(bytes),
                           {.name = {},
                            .data_offset = member.offset,
                            .size = member.size,
                            .packed_size = member.packed_size,
                            .crc = member.crc,
                            .deflated = member.storage == ArchiveMember::Storage::kZipDeflated},
                           name);
}

}  // namespace soco
