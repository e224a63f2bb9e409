// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/atomic_file.h"
#include "soco/structures/detection_batch.h"

namespace soco {

/// Writes a COCO results file image by image, whole or not at all: a list of {image_id, category_id, bbox [x, y, width,
/// height], score}, with masks segmentation {size, counts} too. Numbers are written so that they come back to the bit.
/// Memory does not grow with the file.
class CocoResultsWriter {
 public:
  /// `category_ids`: by label. Error when the folder is missing or not writable.
  CocoResultsWriter(const std::filesystem::path& path, std::vector<std::int64_t> category_ids);

  /// Errors: a box or score that is not finite (a diverged network), a failed write.
  void add(const ImageDetections& detections);

  /// Completes the file and puts it in its place.
  void commit();

  std::int64_t num_detections() const { return num_detections_; }

 private:
  AtomicFile file_;
  std::vector<std::int64_t> category_ids_;
  std::int64_t num_detections_ = 0;
  std::string text_;
};

}  // namespace soco
