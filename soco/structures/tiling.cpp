// SPDX-License-Identifier: MIT
#include "soco/structures/tiling.h"

#include <algorithm>
#include <utility>

#include "soco/base/error.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

constexpr float kCutMargin = 1;  // px: a detector's boxes end about as far from the edge that cuts the object

/// Where tiles begin along an axis.
std::vector<int> starts(int extent, int size, int overlap) {
  if (extent <= size) return {0};
  const int step = size - overlap, count = (extent - size + step - 1) / step + 1;
  std::vector<int> result;
  for (std::int64_t i = 0; i < count; ++i)
    result.push_back(static_cast<int>(i * static_cast<std::int64_t>(extent - size) / (count - 1)));
  return result;
}

/// One detection in the whole image's frame.
struct Candidate {
  Box box;
  float score = 0;
  std::int32_t label = 0;
  std::size_t tile = 0, index = 0;
  bool is_cut = false;
};

bool is_cut(const Box& box, const Tile& tile, int height, int width) {
  return (tile.x > 0 && box.x1 < kCutMargin) || (tile.y > 0 && box.y1 < kCutMargin) ||
         (tile.x + tile.width < width && box.x2 > static_cast<float>(tile.width) - kCutMargin) ||
         (tile.y + tile.height < height && box.y2 > static_cast<float>(tile.height) - kCutMargin);
}

std::vector<Candidate> candidates_of(int height, int width, std::span<const Tile> tiles,
                                     std::span<const ImageDetections> detections) {
  std::vector<Candidate> candidates;
  for (std::size_t t = 0; t < tiles.size(); ++t) {
    const auto x = static_cast<float>(tiles[t].x), y = static_cast<float>(tiles[t].y);
    for (std::size_t i = 0; i < detections[t].boxes.size(); ++i) {
      const Box& box = detections[t].boxes[i];
      candidates.push_back({.box = {box.x1 + x, box.y1 + y, box.x2 + x, box.y2 + y},
                            .score = detections[t].scores[i],
                            .label = detections[t].labels[i],
                            .tile = t,
                            .index = i,
                            .is_cut = is_cut(box, tiles[t], height, width)});
    }
  }
  return candidates;
}

bool gives_way(const Candidate& candidate, const Candidate& kept, const TileMergeOptions& options) {
  if (candidate.label != kept.label) return false;
  if (iou(candidate.box, kept.box) > options.max_iou) return true;
  return candidate.is_cut &&
         intersection(candidate.box, kept.box).area() > static_cast<float>(options.max_cover) * candidate.box.area();
}

}  // namespace

std::vector<Tile> plan_tiles(int height, int width, int size, int overlap) {
  SOCO_ASSERT(height > 0 && width > 0 && overlap >= 0 && overlap < size);
  std::vector<Tile> tiles;
  for (const int y : starts(height, size, overlap)) {
    for (const int x : starts(width, size, overlap))
      tiles.push_back({x, y, std::min(size, height), std::min(size, width)});
  }
  return tiles;
}

ImageDetections merge_tiles(int height, int width, std::span<const Tile> tiles,
                            std::span<const ImageDetections> detections, const TileMergeOptions& options) {
  SOCO_ASSERT(tiles.size() == detections.size());
  std::vector<Candidate> candidates = candidates_of(height, width, tiles, detections), kept;
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.is_cut != b.is_cut ? b.is_cut : a.score > b.score;
  });
  for (const Candidate& candidate : candidates) {
    if (std::ranges::none_of(kept, [&](const Candidate& other) { return gives_way(candidate, other, options); }))
      kept.push_back(candidate);
  }
  std::ranges::stable_sort(kept, std::ranges::greater{}, &Candidate::score);
  ImageDetections merged{.image_id = detections.empty() ? 0 : detections[0].image_id, .height = height, .width = width};
  for (const Candidate& candidate : kept) {
    merged.boxes.push_back(candidate.box);
    merged.scores.push_back(candidate.score);
    merged.labels.push_back(candidate.label);
    const std::vector<MaskRle>& masks = detections[candidate.tile].masks;
    if (masks.empty()) continue;
    const Tile& tile = tiles[candidate.tile];
    merged.masks.push_back(place_mask(masks[candidate.index], height, width, tile.x, tile.y));
  }
  return merged;
}

}  // namespace soco
