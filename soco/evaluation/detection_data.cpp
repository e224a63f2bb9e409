// SPDX-License-Identifier: MIT
#include "soco/evaluation/detection_data.h"

#include <algorithm>
#include <utility>

#include "soco/base/error.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

template <class T>
std::unordered_map<std::int64_t, std::uint32_t> sort_by_id(std::vector<T>& items) {
  std::sort(items.begin(), items.end(), [](const T& a, const T& b) { return a.id < b.id; });
  std::unordered_map<std::int64_t, std::uint32_t> index_of_id;
  for (const T& item : items) index_of_id.emplace(item.id, static_cast<std::uint32_t>(index_of_id.size()));
  return index_of_id;
}

CocoReadOptions read_options(const DetectionReadOptions& options, SegmentationUse use) {
  return {.segmentations = use, .repairs = options.repairs};
}

}  // namespace

DetectionDataBuilder::DetectionDataBuilder(AnnotationSet truth, const DetectionReadOptions& options)
    : size_of_(options.size_of) {
  data_.overlap = options.overlap;
  data_.images = std::move(truth.images);
  data_.categories = std::move(truth.categories);
  image_of_id_ = sort_by_id(data_.images);
  category_of_id_ = sort_by_id(data_.categories);
  data_.objects.reserve(truth.annotations.size());
  for (ObjectAnnotation& annotation : truth.annotations) add_object(annotation);
}

void DetectionDataBuilder::add_object(ObjectAnnotation& a) {
  TruthObject object{.box = a.box,
                     .area = a.area,
                     .image = image_of_id_.at(a.image_id),
                     .category = category_of_id_.at(a.category_id),
                     .is_crowd = a.is_crowd,
                     .is_difficult = a.is_difficult};
  if (data_.overlap == OverlapKind::kMask) {
    if (a.segmentation.empty()) fail("annotation {} has no segmentation, so masks cannot be compared", a.id);
    const AnnotatedImage& image = data_.images[object.image];
    object.mask = a.segmentation.mask ? std::move(a.segmentation.mask->counts)
                                      : mask_text(mask_from_segmentation(image.height, image.width, a.segmentation));
  }
  data_.objects.push_back(std::move(object));
}

void DetectionDataBuilder::set_mask(DetectionResult& result, Detection& detection) {
  const AnnotatedImage& image = data_.images[detection.image];
  if (result.segmentation.empty()) {
    const double x1 = result.box.x, y1 = result.box.y, x2 = x1 + result.box.width, y2 = y1 + result.box.height;
    result.segmentation.polygons = {{x1, y1, x1, y2, x2, y2, x2, y1}};
  }
  const MaskRle mask = mask_from_segmentation(image.height, image.width, result.segmentation);
  if (!sizes_are_boxes_) detection.area = static_cast<double>(mask_area(mask));
  if (!result.has_box) detection.box = mask_box(mask);
  if (data_.overlap == OverlapKind::kBox) return;
  data_.detection_masks.push_back(result.segmentation.mask ? std::move(result.segmentation.mask->counts)
                                                           : mask_text(mask));
}

void DetectionDataBuilder::add(DetectionResult& result) {
  const auto image = image_of_id_.find(result.image_id);
  if (image == image_of_id_.end()) fail("image_id {} is not among the annotations' images", result.image_id);
  const auto category = category_of_id_.find(result.category_id);
  if (category == category_of_id_.end()) {
    fail("category_id {} is not among the annotations' categories", result.category_id);
  }
  if (std::exchange(is_first_, false)) {
    sizes_are_boxes_ = result.has_box && (size_of_ == SizeOf::kAsPycocotools || data_.overlap == OverlapKind::kBox);
  }
  if (sizes_are_boxes_ && !result.has_box) fail("this result has no 'bbox', unlike the first");
  Detection detection{.box = result.box,
                      .area = result.box.area(),
                      .score = result.score,
                      .image = image->second,
                      .category = category->second};
  if (data_.overlap == OverlapKind::kMask || !result.has_box) set_mask(result, detection);
  data_.detections.push_back(detection);
}

DetectionData read_detection_data(const std::filesystem::path& truth, const std::filesystem::path& results,
                                  const DetectionReadOptions& options) {
  const bool masks = options.overlap == OverlapKind::kMask;
  DetectionDataBuilder builder(
      read_coco_annotations(truth, read_options(options, masks ? SegmentationUse::kMask : SegmentationUse::kSkip)),
      options);
  JsonReader json(results, kCocoResultsForm);
  read_coco_results(json, read_options(options, SegmentationUse::kKeep), [&](DetectionResult& result) {
    try {
      builder.add(result);
    } catch (const Error& error) {
      note_fault(json, options.repairs, error.what(), "left out");
    }
  });
  return builder.finish();
}

}  // namespace soco
