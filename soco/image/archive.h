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

/// What an archive holds.
struct ArchiveListing {
  std::vector<NamedMember> members;  ///< its regular files, in their order
  std::int64_t num_ignored = 0;      ///< links, devices, pipes, sparse files; folders are not counted
};

/// Whether the name ends like that of an archive that list_archive reads: .tar or .zip.
bool has_archive_extension(const std::filesystem::path& path);

/// Lists a tar (ustar, pax, GNU) or zip archive; zip by its directory, tar by its headers, jumping over the content.
/// Names are not checked ("../x", "/x", the same twice in a tar): nothing is ever written under them. Errors name the
/// archive, and the member and byte where there is one: damaged, truncated, a size that is negative or beyond the
/// file's end, encrypted, compressed as a whole, not a regular file, two files of one name (zip).
ArchiveListing list_archive(const std::filesystem::path& archive);

/// The members that are images, by their extension. In tar archives, by WebDataset's convention, members on end that
/// share their folder and their name up to its first dot are the parts of one sample: where one of these is "x.jpg",
/// "x.mask.png" is no image of its own.
std::vector<NamedMember> image_members(const std::filesystem::path& archive, ArchiveListing listing);

/// The content of a member. Errors: more than `max_bytes` (checked before memory is taken), damaged, the archive has
/// changed.
std::vector<std::byte> read_member(const std::filesystem::path& archive, const ArchiveMember& member,
                                   const std::string& name, std::uint64_t max_bytes);

}  // namespace soco
