// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace soco {

/// One image of a set. `key` names it in proposal stores: its path relative to the set's folder, '/' separated.
struct ImageEntry {
  std::string key;
  std::filesystem::path path;
};

/// The images of a folder, to its leaves, sorted by key (bytes). Hidden files and folders are left out; linked folders
/// are entered after the real ones, and each folder once. Or, when `source` is a text file, those it lists: one path a
/// line, relative to the file's folder, '#' after white space or at the beginning starts a comment; sorted by key and
/// without repeats alike. The listed files are not looked at.
/// Usage errors: missing, unreadable, no image found (says what was looked for).
std::vector<ImageEntry> list_images(const std::filesystem::path& source);

}  // namespace soco
