// SPDX-License-Identifier: MIT
#include "soco/engine/detector_judge.h"

#include "soco/base/progress.h"
#include "soco/data/detection_loader.h"
#include "soco/engine/detector_inference.h"
#include "soco/evaluation/detection_data.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

void add_results(const ImageDetections& found, const std::vector<ObjectCategory>& categories,
                 std::vector<DetectionResult>& results) {
  for (std::size_t d = 0; d < found.boxes.size(); ++d) {
    DetectionResult result{.image_id = found.image_id,
                           .category_id = categories.at(static_cast<std::size_t>(found.labels[d])).id,
                           .box = coco_box_from_box(found.boxes[d]),
                           .score = found.scores[d]};
    if (!found.masks.empty()) {
      const MaskRle& mask = found.masks[d];
      result.segmentation.mask = MaskText{mask.height, mask.width, mask_text(mask)};
    }
    results.push_back(std::move(result));
  }
}

DetectionMetrics measure(const AnnotationSet& truth, const std::vector<DetectionResult>& results, OverlapKind overlap,
                         int workers) {
  DetectionDataBuilder data(truth, {.overlap = overlap, .size_of = SizeOf::kAsPycocotools, .repairs = nullptr});
  for (DetectionResult result : results) data.add(result);
  return evaluate_coco(data.finish(), workers);
}

}  // namespace

std::vector<std::pair<std::string, double>> DetectorMetrics::named() const {
  std::vector<std::pair<std::string, double>> figures;
  for (const NamedFigure& figure : boxes.figures) figures.emplace_back("val_box_" + figure.name, figure.value);
  if (masks)
    for (const NamedFigure& figure : masks->figures) figures.emplace_back("val_mask_" + figure.name, figure.value);
  return figures;
}

std::string DetectorMetrics::summary() const {
  return fmt::format("box AP {:.1f}{}", 100 * box_ap(),
                     masks ? fmt::format(", mask AP {:.1f}", 100 * masks->figures.front().value) : "");
}

DetectionDataset make_detection_dataset(DetectionSource source, const FinetuneOptions& options, DetectionUse use,
                                        Logger& log) {
  return DetectionDataset(std::move(source),
                          {.use = use,
                           .masks = options.labels.masks && options.model.masks.enabled,
                           .keep_empty = options.labels.keep_empty,
                           .label_fraction = use == DetectionUse::kTrain ? options.labels.label_fraction : 1,
                           .fraction_seed = options.labels.fraction_seed,
                           .limits = options.data.decode_limits(),
                           .max_bad_ratio = options.data.max_bad_ratio},
                          log);
}

DetectorJudge::DetectorJudge(DetectionSource source, const FinetuneOptions& options, Logger& log)
    : truth_(source.annotations),
      dataset_(make_detection_dataset(std::move(source), options, DetectionUse::kTest, log)),
      options_(options),
      log_(log) {}

DetectorMetrics DetectorJudge::judge(MaskRcnn& model, const torch::Device& device) const {
  DetectionLoader loader(dataset_, {.use = DetectionUse::kTest,
                                    .input = options_.input,
                                    .loader = options_.loader,
                                    .batch_size = options_.eval.batch_size});
  loader.start({0, 0}, /*end_epoch=*/1);
  std::vector<DetectionResult> results;
  Progress progress(log_, "judge", dataset_.size(), "images");
  std::int64_t num_done = 0;
  detect_all(model, loader, device, [&](ImageDetections&& found) {
    add_results(found, dataset_.categories(), results);
    progress.update(++num_done, "");
  });
  progress.finish();
  DetectorMetrics metrics{measure(truth_, results, OverlapKind::kBox, options_.eval.workers), std::nullopt};
  if (model->options.masks.enabled && dataset_.has_masks())
    metrics.masks = measure(truth_, results, OverlapKind::kMask, options_.eval.workers);
  return metrics;
}

}  // namespace soco
