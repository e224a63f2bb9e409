// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "soco/data/sample.h"
#include "soco/data/view_plan.h"
#include "soco/structures/pretrain_batch.h"

namespace soco {

/// Gives the batch the shape that `plan` and `num_images` ask for; memory that fits is kept, its content is undefined.
void shape_batch(const ViewPlan& plan, int num_images, PretrainBatch& batch);

/// Writes the sample into row `row` (0 <= row < num_images) of a batch shaped for the same plan. Different rows may be
/// written by different threads at once.
void copy_sample_into(const Sample& sample, std::int64_t sample_index, int row, PretrainBatch& batch);

}  // namespace soco
