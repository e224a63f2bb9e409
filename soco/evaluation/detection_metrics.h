// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "soco/evaluation/precision_recall.h"

namespace soco {

/// A figure with its usual short name ("AP", "AP50", "APs", "AR100"); kNoFigure when there is nothing to measure.
struct NamedFigure {
  std::string name;
  double value = kNoFigure;
};

struct CategoryFigures {
  std::string name;
  std::int64_t num_objects = 0;  ///< that count
  std::vector<NamedFigure> figures = {};
};

/// What an evaluation gives.
struct DetectionMetrics {
  std::string metric;  ///< "coco", "lvis", "voc07", "voc10"
  std::int64_t num_images = 0, num_objects = 0, num_detections = 0;
  std::vector<NamedFigure> figures = {};
  std::vector<CategoryFigures> categories = {};  ///< by id
  /// Mean precision at the recall points over the categories with objects, at each IoU threshold. Empty for VOC.
  std::vector<std::vector<double>> mean_precision = {};
};

/// COCO's twelve figures, equal to pycocotools' to the last bit: AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs,
/// ARm, ARl. The same for any number of workers.
DetectionMetrics evaluate_coco(const DetectionData& data, int num_workers);

/// LVIS v1's figures, equal to those of its own tool: AP, AP50, AP75, APs, APm, APl, by frequency APr, APc, APf, and
/// AR300, ARs, ARm, ARl. Of each image the best 300 detections of all categories count. Error for a category without
/// frequency.
DetectionMetrics evaluate_lvis(DetectionData data, int num_workers);

/// The steps by themselves, for whoever wants the curves.
PrecisionRecall coco_precision_recall(const DetectionData& data, int num_workers);

/// Keeps of each image the detections of the highest scores (of equals, the file's first).
void limit_detections(DetectionData& data, std::size_t most_per_image);

}  // namespace soco
