// SPDX-License-Identifier: MIT
#include "soco/image/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/base/zip_archive.h"

namespace soco {
namespace {

constexpr std::size_t kTarBlockBytes = 64 << 10;  // headers are read in blocks; data is jumped over

std::vector<NamedMember> list_zip(const std::filesystem::path& path) {
  const ZipReader reader(path, ZipContents::kDeflated);
  std::vector<NamedMember> members;
  for (const ZipReader::Entry& entry : reader.entries()) {
    if (entry.name.ends_with('/')) continue;  // a folder
    const auto storage = entry.deflated ? ArchiveMember::Storage::kZipDeflated : ArchiveMember::Storage::kZip;
    members.push_back({entry.name, {entry.data_offset, entry.packed_size, entry.size, entry.crc, storage}});
  }
  return members;
}

bool is_plain_file(archive_entry* entry) {
  return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr &&
         archive_entry_sparse_count(entry) == 0 && archive_entry_pathname(entry) != nullptr;
}

std::vector<NamedMember> list_tar(const std::filesystem::path& path) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> reader(archive_read_new(), &archive_read_free);
  if (reader == nullptr) fail("{}: out of memory", path.string());
  const auto check = [&](int code) {
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
      fail("{}: not a readable tar archive ({}); a compressed one must be unpacked to a plain .tar first",
           path.string(), archive_error_string(reader.get()) ? archive_error_string(reader.get()) : "no reason given");
  };
  check(archive_read_support_format_tar(reader.get()));
  check(archive_read_open_filename(reader.get(), path.c_str(), kTarBlockBytes));
  const std::uint64_t file_size = std::filesystem::file_size(path);
  std::vector<NamedMember> members;
  archive_entry* entry = nullptr;
  for (int code; (code = archive_read_next_header(reader.get(), &entry)) != ARCHIVE_EOF;) {
    check(code);
    const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
    const auto offset = static_cast<std::uint64_t>(archive_filter_bytes(reader.get(), 0));
    if (offset > file_size || size > file_size - offset)
      fail("{}: ends inside a file of {} bytes at {}: truncated", path.string(), size, offset);
    if (is_plain_file(entry))
      members.push_back({archive_entry_pathname(entry), {offset, size, size, 0, ArchiveMember::Storage::kTar}});
  }
  return members;
}

}  // namespace

bool has_archive_extension(const std::filesystem::path& path) {
  return path.extension() == ".tar" || path.extension() == ".zip";
}

std::vector<NamedMember> list_archive(const std::filesystem::path& archive) {
  return archive.extension() == ".zip" ? list_zip(archive) : list_tar(archive);
}

std::vector<std::byte> read_member(const std::filesystem::path& archive, const ArchiveMember& member,
                                   const std::string& name, std::uint64_t max_bytes) {
  if (member.size > max_bytes || member.packed_size > max_bytes)
    fail("{} has {}, but at most {} are read", name, format_bytes(std::max(member.size, member.packed_size)),
         format_bytes(max_bytes));
  std::vector<std::byte> bytes = read_file_range(archive, member.offset, member.packed_size);
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
