// SPDX-License-Identifier: MIT
#include "soco/evaluation/ranked_results.h"

#include <algorithm>

#include "soco/structures/coco_json.h"

namespace soco {
namespace {

/// As the file has it, until all results of an image are known.
struct ScoredBox {
  CocoBox box;
  double score;
  std::int64_t category_id;
};

std::vector<CocoBox> ranked(std::vector<ScoredBox> scored) {
  std::stable_sort(scored.begin(), scored.end(), [](const ScoredBox& a, const ScoredBox& b) {
    return a.score != b.score ? a.score > b.score : a.category_id < b.category_id;
  });
  std::vector<CocoBox> boxes;
  boxes.reserve(scored.size());
  for (const ScoredBox& s : scored) boxes.push_back(s.box);
  return boxes;
}

}  // namespace

RankedResults read_ranked_results(const std::filesystem::path& path, const std::vector<AnnotatedImage>& images) {
  std::unordered_map<std::int64_t, std::vector<ScoredBox>> scored_of_image;
  for (const AnnotatedImage& image : images) scored_of_image.try_emplace(image.id);
  RankedResults results;
  JsonReader json(path, kCocoResultsForm);
  read_coco_results(json, [&](const DetectionResult& result) {
    ++results.num_results;
    const auto place = scored_of_image.find(result.image_id);
    if (place == scored_of_image.end()) {
      results.unknown_images.add(fmt::format("{}", result.image_id));
    } else {
      place->second.push_back({result.box, result.score, result.category_id});
    }
  });
  results.unknown_images.check_minority(results.num_results, path.string(),
                                        "results, so many have an image_id that the annotations lack:");
  for (auto& [image_id, scored] : scored_of_image) {
    results.boxes_of_image.emplace(image_id, ranked(std::move(scored)));
    scored = {};
  }
  return results;
}

}  // namespace soco
