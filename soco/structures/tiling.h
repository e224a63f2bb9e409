// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include "soco/structures/detection_batch.h"

namespace soco {

/// A part of a large image, whole px.
struct Tile {
  int x = 0, y = 0, height = 0, width = 0;
  bool operator==(const Tile&) const = default;
};

/// Tiles of at most `size` x `size` px that cover an image, row after row, as few as neighbours with at least `overlap`
/// px in common allow, spread evenly. 0 <= overlap < size (asserted).
std::vector<Tile> plan_tiles(int height, int width, int size, int overlap);

struct TileMergeOptions {
  double max_iou = 0.5;    ///< of two detections of one label with more, one stays
  double max_cover = 0.7;  ///< of one cut by its tile's edge, the share that may lie in another one
};

/// The detections of a whole image from those of its tiles, whose boxes and masks are px of the tile. Those that end at
/// an edge of their tile inside the image are cut: they give way to whole ones whatever the scores; otherwise the
/// better one stays. Best first.
ImageDetections merge_tiles(int height, int width, std::span<const Tile> tiles,
                            std::span<const ImageDetections> detections, const TileMergeOptions& options = {});

}  // namespace soco
