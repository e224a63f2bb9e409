// SPDX-License-Identifier: MIT
#include "soco/image/image_source.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/progress.h"
#include "soco/base/thread_pool.h"
#include "soco/image/folder_walk.h"
#include "soco/image/image_index.h"
#include "soco/image/name_list.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kArchivesAtOnce = 64;  // listings held before they join the list

/// Gathers the images of one source.
class Collector {
 public:
  explicit Collector(Logger& logger) : logger_(logger), progress_(logger, "listing", 0, "images") {}

  /// All below a folder.
  void add_folder(const fs::path& root) {
    const std::uint32_t container = listing_.images.add_container({ImageList::Kind::kFolder, root});
    FolderWalk walk(
        [&](const std::string& key, const fs::path& path) {
          if (has_image_extension(path)) {
            listing_.images.add(key, container);
            progress_.update(static_cast<std::int64_t>(listing_.images.size()));
          } else if (has_archive_extension(path)) {
            add_archive(path, key + "/");
          }
        },
        [&](const fs::path& folder) { note(folder); });
    walk.walk(root);
  }

  /// The images inside an archive; `prefix` goes before their names. Read by finish().
  void add_archive(const fs::path& path, const std::string& prefix) {
    note(path);
    archives_.emplace_back(path, prefix);
    if (archives_.size() == kArchivesAtOnce) list_archives();
  }

  /// A path by its name in a list, relative to `root`, an image or an archive.
  void add_name(const std::string& name, const fs::path& root) {
    const std::string key = fs::path(name).lexically_normal().generic_string();
    if (has_archive_extension(name)) return add_archive(root / name, key + "/");
    if (key == name) {
      if (!root_) root_ = listing_.images.add_container({ImageList::Kind::kFolder, root});
      listing_.images.add(key, *root_);
    } else {  // "link/../x.jpg" is not "x.jpg" where link is one
      listing_.images.add(key, listing_.images.add_container({ImageList::Kind::kFile, root / name}));
    }
    progress_.update(static_cast<std::int64_t>(listing_.images.size()));
  }

  void note(const fs::path& path) { listing_.seen.push_back(file_state(path)); }

  SourceListing finish() {
    list_archives();
    if (const std::size_t repeated = listing_.images.sort_by_key(); repeated > 0)
      logger_.info("{} images are there more than once by their names: the last of each counts", repeated);
    if (num_ignored_ > 0) logger_.info("{} links, devices or sparse files inside archives are left out", num_ignored_);
    if (listing_.images.size() >= kMinKeptImages) progress_.finish();
    return std::move(listing_);
  }

 private:
  void list_archives() {
    std::vector<std::vector<NamedMember>> members(archives_.size());
    std::vector<std::int64_t> ignored(archives_.size());
    parallel_for(num_available_cpus(), static_cast<std::int64_t>(archives_.size()), [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      ArchiveListing listing = list_archive(archives_[at].first);
      ignored[at] = listing.num_ignored;
      members[at] = image_members(archives_[at].first, std::move(listing));
    });
    for (std::size_t i = 0; i < archives_.size(); ++i) {
      const auto& [path, prefix] = archives_[i];
      const std::uint32_t container = listing_.images.add_container({ImageList::Kind::kArchive, path});
      for (const NamedMember& found : members[i]) listing_.images.add(prefix + found.name, container, &found.member);
      num_ignored_ += ignored[i];
    }
    archives_.clear();
    progress_.update(static_cast<std::int64_t>(listing_.images.size()));
  }

  Logger& logger_;
  Progress progress_;
  SourceListing listing_;
  std::vector<std::pair<fs::path, std::string>> archives_;  // to be listed: path, key prefix
  std::optional<std::uint32_t> root_;                       // container of a list's names
  std::int64_t num_ignored_ = 0;
};

/// Only those members of the archive that the list names.
SourceListing list_members(const NameList& list, Logger& logger) {
  Collector collector(logger);
  collector.note(list.file);
  collector.add_archive(list.root, "");
  const SourceListing all = collector.finish();
  std::unordered_map<std::string_view, std::size_t> by_name;
  for (std::size_t i = 0; i < all.images.size(); ++i) by_name.emplace(all.images.key(i), i);
  SourceListing listing{.images = {}, .seen = all.seen};
  const std::uint32_t container = listing.images.add_container({ImageList::Kind::kArchive, list.root});
  read_names(list, [&](const std::string& given) {
    const std::string name = fs::path(given).lexically_normal().generic_string();
    const auto found = by_name.find(name);
    if (found == by_name.end())
      fail("{}: names '{}', which is no image in {}", list.file.string(), printable(name), list.root.string());
    const ImageEntry entry = all.images[found->second];
    listing.images.add(name, container, &*entry.member);
  });
  listing.images.sort_by_key();
  return listing;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

SourceListing list_names(const NameList& list, Logger& logger) {
  SourceListing listing;
  if (!list.root.empty() && !is_folder(list.root)) {  // empty: the working folder
    listing = list_members(list, logger);
  } else {
    Collector collector(logger);
    collector.note(list.file);
    read_names(list, [&](const std::string& name) { collector.add_name(name, list.root); });
    listing = collector.finish();
  }
  if (listing.images.empty()) fail_usage("{}: lists no image; one path a line is expected", list.file.string());
  return listing;
}

SourceListing list_pattern(const std::string& pattern, Logger& logger) {
  Collector collector(logger);
  const fs::path base = pattern_folder(pattern);
  const std::vector<fs::path> paths = expand_pattern(pattern);
  if (paths.empty()) fail_usage("{}: no file has a name of this pattern", pattern);
  fs::path last_folder;
  for (const fs::path& path : paths) {
    if (std::exchange(last_folder, path.parent_path()) != path.parent_path()) collector.note(path.parent_path());
    const std::string name = path.lexically_relative(base).generic_string();
    std::error_code error;
    if (!fs::exists(path, error)) fail_usage("{}: is missing, which the pattern {} names", path.string(), pattern);
    if (has_image_extension(path) || has_archive_extension(path))
      collector.add_name(base == "." ? path.generic_string() : name, base);
  }
  SourceListing listing = collector.finish();
  if (listing.images.empty()) fail_usage("{}: no image in what it names; looked for {}", pattern, image_patterns());
  return listing;
}

SourceListing list_source(const fs::path& source, Logger& logger) {
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  const bool is_file = fs::is_regular_file(status);
  if (!fs::is_directory(status) && !is_file && error && status.type() != fs::file_type::not_found)
    fail_usage("{}: cannot be read: {}", source.string(), error.message());
  if (fs::is_directory(status) || (is_file && has_archive_extension(source))) {
    Collector collector(logger);
    is_file ? collector.add_archive(source, "") : collector.add_folder(source);
    SourceListing listing = collector.finish();
    if (listing.images.empty())
      fail_usage("{}: no image {}; looked for {}", source.string(), is_file ? "in it" : "found below it",
                 image_patterns());
    return listing;
  }
  if (is_file && has_image_extension(source))
    fail_usage("{}: is one image; name its folder, or a text file with one path a line", source.string());
  if (const std::optional<NameList> list = find_name_list(source)) return list_names(*list, logger);
  if (!is_pattern(source.native())) fail_usage("{}: no such folder or list file", source.string());
  return list_pattern(source.native(), logger);
}

/// A kept listing that cannot be used is made again.
std::optional<ImageList> find_kept(const fs::path& file, const std::string& source, Logger& logger) {
  try {
    std::optional<ImageList> images = kept_listing(file, source);
    if (images) logger.info("{} images, as listed before ({})", images->size(), file.string());
    return images;
  } catch (const Error& error) {
    logger.warning("the listing is made again: {}", error.what());
    return std::nullopt;
  }
}

}  // namespace

std::string absolute_source(const fs::path& source) {
  std::error_code ignored;
  const std::optional<NameList> list = fs::exists(source, ignored) ? std::nullopt : find_name_list(source);
  if (!list) return fs::absolute(source).native();
  return fs::absolute(list->file).native() + "@" + fs::absolute(list->root).native();
}

ImageList list_images(const fs::path& source, const ListOptions& options) {
  NullLogger nobody;
  Logger& logger = options.logger == nullptr ? nobody : *options.logger;
  if (options.index_folder.empty()) return list_source(source, logger).images;
  const std::string absolute = absolute_source(source);
  const fs::path file = index_path(options.index_folder, absolute);
  if (std::optional<ImageList> images = find_kept(file, absolute, logger)) return std::move(*images);
  SourceListing listing = list_source(absolute, logger);
  try {
    if (keep_listing(file, absolute, listing)) logger.info("the listing is kept in {}", file.string());
  } catch (const std::exception& error) {  // a read-only home is no reason to stop
    logger.warning("the listing is not kept: {}", error.what());
  }
  return std::move(listing.images);
}

}  // namespace soco
