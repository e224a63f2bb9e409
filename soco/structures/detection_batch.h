// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "soco/structures/annotation.h"
#include "soco/structures/box.h"
#include "soco/structures/mask_rle.h"
#include "soco/structures/pretrain_batch.h"

namespace soco {

/// The shape of one object in the frame of its box: polygons, whose union it is, or a mask of the whole picture, or
/// nothing. `mask_target` of mask_target.h makes the target of a region of interest from it.
struct InstanceShape {
  std::vector<Polygon> polygons = {};
  std::optional<MaskRle> mask = {};
  bool empty() const { return polygons.empty() && !mask; }
};

/// What is to be found in one image of a batch. Two frames: the original is the image as it is stored, the resized one
/// the image as the network sees it, flipped where the sample is, without padding.
struct DetectionTarget {
  std::int64_t image_id = 0;                    ///< of the annotations
  std::int64_t sample_index = 0;                ///< of the data set; another image's when a bad one was replaced
  int original_height = 0, original_width = 0;  ///< px
  int height = 0, width = 0;                    ///< px, resized
  bool flipped = false;
  bool is_repeat = false;  ///< evaluation: only fills a last batch up, its image was in an earlier one

  std::vector<Box> boxes = {};             ///< [G] px of the resized image, clipped to it, none empty
  std::vector<std::int32_t> labels = {};   ///< [G] contiguous, 0..K-1
  std::vector<InstanceShape> shapes = {};  ///< [G] px of the resized image; no entries when masks are not read
  std::vector<Box> ignored = {};           ///< crowds: neither objects nor background; frame as `boxes`
};

/// One step's input of a detector: what `data` gives and `modeling` takes.
struct DetectionBatch {
  /// [N, 3, H, W] float32, normalised. H and W are the largest of the batch, rounded up to a divisor; right of and
  /// below each image zeros.
  ViewBatch images;
  std::vector<DetectionTarget> targets;  ///< [N]

  int num_images() const { return static_cast<int>(targets.size()); }
};

/// What a detector found in one image, the best first; px of the original image.
struct ImageDetections {
  std::int64_t image_id = 0;
  int height = 0, width = 0;              ///< px
  std::vector<Box> boxes = {};            ///< [D]
  std::vector<float> scores = {};         ///< [D]
  std::vector<std::int32_t> labels = {};  ///< [D] contiguous, 0..K-1
  std::vector<MaskRle> masks = {};        ///< [D] of height x width; no entries when masks are not predicted
};

}  // namespace soco
