// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "soco/base/missing_names.h"
#include "soco/image/image_list.h"
#include "soco/proposals/filter.h"
#include "soco/proposals/store.h"

namespace soco {

/// What an import or export did.
struct ReleaseJsonSummary {
  std::int64_t num_images = 0;  ///< written
  std::int64_t num_boxes = 0;
  std::int64_t num_missing = 0;  ///< import: images without an entry in the file; export: bad images, left out
  MissingNames unused;           ///< import: entries of the file that no image has
};

/// Whether a file may speak mostly of other images than those at hand.
enum class ForeignNames { kFew, kMany };

/// Writes the release's interchange file, `{"<file stem>": [[x, y, w, h], ...], ...}`, sorted by key, in the release's
/// convention (release_box.h): of each image the boxes that `filter` keeps, or [] when the whole image is all there is,
/// which the release replaces by the whole image when it reads. Atomic, one image in memory at a time.
/// Errors: two images with the same stem (the format cannot tell them apart; both are named), a damaged store, a full
/// disk.
ReleaseJsonSummary export_release_json(const ProposalStore& store, const std::filesystem::path& out,
                                       const FilterOptions& filter = {.enabled = false});

/// Reads the release's interchange file, of any length, into a new store at `out`, keeping what `filter` keeps.
/// `entries`: the images; each is matched by its file stem, and its file is read for size and fingerprint; [] gives the
/// whole image.
/// Strict; errors name the file and the stem, and leave nothing at `out`: not that form, numbers that are not whole or
/// leave the image, a stem twice in the file or among the images, no match at all, more than half of the stems without
/// an image (unless `foreign` is kMany), an unreadable image, `out` exists. Error(kInterrupted) when stop_requested().
ReleaseJsonSummary import_release_json(const std::filesystem::path& json, const ImageList& entries,
                                       const std::filesystem::path& out,
                                       const FilterOptions& filter = {.enabled = false},
                                       ForeignNames foreign = ForeignNames::kFew);

}  // namespace soco
