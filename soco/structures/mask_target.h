// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "soco/structures/box.h"
#include "soco/structures/detection_batch.h"

namespace soco {

/// What a mask head should say of an object within a box: [size, size], row after row, 1 inside and 0 outside. The same
/// pixels as Detectron2's: polygons are moved to the box's corner, scaled by size over its sides (at least 0.1 px) and
/// rasterised by COCO's rules; a mask is averaged over the box by RoIAlign (aligned, as many samples as pixels) and cut
/// at a half. `shape` is not empty (asserted). Parts of the box that lie beyond the image are outside.
/// Source: Detectron2, structures/masks.py, rasterize_polygons_within_box and BitMasks.crop_and_resize.
std::vector<std::uint8_t> mask_target(const InstanceShape& shape, const Box& box, int size);

/// The targets of R boxes, [R, size, size]; box r is compared with shapes[shape_indices[r]].
std::vector<std::uint8_t> mask_targets(std::span<const InstanceShape> shapes,
                                       std::span<const std::int64_t> shape_indices, std::span<const Box> boxes,
                                       int size);

}  // namespace soco
