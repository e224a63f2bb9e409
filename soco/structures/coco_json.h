// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "soco/base/json_reader.h"
#include "soco/structures/annotation.h"

namespace soco {

/// Reads a COCO instances file: images (id, file_name, height, width), categories (id, name) and annotations (id,
/// image_id, category_id, bbox; iscrowd and area when there, else 0 and the box's area). Segmentations and all other
/// keys are passed over, so memory goes with the boxes, not with the file. LVIS files are read too: images without
/// file_name get the last two parts of their coco_url ("train2017/000000391895.jpg"), and neg_category_ids,
/// not_exhaustive_category_ids and frequency are kept.
/// Errors name file, place and byte: not JSON, a missing list or key, a wrong type, a negative or not finite size, an
/// id twice, an annotation whose image or category is not in the file.
AnnotationSet read_coco_annotations(const std::filesystem::path& path);
AnnotationSet read_coco_annotations(JsonReader& json);

/// The file names of such a file's images, in its order; annotations and categories need not be there. Errors as above.
void read_coco_image_names(const std::filesystem::path& path, const std::function<void(const std::string&)>& visit);

/// Reads a COCO results file, a list of {image_id, category_id, bbox, score}, one box in memory at a time, in the
/// file's order. Errors as above. `visit` may call `json.fail_here` to name the place of what it does not like.
void read_coco_results(JsonReader& json, const std::function<void(const DetectionResult&)>& visit);

/// What those files look like, for JsonReader's errors.
inline constexpr const char* kCocoAnnotationsForm =
    "{\"images\": [{\"id\", \"file_name\", \"height\", \"width\"}, ...], \"annotations\": [{\"id\", \"image_id\", "
    "\"category_id\", \"bbox\": [x, y, width, height]}, ...], \"categories\": [{\"id\", \"name\"}, ...]}";
inline constexpr const char* kCocoResultsForm =
    "[{\"image_id\", \"category_id\", \"bbox\": [x, y, width, height], \"score\"}, ...]";

}  // namespace soco
