// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "soco/evaluation/detection_metrics.h"

namespace soco {

/// The figures as tables for people, in percent where the field does so (AP, AR): all, and by category.
std::string detection_table(const DetectionMetrics& metrics);

/// What was measured, for the JSON file.
struct MeasuredFiles {
  std::string truth, results, iou_type;
  const Repairs& repairs;
};

/// All figures as JSON: {"metric", "iou_type", "gt", "dt", "num_images", "num_objects", "num_detections", "figures":
/// {name: share}, "categories": [{"name", "num_objects", "figures"}], "recalls", "thresholds", "mean_precision"
/// [threshold][recall], "repairs": [line]}. -1 stands for figures that do not exist.
std::string detection_json(const DetectionMetrics& metrics, const MeasuredFiles& files);

/// Mean precision against recall at IoU 0.5, 0.75, 0.9 and averaged over all thresholds. Error for metrics without.
std::string detection_svg(const DetectionMetrics& metrics, const std::string& title);

}  // namespace soco
