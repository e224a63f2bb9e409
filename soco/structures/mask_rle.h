// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "soco/structures/annotation.h"

namespace soco {

/// A binary mask as run lengths, column after column from the left, each from its top: COCO's order. Runs are in turn
/// of pixels outside and inside the object, beginning outside (that run alone may be 0), and sum to height * width.
struct MaskRle {
  int height = 0, width = 0;  ///< px, each 1 to kMaxMaskSide, height * width below 2^32
  std::vector<std::uint32_t> runs;
  bool operator==(const MaskRle&) const = default;
};
inline constexpr int kMaxMaskSide = 1 << 24;

/// From run lengths as a file has them ("uncompressed RLE"): runs of no length are merged into their neighbours.
/// Error when they do not sum to height * width, or the size is not one of a mask.
MaskRle mask_from_counts(int height, int width, std::span<const std::int64_t> counts);

/// From COCO's compressed text: 5 bits and a "more follows" bit a character, from '0' on, lowest first, the last with
/// its sign; from the fourth number on the difference to the number two before. Errors as above, and for text that is
/// none of it.
MaskRle mask_from_text(int height, int width, std::string_view text);
std::string mask_text(const MaskRle& mask);
/// The text of run lengths that are not checked, each within +-2^32.
std::string text_of_counts(std::span<const std::int64_t> counts);

/// The union of polygons (x, y, x, y, ...; px), each rasterised as COCO's own tools do, to the last pixel: corners are
/// rounded to fifths of a pixel, the outline is drawn there, and a pixel's column is cut where the outline passes its
/// centre. Time goes with the image's width, not with the coordinates. Error for an odd number of coordinates, fewer
/// than 6, or coordinates beyond 1e9.
MaskRle mask_from_polygons(int height, int width, std::span<const Polygon> polygons);

/// From and to pixels, row after row from the top, not 0: inside.
MaskRle mask_from_pixels(int height, int width, std::span<const std::uint8_t> pixels);
std::vector<std::uint8_t> mask_pixels(const MaskRle& mask);

/// The mask of what an annotation or result gives; `segmentation` must not be empty. Errors as above, and when a given
/// size is not height x width.
MaskRle mask_from_segmentation(int height, int width, const Segmentation& segmentation);

std::int64_t mask_area(const MaskRle& mask);
/// The smallest box around the pixels, of whole numbers; all 0 when there are none.
CocoBox mask_box(const MaskRle& mask);

enum class MaskOperation { kUnion, kIntersection };
/// Of one or more masks of equal size (error otherwise).
MaskRle merge_masks(std::span<const MaskRle> masks, MaskOperation operation);

/// The mask of the resized, then perhaps mirrored image: each pixel is the one under its centre, as Pillow's
/// resize(NEAREST) takes it. Error when the size is not one of a mask.
enum class MaskMirror { kNo, kYes };
MaskRle resize_mask(const MaskRle& mask, int height, int width, MaskMirror mirror = MaskMirror::kNo);

/// The mask of an image of which `mask` is the part with its top left at (x, y); the rest is outside. The part lies in
/// the image (asserted).
MaskRle place_mask(const MaskRle& mask, int height, int width, int x, int y);

/// Common pixels over pixels of either; of a crowd (`is_crowd`), over the pixels of `mask`. 0 when nothing is common.
/// Both of equal size (asserted).
double mask_iou(const MaskRle& mask, const MaskRle& object, bool is_crowd);

}  // namespace soco
