// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "soco/base/log.h"
#include "soco/image/image_list.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/store.h"
#include "soco/structures/annotation.h"

namespace soco {

/// What an import or export did.
struct CocoConvertSummary {
  std::int64_t num_images = 0;  ///< written
  std::int64_t num_boxes = 0;
  std::int64_t num_dropped = 0;    ///< boxes left out: under the score threshold, crowds, nothing left inside the image
  std::int64_t num_unmatched = 0;  ///< names of the file that no image has, or the other way round; named in the log
};

/// How boxes of COCO files become proposals. Boxes are cut to their image and rounded to the nearest whole px, at least
/// one px in width and height; those that lie outside altogether are left out.
struct CocoImportOptions {
  std::filesystem::path json;         ///< results, or annotations
  std::filesystem::path annotations;  ///< of results: the file that gives image ids their file names; else empty
  double min_score = -1e300;          ///< of results: those below are left out
  FilterOptions filter{.enabled = false};
};

/// Reads COCO results (each image's boxes by falling score, equal ones in the file's order) or, when
/// `options.annotations` is empty, annotations (in the file's order, crowds left out) into a new store at `out`.
/// `entries`: the images, matched to file names as KeyIndex does; their files are read for size and fingerprint. An
/// image of the annotations without a box gets the whole image. Memory does not grow with the number of boxes.
/// Errors, which leave nothing at `out`: those of the readers; a size other than the image's; an unreadable image; more
/// than half of the file names or results without an image; `out` exists. Error(kInterrupted) when stop_requested().
CocoConvertSummary import_coco(const CocoImportOptions& options, const ImageList& entries,
                               const std::filesystem::path& out, Logger& logger);

/// Writes the boxes that `filter` keeps as COCO annotations of one category, "object": images in order of key with ids
/// from 1, bad ones left out. Atomic, one image in memory at a time.
CocoConvertSummary export_coco_annotations(const ProposalStore& store, const std::filesystem::path& out,
                                           const FilterOptions& filter);

/// Writes them as COCO results for the images of `truth` (category 1; scores fall from 1 with the rank within the
/// image). Images without a row are counted and named; error when more than half are. Atomic.
CocoConvertSummary export_coco_results(const ProposalStore& store, const AnnotationSet& truth,
                                       const std::filesystem::path& out, const FilterOptions& filter, Logger& logger);

}  // namespace soco
