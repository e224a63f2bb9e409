// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace soco {

/// A file that names images, and where they are.
struct NameList {
  std::filesystem::path file;
  std::filesystem::path root;  ///< folder or archive that the names are relative to
};

/// The list that a path stands for: LIST@ROOT, or a text or .json file whose root follows from where it lies (see
/// list_images). Nothing when it is no file with names. Usage error: no folder holds the images of a .json file (names
/// those looked into).
std::optional<NameList> find_name_list(const std::filesystem::path& source);

/// Calls `on_name` with each name in the file's order. Errors: not a text file, a line of more than 64 KiB; of a .json
/// file those of the COCO reader, and a name that leads out of its root.
void read_names(const NameList& list, const std::function<void(const std::string&)>& on_name);

/// The paths that a pattern of list_images stands for, sorted within each of its braces' values; not more than a
/// million. Error: too many, or a brace that does not close.
std::vector<std::filesystem::path> expand_pattern(const std::string& pattern);

/// Whether the path has characters of a pattern.
bool is_pattern(const std::string& path);

/// The folder before the first of them.
std::filesystem::path pattern_folder(const std::string& pattern);

}  // namespace soco
