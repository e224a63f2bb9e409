// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "soco/data/detection_dataset.h"
#include "soco/data/detection_loader.h"
#include "soco/data/detection_options.h"
#include "soco/image/image.h"
#include "soco/structures/detection_batch.h"

namespace soco {

/// The 8-bit picture that row `row` of a batch is, without its padding.
Image picture_of_row(const DetectionBatch& batch, int row, const DetectionInputOptions& options);

/// A target as what a perfect detector would find: scores 1, shapes as masks. Frame: the resized image.
ImageDetections perfect_detections(const DetectionTarget& target);

/// A contact sheet of the first `count` samples of an epoch as the network sees them, with boxes, shapes and names;
/// crowds dashed; below each its key, size and flip. Errors: those of the loader, a sheet of more than 100 megapixels.
Image draw_detection_samples(const DetectionDataset& dataset, const DetectionLoaderPlan& plan, std::int64_t epoch,
                             int count);

}  // namespace soco
