// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "soco/structures/annotation.h"
#include "soco/structures/coco_json.h"

namespace soco {

/// What of a detection and an object is compared.
enum class OverlapKind { kBox, kMask };

/// Whose area decides a detection's size group when masks are compared. kAsPycocotools: the boxes' when the first
/// result has a box, else the masks'.
enum class SizeOf { kAsPycocotools, kMask };

/// An object that was to be found. Index: place in DetectionData's lists.
struct TruthObject {
  CocoBox box;
  double area = 0;
  std::uint32_t image = 0, category = 0;
  bool is_crowd = false, is_difficult = false;
  std::string mask = {};  ///< its text, when masks are compared
};

struct Detection {
  CocoBox box;
  double area = 0, score = 0;
  std::uint32_t image = 0, category = 0;
};

/// Everything that metrics of detections need: images and categories by ascending id, objects and detections in their
/// files' order. Masks are kept as texts, so memory goes with the text of the files.
struct DetectionData {
  OverlapKind overlap = OverlapKind::kBox;
  std::vector<AnnotatedImage> images;
  std::vector<ObjectCategory> categories;
  std::vector<TruthObject> objects;
  std::vector<Detection> detections;
  std::vector<std::string> detection_masks;  ///< one for each detection when masks are compared, else none
};

struct DetectionReadOptions {
  OverlapKind overlap = OverlapKind::kBox;
  SizeOf size_of = SizeOf::kAsPycocotools;
  Repairs* repairs = nullptr;  ///< see CocoReadOptions; of results left out: those of unknown images and categories too
};

/// Reads annotations and results. As pycocotools does, results without a box get that around their mask, and results
/// without a mask, where masks are compared, that of their box. Errors as of the two readers, and for an annotation
/// without shape where masks are compared, or a result of an unknown image or category.
DetectionData read_detection_data(const std::filesystem::path& truth, const std::filesystem::path& results,
                                  const DetectionReadOptions& options);

/// The same from what is in memory, for programs that have just made detections.
class DetectionDataBuilder {
 public:
  DetectionDataBuilder(AnnotationSet truth, const DetectionReadOptions& options);
  /// Error (or a note in the repairs, and false) for what is said above; its text does not name the place.
  void add(DetectionResult& result);
  DetectionData finish() { return std::move(data_); }

 private:
  void add_object(ObjectAnnotation& annotation);
  void set_mask(DetectionResult& result, Detection& detection);

  DetectionData data_;
  SizeOf size_of_;
  std::unordered_map<std::int64_t, std::uint32_t> image_of_id_, category_of_id_;
  bool is_first_ = true, sizes_are_boxes_ = true;
};

}  // namespace soco
