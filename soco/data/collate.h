// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/data/sample.h"
#include "soco/data/view_plan.h"
#include "soco/structures/pretrain_batch.h"

namespace soco {

/// In what form a batch holds its pixels, and where.
struct BatchFormat {
  ElementType type = ElementType::kFloat32;
  PixelLayout layout = PixelLayout::kChw;
  bool finished = true;  ///< false: as bytes, with changes pending; see ViewBatch
  HostAllocator allocator = allocate_plain;
};

/// Gives the batch the shape that `plan` and `num_images` ask for; memory that fits is kept, its content is undefined.
void shape_batch(const ViewPlan& plan, int num_images, const BatchFormat& format, PretrainBatch& batch);

/// Where row `row` (0 <= row < num_images) has its views, one entry each. Different rows may be written by different
/// threads at once.
void views_of_row(PretrainBatch& batch, int row, std::vector<ViewMemory>& views);

/// Writes all of the sample but its pixels into a row of a batch shaped for the same plan: boxes and pending changes.
void copy_boxes_into(const Sample& sample, std::int64_t sample_index, int row, PretrainBatch& batch);

}  // namespace soco
