// SPDX-License-Identifier: MIT
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace soco {

/// Walks a folder: first the real folders, then, in the order of their keys, the linked ones that lead to folders not
/// seen yet. So loops end, no image is listed twice, and the keys do not depend on the order the system lists in.
/// Left out: hidden names; of a folder with JPEGImages and Annotations (Pascal VOC) all other folders, of one with
/// images and labels (YOLO) the labels.
class FolderWalk {
 public:
  /// `on_file(key, path)`: every regular file, its key relative to the root; `on_folder(path)`: every folder entered.
  FolderWalk(std::function<void(const std::string&, const std::filesystem::path&)> on_file,
             std::function<void(const std::filesystem::path&)> on_folder)
      : on_file_(std::move(on_file)), on_folder_(std::move(on_folder)) {}

  /// Usage error: a folder that cannot be listed.
  void walk(const std::filesystem::path& root);

 private:
  using Folder = std::pair<std::string, std::filesystem::path>;  // key prefix, path
  void enter(const std::filesystem::path& folder, const std::string& prefix);
  std::vector<Folder> list(const std::filesystem::path& folder, const std::string& prefix);

  std::function<void(const std::string&, const std::filesystem::path&)> on_file_;
  std::function<void(const std::filesystem::path&)> on_folder_;
  std::set<std::pair<dev_t, ino_t>> seen_;  // folders entered
  std::set<Folder> links_;                  // linked folders to enter
};

}  // namespace soco
