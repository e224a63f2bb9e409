// SPDX-License-Identifier: MIT
#include "soco/structures/coco_json.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace soco {
namespace {

constexpr std::int64_t kMaxSide = 1 << 24;  // px; whole numbers up to here are exact in a Box
constexpr double kMaxCoordinate = 1e9;      // px; areas of boxes stay far from overflow

/// The keys an object must have; seen() is told of each, check() names what is missing.
template <std::size_t N>
class RequiredKeys {
 public:
  explicit RequiredKeys(const std::array<std::string_view, N>& keys) : keys_(keys) {}
  void seen(std::string_view key) {
    for (std::size_t i = 0; i < N; ++i) {
      if (keys_[i] == key) seen_.set(i);
    }
  }
  void check(const JsonReader& json, std::string_view what) const {
    for (std::size_t i = 0; i < N; ++i) {
      if (!seen_[i]) json.fail_here(fmt::format("this {} has no '{}'", what, keys_[i]));
    }
  }

 private:
  std::array<std::string_view, N> keys_;
  std::bitset<N> seen_;
};

CocoBox read_box(JsonReader& json) {
  std::array<double, 4> values{};
  std::size_t count = 0;
  json.read_array([&] {
    const double value = json.read_number();
    if (count < 4) values[count] = value;
    ++count;
  });
  if (count != 4) json.fail_here(fmt::format("a box of {} numbers; expected [x, y, width, height]", count));
  for (const double value : values) {
    if (std::abs(value) > kMaxCoordinate) json.fail_here(fmt::format("{} px, which no image reaches", value));
  }
  const CocoBox box{values[0], values[1], values[2], values[3]};
  if (box.width < 0 || box.height < 0) {
    json.fail_here(fmt::format("a box of negative size, [{}, {}, {}, {}]; expected [x, y, width, height]", box.x, box.y,
                               box.width, box.height));
  }
  return box;
}

int read_side(JsonReader& json) {
  const std::int64_t side = json.read_integer();
  if (side < 1 || side > kMaxSide) json.fail_here(fmt::format("{} pixels; expected 1 to {}", side, kMaxSide));
  return static_cast<int>(side);
}

bool read_crowd(JsonReader& json) {
  if (json.peek() == JsonReader::Kind::kBool) return json.read_bool();
  const std::int64_t value = json.read_integer();
  if (value != 0 && value != 1) json.fail_here(fmt::format("iscrowd is {}; expected 0 or 1", value));
  return value == 1;
}

/// http://images.cocodataset.org/train2017/000000391895.jpg -> train2017/000000391895.jpg
std::string name_of_url(const std::string& url) {
  const std::size_t last = url.rfind('/');
  if (last == std::string::npos || last == 0) return url;
  const std::size_t before = url.rfind('/', last - 1);
  return before == std::string::npos ? url : url.substr(before + 1);
}

std::vector<std::int64_t> read_ids(JsonReader& json) {
  std::vector<std::int64_t> ids;
  json.read_array([&] { ids.push_back(json.read_integer()); });
  return ids;
}

AnnotatedImage read_image_entry(JsonReader& json) {
  AnnotatedImage image;
  std::string url;
  RequiredKeys<3> required({"id", "height", "width"});
  json.read_object([&](const std::string& key) {
    required.seen(key);
    if (key == "id") {
      image.id = json.read_integer();
    } else if (key == "file_name") {
      image.file_name = json.read_text();
    } else if (key == "coco_url") {
      url = json.read_text();
    } else if (key == "height") {
      image.height = read_side(json);
    } else if (key == "width") {
      image.width = read_side(json);
    } else if (key == "neg_category_ids") {
      image.absent_categories = read_ids(json);
    } else if (key == "not_exhaustive_category_ids") {
      image.incomplete_categories = read_ids(json);
    } else {
      json.skip();
    }
  });
  required.check(json, "image");
  if (image.file_name.empty()) image.file_name = name_of_url(url);
  if (image.file_name.empty()) json.fail_here("this image has no 'file_name'");
  return image;
}

CategoryFrequency read_frequency(JsonReader& json) {
  const std::string text = json.read_text();
  if (text == "r") return CategoryFrequency::kRare;
  if (text == "c") return CategoryFrequency::kCommon;
  if (text == "f") return CategoryFrequency::kFrequent;
  json.fail_here(fmt::format("frequency '{}'; expected r, c or f", text));
}

ObjectCategory read_category(JsonReader& json) {
  ObjectCategory category;
  RequiredKeys<2> required({"id", "name"});
  json.read_object([&](const std::string& key) {
    required.seen(key);
    if (key == "id") {
      category.id = json.read_integer();
    } else if (key == "name") {
      category.name = json.read_text();
    } else if (key == "frequency") {
      category.frequency = read_frequency(json);
    } else {
      json.skip();
    }
  });
  required.check(json, "category");
  return category;
}

ObjectAnnotation read_annotation(JsonReader& json) {
  ObjectAnnotation annotation;
  annotation.area = -1;
  RequiredKeys<4> required({"id", "image_id", "category_id", "bbox"});
  json.read_object([&](const std::string& key) {
    required.seen(key);
    if (key == "id") {
      annotation.id = json.read_integer();
    } else if (key == "image_id") {
      annotation.image_id = json.read_integer();
    } else if (key == "category_id") {
      annotation.category_id = json.read_integer();
    } else if (key == "bbox") {
      annotation.box = read_box(json);
    } else if (key == "iscrowd") {
      annotation.is_crowd = read_crowd(json);
    } else if (key == "area") {
      annotation.area = json.read_number();
      if (annotation.area < 0) json.fail_here(fmt::format("a negative area, {}", annotation.area));
    } else {
      json.skip();
    }
  });
  required.check(json, "annotation");
  if (annotation.area < 0) annotation.area = annotation.box.area();
  return annotation;
}

template <class T>
std::vector<std::int64_t> sorted_ids(const std::vector<T>& items, const std::string& file, std::string_view what) {
  std::vector<std::int64_t> ids;
  ids.reserve(items.size());
  for (const T& item : items) ids.push_back(item.id);
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) fail("{}: two {} have the id {}", file, what, *twice);
  return ids;
}

void check_references(const AnnotationSet& set, const std::string& file) {
  const std::vector<std::int64_t> images = sorted_ids(set.images, file, "images");
  const std::vector<std::int64_t> categories = sorted_ids(set.categories, file, "categories");
  sorted_ids(set.annotations, file, "annotations");
  for (const ObjectAnnotation& a : set.annotations) {
    if (!std::binary_search(images.begin(), images.end(), a.image_id)) {
      fail("{}: annotation {} is of image_id {}, which is not among the file's images", file, a.id, a.image_id);
    }
    if (!std::binary_search(categories.begin(), categories.end(), a.category_id)) {
      fail("{}: annotation {} has category_id {}, which is not among the file's categories", file, a.id, a.category_id);
    }
  }
}

}  // namespace

AnnotationSet read_coco_annotations(JsonReader& json) {
  AnnotationSet set;
  RequiredKeys<3> required({"images", "annotations", "categories"});
  json.read_object([&](const std::string& key) {
    required.seen(key);
    if (key == "images") {
      json.read_array([&] { set.images.push_back(read_image_entry(json)); });
    } else if (key == "annotations") {
      json.read_array([&] { set.annotations.push_back(read_annotation(json)); });
    } else if (key == "categories") {
      json.read_array([&] { set.categories.push_back(read_category(json)); });
    } else {
      json.skip();
    }
  });
  json.finish();
  required.check(json, "COCO instances file");
  check_references(set, json.name());
  std::sort(set.categories.begin(), set.categories.end(),
            [](const ObjectCategory& a, const ObjectCategory& b) { return a.id < b.id; });
  return set;
}

AnnotationSet read_coco_annotations(const std::filesystem::path& path) {
  JsonReader json(path, kCocoAnnotationsForm);
  return read_coco_annotations(json);
}

void read_coco_image_names(const std::filesystem::path& path, const std::function<void(const std::string&)>& visit) {
  JsonReader json(path, kCocoAnnotationsForm);
  RequiredKeys<1> required({"images"});
  json.read_object([&](const std::string& key) {
    required.seen(key);
    if (key != "images") return json.skip();
    json.read_array([&] { visit(read_image_entry(json).file_name); });
  });
  json.finish();
  required.check(json, "COCO file");
}

void read_coco_results(JsonReader& json, const std::function<void(const DetectionResult&)>& visit) {
  json.read_array([&] {
    DetectionResult result;
    RequiredKeys<4> required({"image_id", "category_id", "bbox", "score"});
    json.read_object([&](const std::string& key) {
      required.seen(key);
      if (key == "image_id") {
        result.image_id = json.read_integer();
      } else if (key == "category_id") {
        result.category_id = json.read_integer();
      } else if (key == "bbox") {
        result.box = read_box(json);
      } else if (key == "score") {
        result.score = json.read_number();
      } else {
        json.skip();
      }
    });
    required.check(json, "result");
    visit(result);
  });
  json.finish();
}

}  // namespace soco
