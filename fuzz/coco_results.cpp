// SPDX-License-Identifier: MIT
// Annotations and results with shapes, strictly and with repairs, then the evaluation of what was read; and the text of
// a mask by itself.
#include "fuzz/fuzz.h"
#include "soco/evaluation/detection_metrics.h"
#include "soco/structures/mask_rle.h"

namespace soco::fuzz {
namespace {

constexpr int kSide = 32;

AnnotationSet small_truth() {
  Segmentation shape;
  shape.polygons = {{1, 1, 20, 1, 20, 20, 1, 20}};
  return {.images = {{.id = 1, .height = kSide, .width = kSide, .file_name = "a"}},
          .categories = {{1, "a"}},
          .annotations = {
              {.id = 1, .image_id = 1, .category_id = 1, .box = {1, 1, 19, 19}, .area = 361, .segmentation = shape}}};
}

void evaluate_results(std::string_view text, OverlapKind overlap, Repairs* repairs) {
  DetectionDataBuilder builder(small_truth(), {.overlap = overlap, .repairs = repairs});
  JsonReader json(text, "fuzz", kCocoResultsForm);
  read_coco_results(json, {.segmentations = SegmentationUse::kKeep, .repairs = repairs}, [&](DetectionResult& result) {
    try {
      builder.add(result);
    } catch (const Error& error) {
      note_fault(json, repairs, error.what(), "left out");
    }
  });
  for (const NamedFigure& figure : evaluate_coco(builder.finish(), 1).figures) {
    SOCO_ASSERT(figure.value == kNoFigure || (figure.value >= 0 && figure.value <= 1));
  }
}

/// What is read as a mask is whole, and comes back from its own text.
void check_mask(const MaskRle& mask) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    SOCO_ASSERT(mask.runs[i] > 0 || i == 0);
    sum += mask.runs[i];
  }
  SOCO_ASSERT(sum == static_cast<std::uint64_t>(mask.height) * static_cast<std::uint64_t>(mask.width));
  SOCO_ASSERT(mask_from_text(mask.height, mask.width, mask_text(mask)) == mask);
  const CocoBox box = mask_box(mask);
  SOCO_ASSERT(box.x + box.width <= mask.width && box.y + box.height <= mask.height);
  SOCO_ASSERT(mask_area(mask) <= box.width * box.height);
}

void read_truth(std::string_view text, SegmentationUse use, Repairs* repairs) {
  JsonReader json(text, "fuzz", kCocoAnnotationsForm);
  for (const ObjectAnnotation& a :
       read_coco_annotations(json, {.segmentations = use, .repairs = repairs}).annotations) {
    if (use == SegmentationUse::kMask) {
      const MaskText& mask = a.segmentation.mask.value();
      check_mask(mask_from_text(mask.height, mask.width, mask.counts));
    }
  }
}

}  // namespace
}  // namespace soco::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace soco;
  const std::string_view text = fuzz::text_of_input(data, size);
  Repairs repairs;
  for (Repairs* use : {static_cast<Repairs*>(nullptr), &repairs}) {
    fuzz::expect_error_or_success([&] { fuzz::evaluate_results(text, OverlapKind::kBox, use); });
    fuzz::expect_error_or_success([&] { fuzz::evaluate_results(text, OverlapKind::kMask, use); });
    fuzz::expect_error_or_success([&] { fuzz::read_truth(text, SegmentationUse::kMask, use); });
    fuzz::expect_error_or_success([&] { fuzz::read_truth(text, SegmentationUse::kKeep, use); });
  }
  fuzz::expect_error_or_success([&] { fuzz::check_mask(mask_from_text(fuzz::kSide, fuzz::kSide, text)); });
  return 0;
}
