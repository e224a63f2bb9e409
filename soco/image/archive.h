// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace soco {

/// Where a file lies inside an archive, so that it is read with one seek and nothing is ever unpacked to disk.
struct ArchiveMember {
  std::uint64_t offset = 0;       // of its bytes in the archive
  std::uint64_t packed_size = 0;  // of these bytes
  std::uint64_t size = 0;         // of its content; equals packed_size unless deflated
  std::uint32_t crc = 0;          // of its content, in zip archives
  enum class Storage : std::uint8_t { kTar, kZip, kZipDeflated } storage = Storage::kTar;
};

struct NamedMember {
  std::string name;
  ArchiveMember member;
};

/// Whether the name ends like that of an archive that list_archive reads: .tar or .zip.
bool has_archive_extension(const std::filesystem::path& path);

/// The regular files of a tar (ustar, pax, GNU) or zip archive, in their order. Links, devices and sparse files are
/// left out; names are not checked: nothing is written under them. Errors, naming the archive: damaged, truncated,
/// encrypted, a compressed tar, two files of one name (zip).
std::vector<NamedMember> list_archive(const std::filesystem::path& archive);

/// The content of a member. Errors: more than `max_bytes`, damaged, the archive has changed.
std::vector<std::byte> read_member(const std::filesystem::path& archive, const ArchiveMember& member,
                                   const std::string& name, std::uint64_t max_bytes);

}  // namespace soco
