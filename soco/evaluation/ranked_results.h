// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <unordered_map>
#include <vector>

#include "soco/base/missing_names.h"
#include "soco/structures/annotation.h"

namespace soco {

/// Boxes of a COCO results file by image id, each image's from the highest score to the lowest; equal scores keep the
/// order of their categories, then the file's, as in COCO's evaluation. Categories do not matter otherwise.
struct RankedResults {
  std::unordered_map<std::int64_t, std::vector<CocoBox>> boxes_of_image;
  MissingNames unknown_images;  ///< image ids of results that `images` lacks; their results are left out
  std::int64_t num_results = 0;
};

/// Reads a results file, keeping what is of one of `images`. Errors as read_coco_results, and when more than half of
/// the results are of unknown images.
RankedResults read_ranked_results(const std::filesystem::path& path, const std::vector<AnnotatedImage>& images);

}  // namespace soco
