// SPDX-License-Identifier: MIT
#include "soco/structures/voc_xml.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/log.h"
#include "soco/structures/numbers.h"
#include "soco/structures/xml_reader.h"

namespace soco {
namespace {

constexpr double kMaxSide = 1 << 24;    // px, as in COCO files
constexpr double kMaxCoordinate = 1e9;  // px
constexpr std::size_t kMaxObjects = 1'000'000;

/// Gathers the elements of one file as they end.
class VocBuilder {
 public:
  explicit VocBuilder(const std::string& name) : name_(name) {}

  void add(const XmlElement& element) {
    const std::string_view path = element.path;
    if (path == "annotation/filename") {
      image_.file_name = element.text;
    } else if (path == "annotation/size/width") {
      image_.width = side(element);
    } else if (path == "annotation/size/height") {
      image_.height = side(element);
    } else if (path == "annotation/object/name") {
      object_.category = element.text;
    } else if (path == "annotation/object/difficult") {
      object_.is_difficult = number(element) != 0;
    } else if (path.starts_with(kCorners)) {
      add_corner(path.substr(kCorners.size()), element);
    } else if (path == "annotation/object") {
      add_object();
    }
    is_annotation_ = is_annotation_ || path == "annotation";
  }

  VocImage finish() {
    if (!is_annotation_) fail("{}: is no Pascal VOC annotation; expected the root element <annotation>", name_);
    if (image_.width == 0 || image_.height == 0) fail("{}: has no <size> with <width> and <height>", name_);
    return std::move(image_);
  }

 private:
  static constexpr std::string_view kCorners = "annotation/object/bndbox/";
  static constexpr std::array<std::string_view, 4> kCornerNames{"xmin", "ymin", "xmax", "ymax"};

  double number(const XmlElement& element) const {
    const std::optional<double> value = parse_number(element.text);
    if (!value || std::abs(*value) > kMaxCoordinate)
      fail("{}: <{}> is '{}'; expected a number", name_, printable(element.path), printable(element.text));
    return *value;
  }

  int side(const XmlElement& element) const {
    const double value = number(element);
    if (value < 1 || value > kMaxSide || value != std::floor(value))
      fail("{}: <{}> is {}; expected 1 to {} pixels", name_, printable(element.path), value, kMaxSide);
    return static_cast<int>(value);
  }

  void add_corner(std::string_view corner, const XmlElement& element) {
    const auto found = std::find(kCornerNames.begin(), kCornerNames.end(), corner);
    if (found == kCornerNames.end()) return;
    std::optional<double>& place = corners_[static_cast<std::size_t>(found - kCornerNames.begin())];
    if (place) fail("{}: object {} has two <{}>", name_, image_.objects.size() + 1, corner);
    place = number(element);
  }

  void add_object() {
    const std::size_t index = image_.objects.size() + 1;
    if (index > kMaxObjects) fail("{}: more than {} objects", name_, kMaxObjects);
    if (object_.category.empty()) fail("{}: object {} has no <name>", name_, index);
    for (std::size_t i = 0; i < corners_.size(); ++i) {
      if (!corners_[i]) fail("{}: object {} has no <{}> in its <bndbox>", name_, index, kCornerNames[i]);
    }
    object_.box = coco_box_from_voc(*corners_[0], *corners_[1], *corners_[2], *corners_[3]);
    if (object_.box.width < 0 || object_.box.height < 0)
      fail("{}: object {} has a box of negative size: xmin {}, ymin {}, xmax {}, ymax {}", name_, index, *corners_[0],
           *corners_[1], *corners_[2], *corners_[3]);
    image_.objects.push_back(std::exchange(object_, {}));
    corners_ = {};
  }

  const std::string& name_;
  VocImage image_;
  VocImage::Object object_;
  std::array<std::optional<double>, 4> corners_;
  bool is_annotation_ = false;
};

std::vector<std::filesystem::path> annotation_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator child(folder, error);
  for (; !error && child != std::filesystem::directory_iterator(); child.increment(error)) {
    if (child->path().extension() == ".xml") files.push_back(child->path());
  }
  if (error) fail_usage("{}: cannot be listed: {}", folder.string(), error.message());
  if (files.empty())
    fail_usage("{}: no .xml file in it; expected the Annotations folder of a VOC tree", folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Ids of the names, from 1 in the names' order.
std::vector<ObjectCategory> numbered(std::map<std::string, std::int64_t>& id_of_name) {
  std::vector<ObjectCategory> categories;
  for (auto& [name, id] : id_of_name) {
    id = static_cast<std::int64_t>(categories.size()) + 1;
    categories.push_back({.id = id, .name = name});
  }
  return categories;
}

}  // namespace

CocoBox coco_box_from_voc(double xmin, double ymin, double xmax, double ymax) {
  return {xmin - 1, ymin - 1, xmax - xmin + 1, ymax - ymin + 1};
}

VocImage read_voc_image(std::string_view text, const std::string& name) {
  VocBuilder builder(name);
  read_xml(text, name, [&](const XmlElement& element) { builder.add(element); });
  return builder.finish();
}

AnnotationSet read_voc_annotations(const std::filesystem::path& folder) {
  std::vector<VocImage> images;
  std::map<std::string, std::int64_t> id_of_name;
  AnnotationSet set;
  for (const std::filesystem::path& file : annotation_files(folder)) {
    VocImage& image = images.emplace_back(read_voc_image(read_text_file(file, kMaxVocBytes), file.string()));
    if (image.file_name.empty()) image.file_name = file.stem().string() + ".jpg";
    for (const VocImage::Object& object : image.objects) id_of_name.emplace(object.category, 0);
  }
  set.categories = numbered(id_of_name);
  for (const VocImage& image : images) {
    const auto image_id = static_cast<std::int64_t>(set.images.size()) + 1;
    set.images.push_back({.id = image_id, .height = image.height, .width = image.width, .file_name = image.file_name});
    for (const VocImage::Object& object : image.objects) {
      set.annotations.push_back({.id = static_cast<std::int64_t>(set.annotations.size()) + 1,
                                 .image_id = image_id,
                                 .category_id = id_of_name.at(object.category),
                                 .box = object.box,
                                 .area = object.box.area(),
                                 .is_difficult = object.is_difficult});
    }
  }
  return set;
}

}  // namespace soco
