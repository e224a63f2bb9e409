// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/base/json_reader.h"
#include "soco/structures/annotation.h"

namespace soco {

/// What was wrong in a file and put right: every line is counted, the first thousand are kept.
class Repairs {
 public:
  void add(std::string line) {
    ++count_;
    if (lines_.size() < 1000) lines_.push_back(std::move(line));
  }
  std::int64_t count() const { return count_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::int64_t count_ = 0;
  std::vector<std::string> lines_;
};

/// What becomes of the shapes of objects: passed over; kept as the file has them, checked; or kept as masks, which
/// takes a few bytes for each column of an object; then every annotation must have one.
enum class SegmentationUse { kSkip, kKeep, kMask };

struct CocoReadOptions {
  SegmentationUse segmentations = SegmentationUse::kSkip;
  /// When given, faults that can be put right are, with a line here; otherwise each is an error. Put right are entries
  /// without a key that they need, of negative size, of an unknown image or category, or with a shape that is none:
  /// left out. Images or categories with an id again: the first stays. Annotations with an id again: numbered anew.
  /// A negative area: computed. An iscrowd other than 0 or 1: 1.
  Repairs* repairs = nullptr;
};

/// Reads a COCO instances file: images (id, file_name, height, width), categories (id, name) and annotations (id,
/// image_id, category_id, bbox; iscrowd and area when there, else 0 and the area of the mask, if read, or the box;
/// ignore or difficult: is_difficult). All other keys are passed over, so memory goes with what is kept, not with the
/// file. LVIS files are read too: images without file_name get the last two parts of their coco_url
/// ("train2017/000000391895.jpg"), and neg_category_ids, not_exhaustive_category_ids and frequency are kept.
/// Errors name file, place and byte: not JSON, a missing list or key, a wrong type, a negative or not finite size, an
/// id twice, an annotation whose image or category is not in the file; where shapes are read, polygons without three
/// corners and masks that do not fill their image.
AnnotationSet read_coco_annotations(const std::filesystem::path& path, const CocoReadOptions& options = {});
AnnotationSet read_coco_annotations(JsonReader& json, const CocoReadOptions& options = {});

/// The file names of such a file's images, in its order; annotations and categories need not be there. Errors as above.
void read_coco_image_names(const std::filesystem::path& path, const std::function<void(const std::string&)>& visit);

/// Reads a COCO results file, a list of {image_id, category_id, bbox, score}, one box in memory at a time, in the
/// file's order. Errors as above. `visit` may call `json.fail_here` to name the place of what it does not like.
void read_coco_results(JsonReader& json, const std::function<void(const DetectionResult&)>& visit);

/// As above, for results with a box, a segmentation, or both (without box: has_box is false). The shapes are kept
/// unless passed over; their texts and corners are not checked here, since the image's size is not known.
void read_coco_results(JsonReader& json, const CocoReadOptions& options,
                       const std::function<void(DetectionResult&)>& visit);

/// Notes a fault at the reader's place with what is done about it; an error when there are no repairs.
void note_fault(const JsonReader& json, Repairs* repairs, std::string_view fault, std::string_view repair);
void note_fault(const std::string& file, std::string_view place, Repairs* repairs, std::string_view fault,
                std::string_view repair);

/// What those files look like, for JsonReader's errors.
inline constexpr const char* kCocoAnnotationsForm =
    "{\"images\": [{\"id\", \"file_name\", \"height\", \"width\"}, ...], \"annotations\": [{\"id\", \"image_id\", "
    "\"category_id\", \"bbox\": [x, y, width, height]}, ...], \"categories\": [{\"id\", \"name\"}, ...]}";
inline constexpr const char* kCocoResultsForm =
    "[{\"image_id\", \"category_id\", \"bbox\": [x, y, width, height], \"score\"}, ...]";

}  // namespace soco
