// SPDX-License-Identifier: MIT
#include "soco/structures/coco_json.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "soco/structures/coco_fields.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

constexpr std::int64_t kMaxSide = 1 << 24;  // px; whole numbers up to here are exact in a Box

int read_side(JsonReader& json) {
  const std::int64_t side = json.read_integer();
  if (side < 1 || side > kMaxSide) json.fail_here(fmt::format("{} pixels; expected 1 to {}", side, kMaxSide));
  return static_cast<int>(side);
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

/// A number of 0 or 1, or a truth value.
std::int64_t read_flag(JsonReader& json) {
  return json.peek() == JsonReader::Kind::kBool ? json.read_bool() : json.read_integer();
}

std::string box_text(const CocoBox& box) {
  return fmt::format("[{}, {}, {}, {}]", box.x, box.y, box.width, box.height);
}

bool has_negative_size(const CocoBox& box) { return box.width < 0 || box.height < 0; }

std::string negative_size(const CocoBox& box) {
  return fmt::format("a box of negative size, {}; expected [x, y, width, height]", box_text(box));
}

/// Reads one whole file, judging entry by entry.
class SetReader {
 public:
  SetReader(JsonReader& json, const CocoReadOptions& options) : json_(json), options_(options) {}

  AnnotationSet read() {
    RequiredKeys<3> required({"images", "annotations", "categories"});
    json_.read_object([&](const std::string& key) {
      required.seen(key);
      if (key == "images") {
        json_.read_array([&] { add_unique(set_.images, read_image_entry(json_), image_of_id_, "images"); });
      } else if (key == "annotations") {
        std::size_t index = 0;
        json_.read_array([&] { read_annotation(index++); });
      } else if (key == "categories") {
        json_.read_array([&] { add_unique(set_.categories, read_category(json_), category_of_id_, "categories"); });
      } else {
        json_.skip();
      }
    });
    json_.finish();
    required.check(json_, "COCO instances file");
    settle_annotations();
    std::sort(set_.categories.begin(), set_.categories.end(),
              [](const ObjectCategory& a, const ObjectCategory& b) { return a.id < b.id; });
    return std::move(set_);
  }

 private:
  using IndexOfId = std::unordered_map<std::int64_t, std::size_t>;

  void fault(std::string_view what, std::string_view repair) { note_fault(json_, options_.repairs, what, repair); }

  template <class T>
  void add_unique(std::vector<T>& items, T item, IndexOfId& index_of_id, std::string_view what) {
    if (index_of_id.emplace(item.id, items.size()).second) {
      items.push_back(std::move(item));
    } else {
      fault(fmt::format("two {} have the id {}", what, item.id), "the first stays");
    }
  }

  void read_annotation(std::size_t index) {
    ObjectAnnotation a;
    a.area = kUnknownArea;
    RequiredKeys<4> required({"id", "image_id", "category_id", "bbox"});
    json_.read_object([&](const std::string& key) {
      required.seen(key);
      read_member(key, a);
    });
    const std::string_view missing = required.missing();
    if (!missing.empty() && missing != "id")
      return fault(fmt::format("this annotation has no '{}'", missing), "left out");
    if (has_negative_size(a.box)) return;
    if (!missing.empty()) {
      fault("this annotation has no 'id'", "numbered anew");
      nameless_.push_back(set_.annotations.size());
    } else if (!annotation_ids_.insert(a.id).second) {
      fault(fmt::format("two annotations have the id {}", a.id), "numbered anew");
      nameless_.push_back(set_.annotations.size());
    }
    // Shapes become masks at once where the image is known already: corners take many times a mask's memory.
    const auto image = image_of_id_.find(a.image_id);
    if (image != image_of_id_.end() && !settle_shape(a, set_.images[image->second], json_.where()))
      a.image_id = kLeftOut;
    set_.annotations.push_back(std::move(a));
    is_settled_.push_back(image != image_of_id_.end());
    places_.push_back(index);
  }

  void read_member(const std::string& key, ObjectAnnotation& a) {
    if (key == "id") {
      a.id = json_.read_integer();
    } else if (key == "image_id") {
      a.image_id = json_.read_integer();
    } else if (key == "category_id") {
      a.category_id = json_.read_integer();
    } else if (key == "bbox") {
      const std::optional<CocoBox> box = read_coco_box(json_);
      if (!box) json_.fail_here("a box of 0 numbers; expected [x, y, width, height]");
      a.box = *box;
      if (has_negative_size(a.box)) fault(negative_size(a.box), "left out");
    } else if (key == "iscrowd") {
      const std::int64_t value = read_flag(json_);
      if (value != 0 && value != 1) fault(fmt::format("iscrowd is {}; expected 0 or 1", value), "taken as 1");
      a.is_crowd = value != 0;
    } else if (key == "ignore" || key == "difficult") {
      a.is_difficult = read_flag(json_) != 0 || a.is_difficult;
    } else if (key == "area") {
      a.area = json_.read_number();
      if (a.area >= 0) return;
      fault(fmt::format("a negative area, {}", a.area), "computed anew");
      a.area = kUnknownArea;
    } else if (key == "segmentation" && options_.segmentations != SegmentationUse::kSkip) {
      a.segmentation = read_coco_segmentation(json_);
    } else {
      json_.skip();
    }
  }

  /// Checks the annotation's shape and turns it to what was asked for; false when it cannot be used.
  bool settle_shape(ObjectAnnotation& a, const AnnotatedImage& image, const std::string& place) {
    const bool masks = options_.segmentations == SegmentationUse::kMask;
    try {
      if (masks && a.segmentation.empty()) fail("no segmentation; boxes can be compared without");
      if (!a.segmentation.empty()) {
        const MaskRle mask = mask_from_segmentation(image.height, image.width, a.segmentation);
        if (a.area < 0) a.area = static_cast<double>(mask_area(mask));
        if (masks) a.segmentation = {.polygons = {}, .mask = MaskText{image.height, image.width, mask_text(mask)}};
      }
    } catch (const Error& error) {
      note_fault(json_.name(), place, options_.repairs, error.what(), "left out");
      return false;
    }
    if (a.area < 0) a.area = a.box.area();
    return true;
  }

  /// What can be told only when everything is read: unknown images and categories, shapes that came before images.
  void settle_annotations() {
    std::size_t kept = 0;
    std::vector<bool> is_nameless(set_.annotations.size(), false);
    for (const std::size_t i : nameless_) is_nameless[i] = true;
    std::int64_t next_id = 1;
    for (std::size_t i = 0; i < set_.annotations.size(); ++i) {
      ObjectAnnotation& a = set_.annotations[i];
      if (a.image_id == kLeftOut || !settle_references(i, fmt::format("'annotations'[{}]", places_[i]))) continue;
      while (is_nameless[i] && !annotation_ids_.insert(a.id = next_id++).second) {
      }
      if (kept != i) set_.annotations[kept] = std::move(a);
      ++kept;
    }
    set_.annotations.resize(kept);
  }

  bool settle_references(std::size_t index, const std::string& place) {
    ObjectAnnotation& a = set_.annotations[index];
    const auto image = image_of_id_.find(a.image_id);
    if (image == image_of_id_.end()) {
      note_fault(json_.name(), place, options_.repairs,
                 fmt::format("annotation {} is of image_id {}, which is not among the file's images", a.id, a.image_id),
                 "left out");
      return false;
    }
    if (!category_of_id_.contains(a.category_id)) {
      note_fault(json_.name(), place, options_.repairs,
                 fmt::format("annotation {} has category_id {}, which is not among the file's categories", a.id,
                             a.category_id),
                 "left out");
      return false;
    }
    return is_settled_[index] || settle_shape(a, set_.images[image->second], place);
  }

  static constexpr double kUnknownArea = -1;
  static constexpr std::int64_t kLeftOut = std::numeric_limits<std::int64_t>::min();

  JsonReader& json_;
  const CocoReadOptions& options_;
  AnnotationSet set_;
  IndexOfId image_of_id_, category_of_id_;
  std::unordered_set<std::int64_t> annotation_ids_;
  std::vector<std::size_t> places_;    // of each annotation, in the file's list
  std::vector<bool> is_settled_;       // of each annotation: its shape
  std::vector<std::size_t> nameless_;  // annotations to be given an id
};

}  // namespace

void note_fault(const std::string& file, std::string_view place, Repairs* repairs, std::string_view fault,
                std::string_view repair) {
  if (repairs == nullptr) fail("{}: {}: {} (--repair: {})", file, place, fault, repair);
  repairs->add(fmt::format("{}: {}: {}: {}", file, place, fault, repair));
}

void note_fault(const JsonReader& json, Repairs* repairs, std::string_view fault, std::string_view repair) {
  note_fault(json.name(), json.where(), repairs, fault, repair);
}

AnnotationSet read_coco_annotations(JsonReader& json, const CocoReadOptions& options) {
  return SetReader(json, options).read();
}

AnnotationSet read_coco_annotations(const std::filesystem::path& path, const CocoReadOptions& options) {
  JsonReader json(path, kCocoAnnotationsForm);
  return read_coco_annotations(json, options);
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
  read_coco_results(json, {}, [&](DetectionResult& result) {
    if (!result.has_box) json.fail_here("this result has no 'bbox'");
    visit(result);
  });
}

void read_coco_results(JsonReader& json, const CocoReadOptions& options,
                       const std::function<void(DetectionResult&)>& visit) {
  const bool reads_shapes = options.segmentations != SegmentationUse::kSkip;
  json.read_array([&] {
    DetectionResult result{.has_box = false};
    RequiredKeys<3> required({"image_id", "category_id", "score"});
    json.read_object([&](const std::string& key) {
      required.seen(key);
      if (key == "image_id") {
        result.image_id = json.read_integer();
      } else if (key == "category_id") {
        result.category_id = json.read_integer();
      } else if (key == "bbox") {
        const std::optional<CocoBox> box = read_coco_box(json);
        result.has_box = box.has_value();
        result.box = box.value_or(CocoBox{});
        if (has_negative_size(result.box)) note_fault(json, options.repairs, negative_size(result.box), "left out");
      } else if (key == "score") {
        result.score = json.read_number();
      } else if (key == "segmentation" && reads_shapes) {
        result.segmentation = read_coco_segmentation(json);
      } else {
        json.skip();
      }
    });
    if (!required.missing().empty()) {
      return note_fault(json, options.repairs, fmt::format("this result has no '{}'", required.missing()), "left out");
    }
    if (has_negative_size(result.box)) return;
    if (!result.has_box && result.segmentation.empty()) {
      return note_fault(
          json, options.repairs,
          reads_shapes ? "this result has neither 'bbox' nor 'segmentation'" : "this result has no 'bbox'", "left out");
    }
    visit(result);
  });
  json.finish();
}

}  // namespace soco
