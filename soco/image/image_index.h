// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "soco/image/image_list.h"

namespace soco {

/// A file or folder as it was: a folder's time changes with the names in it. All zero: it was not there.
struct FileState {
  std::string path;
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t changed_ns = 0;  // since 1970
  bool operator==(const FileState&) const = default;
};
FileState file_state(const std::filesystem::path& path);

/// The images of a source, and the folders, archives and lists they were found through.
struct SourceListing {
  ImageList images;
  std::vector<FileState> seen;
};

/// Listings below this many images are made anew each time: that takes no time.
inline constexpr std::size_t kMinKeptImages = 10'000;

/// $SOCO_INDEX_DIR (empty: none), else soco/index in $XDG_CACHE_HOME or ~/.cache.
std::filesystem::path default_index_folder();

/// Where the listing of `source` (any path or pattern; made absolute) is kept in `folder`.
std::filesystem::path index_path(const std::filesystem::path& folder, const std::string& source);

/// Keeps a listing, unless it is short or something in it changed in the last two seconds, when a further change might
/// not show. Atomic. Returns whether it was kept. Error when it cannot be written.
bool keep_listing(const std::filesystem::path& file, const std::string& source, const SourceListing& listing);

/// The images of a kept listing; nothing when there is none, or when something it was found through has changed since.
/// Error when the file is damaged or of another version.
std::optional<ImageList> kept_listing(const std::filesystem::path& file, const std::string& source);

}  // namespace soco
