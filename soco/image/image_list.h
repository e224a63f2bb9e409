// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "soco/base/file.h"
#include "soco/image/archive.h"
#include "soco/image/codec.h"

namespace soco {

/// One image of a set. `key` names it in proposal stores: its path relative to the set's folder, '/' separated; the
/// path of an archive's member goes on inside the archive ("shard-0001.tar/cat.jpg").
struct ImageEntry {
  std::string key;
  std::filesystem::path path;           // the image's file, or the archive that holds it
  std::optional<ArchiveMember> member = {};  // its place in the archive
};

/// The images of a folder, to its leaves, sorted by key (bytes), those inside its .tar and .zip files among them.
/// Hidden files and folders are left out; linked folders are entered after the real ones, and each folder once. Or
/// those of one archive, keys then beginning inside it. Or, when `source` is a text file, those it lists: one path of
/// an image or archive a line, relative to the file's folder, '#' after white space or at the beginning starts a
/// comment; sorted by key and without repeats alike. The listed images are not looked at.
/// Usage errors: missing, unreadable, no image found (says what was looked for). Errors: a damaged archive.
std::vector<ImageEntry> list_images(const std::filesystem::path& source);

/// The bytes of an image's file or member. Errors naming it: missing, unreadable, damaged, above `max_bytes`.
std::vector<std::byte> read_image_bytes(const ImageEntry& entry, std::uint64_t max_bytes = kDefaultMaxFileBytes);

/// As read_image of codec.h.
Image read_image(const ImageEntry& entry, const DecodeLimits& limits = {});

/// How errors name it: the file, or archive and member.
std::string display_name(const ImageEntry& entry);

}  // namespace soco
