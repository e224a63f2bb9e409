// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <span>

#include "soco/structures/view_changes.h"

namespace soco {

/// What finish_view and apply_cutout do on the loader's threads, done where the pixels are, to the last bit. `pixels`:
/// [N, H, W, 3] uint8, RGB; one entry of `changes` for each of the N. Returns [N, 3, H, W] float32, normalised.
///
/// Each step takes the images of the batch that have it, together, in whole numbers held by float32 (integers where a
/// blur has more digits than that); between two roundings there is one operation, so that no compiler joins them.
torch::Tensor finish_views(const torch::Tensor& pixels, std::span<const ViewChanges> changes);

}  // namespace soco
