// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "soco/base/log.h"
#include "soco/run/loop_options.h"

namespace soco {

/// What `soco predict` is told.
struct PredictOptions {
  std::filesystem::path model;        // see read_detector_file
  std::string images;                 // see list_images; "-": a path a line from stdin
  std::filesystem::path annotations;  // empty: ids from 1 by the images' names; else those of this COCO file
  std::filesystem::path out;          // COCO results
  std::filesystem::path draw;         // empty: no drawings
  float draw_score = 0.5f;            // drawn are detections of this score or a better one
  int batch_size = 1;
  std::optional<double> score, nms;  // in the place of the model's
  std::optional<int> short_edge, max_edge;
  int tile = 0;  // px; 0: whole images
  int tile_overlap = 0;
  DeviceChoice device = DeviceChoice::kAuto;
  std::optional<int> num_threads, num_workers;
};

struct PredictSummary {
  std::int64_t num_images = 0, num_bad = 0, num_detections = 0;
  double seconds = 0;
};

/// Finds objects in images and writes them as COCO results, whole or not at all, and beside them, as OUT with
/// .images.json in the place of .json, the ids and names that they go by. Errors: see read_detector_file, list_images,
/// CocoResultsWriter; kInterrupted after a stop signal.
PredictSummary predict(const PredictOptions& options, Logger& log);

}  // namespace soco
