// SPDX-License-Identifier: MIT
#include "soco/image/folder_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "soco/base/error.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

using Folder = std::pair<std::string, fs::path>;

bool is_named(const Folder& folder, std::string_view name) { return folder.second.filename() == name; }

bool has(const std::vector<Folder>& folders, std::string_view name) {
  return std::any_of(folders.begin(), folders.end(), [&](const Folder& folder) { return is_named(folder, name); });
}

/// Takes out the folders of annotation trees that hold masks, which look like images.
void leave_out_annotations(std::vector<Folder>& folders) {
  if (has(folders, "JPEGImages") && has(folders, "Annotations"))
    std::erase_if(folders, [](const Folder& folder) { return !is_named(folder, "JPEGImages"); });
  if (has(folders, "images") && has(folders, "labels"))
    std::erase_if(folders, [](const Folder& folder) { return is_named(folder, "labels"); });
}

}  // namespace

void FolderWalk::walk(const fs::path& root) {
  enter(root, "");
  while (!links_.empty()) {
    const auto [prefix, folder] = *links_.begin();
    links_.erase(links_.begin());
    enter(folder, prefix);
  }
}

void FolderWalk::enter(const fs::path& folder, const std::string& prefix) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) fail_usage("{}: cannot be read: {}", folder.string(), errno_text(errno));
  if (!seen_.emplace(info.st_dev, info.st_ino).second) return;
  on_folder_(folder);
  std::vector<Folder> folders = list(folder, prefix);
  leave_out_annotations(folders);
  std::error_code ignored;
  for (Folder& child : folders) {
    if (fs::is_symlink(child.second, ignored)) {
      links_.emplace(std::move(child));
    } else {
      enter(child.second, child.first);
    }
  }
}

std::vector<Folder> FolderWalk::list(const fs::path& folder, const std::string& prefix) {
  std::vector<Folder> folders;
  std::error_code error;
  fs::directory_iterator child(folder, error);
  for (; !error && child != fs::directory_iterator(); child.increment(error)) {
    const std::string name = child->path().filename().string();
    if (name.starts_with(".")) continue;
    std::error_code ignored;  // a link that leads nowhere is neither folder nor file
    if (child->is_directory(ignored)) {
      folders.emplace_back(prefix + name + "/", child->path());
    } else if (child->is_regular_file(ignored)) {
      on_file_(prefix + name, child->path());
    }
  }
  if (error) fail_usage("{}: cannot be listed: {}", folder.string(), error.message());
  return folders;
}

}  // namespace soco
