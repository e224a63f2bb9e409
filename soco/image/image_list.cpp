// SPDX-License-Identifier: MIT
#include "soco/image/image_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

void add_members(const fs::path& archive, const std::string& prefix, std::vector<ImageEntry>& entries) {
  for (NamedMember& found : list_archive(archive))
    if (has_image_extension(found.name)) entries.push_back({prefix + found.name, archive, found.member});
}

/// Walks a folder: first the real folders, then, in the order of their keys, the linked ones that lead to folders not
/// seen yet. So loops end, no image is listed twice, and the keys do not depend on the order the system lists in.
class FolderWalk {
 public:
  explicit FolderWalk(const fs::path& root) {
    enter(root, "");
    while (!links_.empty()) {
      const auto [prefix, folder] = *links_.begin();
      links_.erase(links_.begin());
      enter(folder, prefix);
    }
  }

  std::vector<ImageEntry> take() { return std::move(entries_); }

 private:
  void enter(const fs::path& folder, const std::string& prefix) {
    struct stat info {};
    if (stat(folder.c_str(), &info) != 0) fail_usage("{}: cannot be read: {}", folder.string(), errno_text(errno));
    if (!seen_.emplace(info.st_dev, info.st_ino).second) return;
    std::error_code error;
    fs::directory_iterator child(folder, error);
    for (; !error && child != fs::directory_iterator(); child.increment(error)) add(*child, prefix);
    if (error) fail_usage("{}: cannot be listed: {}", folder.string(), error.message());
  }

  void add(const fs::directory_entry& child, const std::string& prefix) {
    const std::string name = child.path().filename().string();
    if (name.starts_with(".")) return;
    std::error_code ignored;  // a link that leads nowhere is neither folder nor file
    if (child.is_directory(ignored)) {
      if (child.is_symlink(ignored)) {
        links_.emplace(prefix + name + "/", child.path());
      } else {
        enter(child.path(), prefix + name + "/");
      }
    } else if (has_image_extension(child.path()) && child.is_regular_file(ignored)) {
      entries_.push_back({prefix + name, child.path(), {}});
    } else if (has_archive_extension(child.path()) && child.is_regular_file(ignored)) {
      add_members(child.path(), prefix + name + "/", entries_);
    }
  }

  std::vector<ImageEntry> entries_;
  std::set<std::pair<dev_t, ino_t>> seen_;            // folders entered
  std::set<std::pair<std::string, fs::path>> links_;  // key prefix and path of linked folders to enter
};

/// A line without its comment and the white space around it. '#' inside a word belongs to the name.
std::string stripped(const std::string& line) {
  constexpr const char* kSpace = " \t\r";
  std::size_t end = line.size();
  for (std::size_t at = line.find('#'); at != std::string::npos; at = line.find('#', at + 1)) {
    if (at != 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
    end = at;
    break;
  }
  const std::size_t first = line.find_first_not_of(kSpace);
  if (first == std::string::npos || first >= end) return {};
  return line.substr(first, line.find_last_not_of(kSpace, end - 1) - first + 1);
}

std::vector<ImageEntry> entries_of_file(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream) fail_usage("{}: cannot be read: {}", file.string(), errno_text(errno));
  std::vector<ImageEntry> entries;
  for (std::string line; std::getline(stream, line);) {
    if (line.find('\0') != std::string::npos) {
      fail_usage("{}: is no text file; name a folder of images, or a text file with one path a line", file.string());
    }
    const fs::path path = stripped(line);
    if (path.empty()) continue;
    const std::string key = path.lexically_normal().generic_string();
    const fs::path target = file.parent_path() / path;  // an absolute path stays
    if (has_archive_extension(path)) {
      add_members(target, key + "/", entries);
    } else {
      entries.push_back({key, target, {}});
    }
  }
  if (stream.bad()) fail_usage("{}: cannot be read to its end: {}", file.string(), errno_text(errno));
  return entries;
}

void sort_by_key(std::vector<ImageEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const ImageEntry& a, const ImageEntry& b) { return a.key < b.key; });
  const auto same = [](const ImageEntry& a, const ImageEntry& b) { return a.key == b.key; };
  entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
}

}  // namespace

std::vector<ImageEntry> list_images(const fs::path& source) {
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  std::vector<ImageEntry> entries;
  if (fs::is_directory(status)) {
    entries = FolderWalk(source).take();
    if (entries.empty()) fail_usage("{}: no image found below it; looked for {}", source.string(), image_patterns());
  } else if (fs::is_regular_file(status)) {
    if (has_image_extension(source)) {
      fail_usage("{}: is one image; name its folder, or a text file with one path a line", source.string());
    }
    if (has_archive_extension(source)) {
      add_members(source, "", entries);
      if (entries.empty()) fail_usage("{}: no image in it; looked for {}", source.string(), image_patterns());
    } else {
      entries = entries_of_file(source);
    }
    if (entries.empty()) fail_usage("{}: lists no image; one path a line is expected", source.string());
  } else if (error && status.type() != fs::file_type::not_found) {
    fail_usage("{}: cannot be read: {}", source.string(), error.message());
  } else {
    fail_usage("{}: no such folder or list file", source.string());
  }
  sort_by_key(entries);
  return entries;
}

std::vector<std::byte> read_image_bytes(const ImageEntry& entry, std::uint64_t max_bytes) {
  if (entry.member) return read_member(entry.path, *entry.member, display_name(entry), max_bytes);
  return read_file(entry.path, max_bytes);
}

Image read_image(const ImageEntry& entry, const DecodeLimits& limits) {
  return decode_image(read_image_bytes(entry, limits.max_file_bytes), display_name(entry), limits);
}

std::string display_name(const ImageEntry& entry) {
  return entry.member ? fmt::format("{} in {}", entry.key, entry.path.string()) : entry.path.string();
}

}  // namespace soco
