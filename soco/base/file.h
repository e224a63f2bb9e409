// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace soco {

constexpr std::uint64_t kDefaultMaxFileBytes = std::uint64_t{64} << 20;

/// The whole content. Error when missing, not a regular file (links are followed), unreadable, or above max_bytes;
/// the size is checked before memory is taken.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t max_bytes = kDefaultMaxFileBytes);

/// `size` bytes from `offset`. Error as above, and when the file ends before them; the caller bounds `size`.
std::vector<std::byte> read_file_range(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t size);

/// As read_file, as text; the bytes are not checked to be UTF-8.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes = kDefaultMaxFileBytes);

/// Bytes an ordinary user can still write at this path's file system (the nearest existing folder above it counts).
std::uint64_t free_bytes(const std::filesystem::path& path);

/// Whether the path's file system is shared between machines, as far as its type tells (NFS, SMB, Lustre, GPFS, Ceph,
/// 9p, FUSE ...): memory mapped by several machines is not shared there, and locks may not be.
bool is_on_network(const std::filesystem::path& path);

}  // namespace soco
