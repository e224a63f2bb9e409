// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/atomic_file.h"
#include "soco/data/synth_scene.h"

namespace soco {

/// One image of a COCO file.
struct CocoImage {
  std::int64_t id = 0;
  int height = 0, width = 0;
  std::string file_name;  // within the split's folder
};

/// The members of a COCO annotation but its id, as JSON text without the opening brace: image, category (1-based), area
/// of the visible mask, box, iscrowd and the segmentation.
std::string coco_annotation(std::int64_t image_id, const SceneObject& object);

/// Writes one COCO instances file piece by piece, in bounded memory: annotations as they come, images at the end.
class CocoWriter {
 public:
  /// `category_names` get the ids 1, 2, ...
  CocoWriter(const std::filesystem::path& path, const std::string& description,
             const std::vector<std::string>& category_names);

  /// Adds an image and its annotations (texts of `coco_annotation`), whose ids count on from `first_annotation_id`.
  void add(const CocoImage& image, const std::vector<std::string>& annotations, std::int64_t first_annotation_id);
  /// Completes the file and puts it in its place.
  void finish();

  std::int64_t num_images() const { return static_cast<std::int64_t>(images_.size()); }
  std::int64_t num_annotations() const { return num_annotations_; }

 private:
  AtomicFile file_;
  std::vector<CocoImage> images_;
  std::int64_t num_annotations_ = 0;
};

}  // namespace soco
