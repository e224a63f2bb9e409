// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>

#include "soco/base/log.h"
#include "soco/image/image_list.h"

namespace soco {

struct ListOptions {
  Logger* logger = nullptr;                 ///< gets progress and notes about what was left out
  std::filesystem::path index_folder = {};  ///< where long listings are kept (see image_index.h); empty: nowhere
};

/// The images of a source, sorted by key (bytes). A source is one of:
/// - a folder, to its leaves, and inside its .tar and .zip files. Hidden files and folders are left out; linked folders
///   are entered after the real ones, and each folder once; of a Pascal VOC tree JPEGImages alone is entered, and the
///   `labels` folder of a YOLO tree is left out, since masks are images too;
/// - one archive: keys then begin inside it;
/// - a pattern of files: {000..015} and {a,b} are expanded, then * ? [..] as the shell does ("shards/train-*.tar");
/// - a text file: a path of an image or archive a line, relative to the file's folder, an optional label behind a tab;
///   '#' after white space or at the beginning starts a comment. "X_map.txt" beside X.zip, as the release has it, names
///   members of that archive; "VOC/ImageSets/*/*.txt" names the stems of VOC/JPEGImages;
/// - a COCO or LVIS .json file: its images, in a folder looked for beside the file, beside its folder and by its split;
/// - LIST@ROOT: names of a text or .json file, relative to another folder or archive. The listed images are not looked
///   at, but must be members of an archive that is ROOT.
/// Usage errors: missing, unreadable, no image found (says what was looked for). Errors: a damaged archive or list, a
/// name of a .json file that leads out of its root.
ImageList list_images(const std::filesystem::path& source, const ListOptions& options = {});

/// The source as it is named from any working folder.
std::string absolute_source(const std::filesystem::path& source);

}  // namespace soco
