// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "soco/structures/box.h"

namespace soco {

/// A box as COCO's files hold it: left, top, width, height, px of the image, continuous. float64, since published
/// metrics depend on the last bit of an overlap.
struct CocoBox {
  double x = 0, y = 0, width = 0, height = 0;
  double area() const { return width * height; }
  bool operator==(const CocoBox&) const = default;
};

inline CocoBox coco_box_from_box(const Box& b) {
  return {b.x1, b.y1, static_cast<double>(b.x2) - b.x1, static_cast<double>(b.y2) - b.y1};
}

/// One image of an annotated set.
struct AnnotatedImage {
  std::int64_t id = 0;
  int height = 0, width = 0;  ///< px
  std::string file_name;
  /// LVIS: categories looked for and not there; those whose objects are not all annotated. Others are unknown.
  std::vector<std::int64_t> absent_categories = {}, incomplete_categories = {};
};

/// How many images a category is in (LVIS): rare 1 to 10, common 11 to 100, frequent more.
enum class CategoryFrequency : std::uint8_t { kUnknown, kRare, kCommon, kFrequent };

struct ObjectCategory {
  std::int64_t id = 0;
  std::string name;
  CategoryFrequency frequency = CategoryFrequency::kUnknown;
};

/// Corners x, y, x, y, ... of a closed outline; px of the image, continuous.
using Polygon = std::vector<double>;

/// A mask as COCO's files hold it compactly; mask_rle.h reads and writes it.
struct MaskText {
  int height = 0, width = 0;  ///< px of the whole image
  std::string counts;
};

/// The shape of an object: polygons, whose union it is, or a mask, or nothing.
struct Segmentation {
  std::vector<Polygon> polygons;
  std::optional<MaskText> mask;
  bool empty() const { return polygons.empty() && !mask; }
};

/// One object, or a crowd: a region of many objects that were not told apart.
struct ObjectAnnotation {
  std::int64_t id = 0, image_id = 0, category_id = 0;
  CocoBox box;
  double area = 0;  ///< px, of the mask where there is one
  bool is_crowd = false;
  bool is_difficult = false;       ///< Pascal VOC: not counted when results are judged
  Segmentation segmentation = {};  ///< empty unless asked for
};

/// Images with their objects. Ids are unique, and every object's image and category is there.
struct AnnotationSet {
  std::vector<AnnotatedImage> images;         ///< in the file's order
  std::vector<ObjectCategory> categories;     ///< by id
  std::vector<ObjectAnnotation> annotations;  ///< in the file's order
};

/// One box that a detector (or a proposal method) claims, the likelier the higher its score.
struct DetectionResult {
  std::int64_t image_id = 0, category_id = 0;
  CocoBox box = {};
  double score = 0;
  bool has_box = true;
  Segmentation segmentation = {};  ///< empty unless asked for
};

}  // namespace soco
