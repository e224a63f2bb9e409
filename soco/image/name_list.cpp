// SPDX-License-Identifier: MIT
#include "soco/image/name_list.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string_view>

#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/structures/coco_json.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxLine = 64 << 10;
constexpr std::size_t kMaxPaths = 1'000'000;
constexpr std::size_t kMaxPathBytes = 256 << 20;  // of all of them
constexpr std::string_view kMapEnding = "_map.txt";

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool is_json(const fs::path& path) { return path.extension() == ".json"; }

/// VOC/ImageSets/Main/train.txt -> VOC; nothing elsewhere.
std::optional<fs::path> voc_root(const fs::path& file) {
  const fs::path sets = file.parent_path().parent_path();
  if (sets.filename() != "ImageSets" || !is_folder(sets.parent_path() / "JPEGImages")) return std::nullopt;
  return sets.parent_path();
}

/// train_map.txt -> train.zip, when that is there.
std::optional<fs::path> map_root(const fs::path& file) {
  const std::string name = file.filename().string();
  if (!name.ends_with(kMapEnding)) return std::nullopt;
  const fs::path archive = file.parent_path() / (name.substr(0, name.size() - kMapEnding.size()) + ".zip");
  return is_file(archive) ? std::optional(archive) : std::nullopt;
}

/// A line without its comment and the white space around it. '#' inside a word belongs to the name.
std::string stripped(std::string_view line) {
  constexpr const char* kSpace = " \t\r";
  std::size_t end = line.size();
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at != 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
    end = at;
    break;
  }
  const std::size_t first = line.find_first_not_of(kSpace);
  if (first == std::string_view::npos || first >= end) return {};
  return std::string(line.substr(first, line.find_last_not_of(kSpace, end - 1) - first + 1));
}

/// "path<TAB>123" -> "path": the label of a classification list.
std::string without_label(std::string name) {
  const std::size_t tab = name.rfind('\t');
  if (tab == std::string::npos) return name;
  const bool is_number = tab + 1 < name.size() && name.find_first_not_of("0123456789", tab + 1) == std::string::npos;
  return is_number ? name.substr(0, name.find_last_not_of(" \t", tab) + 1) : name;
}

void read_lines(const fs::path& file, const std::function<void(const std::string&)>& on_line) {
  std::ifstream stream(file);
  if (!stream) fail_usage("{}: cannot be read: {}", file.string(), errno_text(errno));
  std::vector<char> buffer(kMaxLine + 1);
  for (std::int64_t number = 1;
       stream.getline(buffer.data(), static_cast<std::streamsize>(buffer.size())) || stream.gcount() > 0; ++number) {
    const auto size = static_cast<std::size_t>(stream.gcount()) - (stream.eof() || stream.fail() ? 0 : 1);
    const std::string_view line(buffer.data(), size);
    if (line.find('\0') != std::string_view::npos)
      fail_usage("{}: is no text file; name a folder of images, or a text file with one path a line", file.string());
    if (stream.fail() && !stream.eof())
      fail_usage("{}: line {} has more than {} bytes; one path a line is expected", file.string(), number, kMaxLine);
    on_line(std::string(line));
  }
  if (stream.bad()) fail_usage("{}: cannot be read to its end: {}", file.string(), errno_text(errno));
}

/// The split that a COCO or LVIS file is of: "instances_train2017", "lvis_v1_train" -> what stands behind the last '_'.
std::string split_of(const fs::path& json) {
  const std::string stem = json.stem().string();
  return stem.substr(stem.rfind('_') + 1);
}

fs::path json_root(const fs::path& json) {
  std::string first;
  read_coco_image_names(json, [&](const std::string& name) {
    if (first.empty()) first = name;
  });
  if (first.empty()) fail_usage("{}: lists no image", json.string());
  const fs::path here = json.parent_path(), above = here / "..";
  const std::string split = split_of(json);
  const std::array<fs::path, 7> folders{
      here, here / "images", here / split, above / split, above / "images" / split, above / "images", above};
  std::string looked;
  for (const fs::path& folder : folders) {
    if (is_file(folder / first)) return folder.lexically_normal();
    looked += (looked.empty() ? "" : ", ") + folder.lexically_normal().string();
  }
  fail_usage("{}: its first image, '{}', is in none of {}; name the folder or archive of its images: {}@FOLDER",
             json.string(), printable(first), looked, json.string());
}

/// The text as a number from 0 on, or nothing.
std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// What the inside of a brace stands for: "000..015" counts, filled up with zeros to the width of its ends; "a,b"
/// lists. At most `most`.
std::vector<std::string> brace_values(const std::string& inside, std::size_t most, const std::string& pattern) {
  std::vector<std::string> values;
  if (const std::size_t dots = inside.find(".."); dots != std::string::npos) {
    const auto first = whole_number(std::string_view(inside).substr(0, dots));
    const auto last = whole_number(std::string_view(inside).substr(dots + 2));
    if (!first || !last || *last < *first || static_cast<std::uint64_t>(*last - *first) >= most)
      fail_usage("{}: '{{{}}}' counts from a number up to another, at most {} of them", pattern, inside, most);
    for (std::int64_t i = *first; i <= *last; ++i) values.push_back(fmt::format("{:0{}}", i, dots));
    return values;
  }
  for (std::size_t at = 0;;) {
    const std::size_t comma = std::min(inside.find(',', at), inside.size());
    values.push_back(inside.substr(at, comma - at));
    if (comma == inside.size()) return values;
    at = comma + 1;
  }
}

std::vector<std::string> expand_braces(const std::string& pattern) {
  const std::size_t most = std::min(kMaxPaths, kMaxPathBytes / (pattern.size() + 1));  // no path is longer than it
  std::vector<std::string> texts{""};
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t open = std::min(pattern.find('{', at), pattern.size());
    for (std::string& text : texts) text += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const std::size_t close = pattern.find('}', open);
    if (close == std::string::npos) fail_usage("{}: a '{{' that is not closed", pattern);
    const std::vector<std::string> values = brace_values(pattern.substr(open + 1, close - open - 1), most, pattern);
    if (values.size() * texts.size() > most) fail_usage("{}: stands for more than {} paths", pattern, most);
    std::vector<std::string> longer;
    for (const std::string& text : texts) {
      for (const std::string& value : values) longer.push_back(text + value);
    }
    texts = std::move(longer);
    at = close + 1;
  }
  return texts;
}

void add_matches(const std::string& pattern, std::vector<fs::path>& paths) {
  if (pattern.find_first_of("*?[") == std::string::npos) return paths.push_back(pattern);
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  }
  globfree(&found);
}

}  // namespace

std::optional<NameList> find_name_list(const fs::path& source) {
  const std::string text = source.native();
  if (is_file(source)) {
    if (is_json(source)) return NameList{source, json_root(source)};
    if (const auto archive = map_root(source)) return NameList{source, *archive};
    if (const auto voc = voc_root(source)) return NameList{source, *voc};
    return NameList{source, source.parent_path()};
  }
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at + 1)) {
    NameList list{text.substr(0, at), text.substr(at + 1)};
    if (is_file(list.file) && (is_folder(list.root) || is_file(list.root))) return list;
  }
  return std::nullopt;
}

void read_names(const NameList& list, const std::function<void(const std::string&)>& on_name) {
  if (is_json(list.file)) {
    return read_coco_image_names(list.file, [&](const std::string& name) {
      const fs::path path = fs::path(name).lexically_normal();
      if (path.is_absolute() || path.empty() || *path.begin() == "..")
        fail("{}: the image '{}' leads out of the folder of the images", list.file.string(), printable(name));
      on_name(name);
    });
  }
  const bool stems = voc_root(list.file) == list.root;
  read_lines(list.file, [&](const std::string& line) {
    const std::string name = without_label(stripped(line));
    if (name.empty()) return;
    on_name(stems ? "JPEGImages/" + name.substr(0, name.find_first_of(" \t")) + ".jpg" : name);
  });
}

std::vector<fs::path> expand_pattern(const std::string& pattern) {
  std::vector<fs::path> paths;
  for (const std::string& text : expand_braces(pattern)) add_matches(text, paths);
  return paths;
}

bool is_pattern(const std::string& path) { return path.find_first_of("{*?[") != std::string::npos; }

fs::path pattern_folder(const std::string& pattern) {
  const std::size_t slash = pattern.rfind('/', pattern.find_first_of("{*?["));
  return slash == std::string::npos ? fs::path(".") : fs::path(pattern.substr(0, slash + 1));
}

}  // namespace soco
