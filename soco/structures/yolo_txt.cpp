// SPDX-License-Identifier: MIT
#include "soco/structures/yolo_txt.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/log.h"
#include "soco/structures/numbers.h"

namespace soco {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// Takes the text up to `separator`, or all of it, off the front.
std::string_view take(std::string_view& text, std::string_view separators) {
  const std::size_t end = std::min(text.find_first_of(separators), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::vector<double> numbers_of_line(std::string_view line, const std::string& place) {
  std::vector<double> numbers;
  for (line = trimmed(line); !line.empty(); line = trimmed(line)) {
    const std::string_view word = take(line, kSpace);
    const std::optional<double> value = parse_number(word);
    if (!value) fail("{}: '{}' is no number", place, printable(word));
    numbers.push_back(*value);
  }
  return numbers;
}

/// Left, top, right, bottom as fractions of the image.
struct Extent {
  double left = 1, top = 1, right = 0, bottom = 0;
  void add(double x, double y) {
    left = std::min(left, x);
    top = std::min(top, y);
    right = std::max(right, x);
    bottom = std::max(bottom, y);
  }
};

Extent extent_of(const std::vector<double>& numbers) {
  Extent extent;
  if (numbers.size() == 5) {
    extent.add(numbers[1] - numbers[3] / 2, numbers[2] - numbers[4] / 2);
    extent.add(numbers[1] + numbers[3] / 2, numbers[2] + numbers[4] / 2);
  } else {
    for (std::size_t i = 1; i + 1 < numbers.size(); i += 2) extent.add(numbers[i], numbers[i + 1]);
  }
  return extent;
}

ObjectAnnotation object_of_line(const std::vector<double>& numbers, const std::string& place, int height, int width,
                                std::int64_t num_categories) {
  const bool polygon = numbers.size() >= 7 && numbers.size() % 2 == 1;
  if (numbers.size() != 5 && !polygon)
    fail("{}: {} numbers; expected 'class x y width height', or 'class x1 y1 x2 y2 x3 y3 ...'", place, numbers.size());
  if (!(numbers[0] >= 0 && numbers[0] < static_cast<double>(num_categories)) || numbers[0] != std::floor(numbers[0]))
    fail("{}: class {}; expected 0 to {}", place, numbers[0], num_categories - 1);
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (!(numbers[i] >= 0 && numbers[i] <= 1))
      fail("{}: {} where a fraction of the image, 0 to 1, is expected", place, numbers[i]);
  }
  const Extent e = extent_of(numbers);
  ObjectAnnotation object;
  object.category_id = static_cast<std::int64_t>(numbers[0]);
  object.box = {e.left * width, e.top * height, (e.right - e.left) * width, (e.bottom - e.top) * height};
  object.area = object.box.area();
  return object;
}

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

/// "[a, 'b']" or "{0: a, 1: b}" on one line, without its brackets.
std::vector<std::string> names_in_brackets(std::string_view inside) {
  std::vector<std::string> names;
  while (!trimmed(inside).empty()) {
    std::string_view item = take(inside, ",");
    if (const std::size_t colon = item.find(':'); colon != std::string_view::npos) item.remove_prefix(colon + 1);
    names.push_back(unquoted(item));
  }
  return names;
}

/// The names below the line "names:" of a YAML file: "- name" or "0: name", one a line, deeper than `names` itself.
std::vector<std::string> names_in_block(std::string_view text, const std::string& file) {
  std::map<std::int64_t, std::string> name_of_class;
  while (!text.empty()) {
    const std::string_view line = take(text, "\n"), content = trimmed(line);
    if (content.empty() || content.starts_with('#')) continue;
    const bool item = content.starts_with("- ");
    if (!item && !line.starts_with(' ') && !line.starts_with('\t')) break;
    auto number = static_cast<std::int64_t>(name_of_class.size());
    std::string_view name = content.substr(item ? 2 : 0);
    if (!item) {
      const std::string_view key = trimmed(take(name, ":"));
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
      if (error != std::errc{} || end != key.data() + key.size())
        fail("{}: '{}' among the names; expected '- name' or '0: name'", file, printable(content));
    }
    if (!name_of_class.emplace(number, unquoted(name)).second) fail("{}: class {} has two names", file, number);
  }
  std::vector<std::string> names;
  for (const auto& [number, name] : name_of_class) {
    if (number != static_cast<std::int64_t>(names.size()))
      fail("{}: class {} has no name, but {} has; expected numbers from 0 on", file, names.size(), number);
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> names_of_yaml(std::string_view text, const std::string& file) {
  while (!text.empty()) {
    std::string_view line = take(text, "\n");
    if (!line.starts_with("names:")) continue;
    line = trimmed(line.substr(6));
    line = trimmed(line.substr(0, line.find(" #")));
    const bool brackets = line.size() >= 2 &&
                          ((line.front() == '[' && line.back() == ']') || (line.front() == '{' && line.back() == '}'));
    return brackets ? names_in_brackets(line.substr(1, line.size() - 2)) : names_in_block(text, file);
  }
  return {};
}

std::vector<std::string> names_of_lines(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::string_view name = trimmed(take(text, "\n"));
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

}  // namespace

std::vector<ObjectAnnotation> read_yolo_labels(std::string_view text, const std::string& name, int height, int width,
                                               std::int64_t num_categories) {
  std::vector<ObjectAnnotation> objects;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::string place = fmt::format("{}: line {}", name, number);
    const std::vector<double> numbers = numbers_of_line(take(text, "\n"), place);
    if (!numbers.empty()) objects.push_back(object_of_line(numbers, place, height, width, num_categories));
  }
  return objects;
}

std::vector<std::string> read_yolo_names(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, kMaxYoloBytes);
  const bool yaml = path.extension() == ".yaml" || path.extension() == ".yml";
  std::vector<std::string> names = yaml ? names_of_yaml(text, path.string()) : names_of_lines(text);
  if (names.empty())
    fail("{}: no names of classes; expected {}", path.string(), yaml ? "'names:' and a list" : "one name a line");
  return names;
}

std::filesystem::path yolo_label_path(const std::filesystem::path& image) {
  std::vector<std::filesystem::path> parts(image.begin(), image.end());
  const auto last = std::find(parts.rbegin(), parts.rend(), "images");
  if (last != parts.rend()) *last = "labels";
  std::filesystem::path path;
  for (const std::filesystem::path& part : parts) path /= part;
  return path.replace_extension(".txt");
}

AnnotationSet read_yolo_annotations(const std::filesystem::path& root, const std::vector<std::string>& names,
                                    std::vector<AnnotatedImage> images) {
  AnnotationSet set;
  set.images = std::move(images);
  for (const std::string& name : names)
    set.categories.push_back({.id = static_cast<std::int64_t>(set.categories.size()), .name = name});
  for (const AnnotatedImage& image : set.images) {
    const std::filesystem::path file = root / yolo_label_path(image.file_name);
    std::error_code error;
    if (!std::filesystem::exists(file, error)) continue;
    for (ObjectAnnotation& object : read_yolo_labels(read_text_file(file, kMaxYoloBytes), file.string(), image.height,
                                                     image.width, static_cast<std::int64_t>(names.size()))) {
      object.id = static_cast<std::int64_t>(set.annotations.size()) + 1;
      object.image_id = image.id;
      set.annotations.push_back(object);
    }
  }
  return set;
}

}  // namespace soco
