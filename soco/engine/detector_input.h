// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <vector>

#include "soco/modeling/detector_types.h"
#include "soco/structures/detection_batch.h"

namespace soco {

/// A loader's batch on `device`. On the CPU the images share the batch's memory, which must outlive them.
DetectorImages to_detector_images(DetectionBatch& batch, const torch::Device& device);

/// What is to be found in each image. The targets look at the batch's shapes, which must outlive them.
std::vector<DetectorTarget> to_detector_targets(const DetectionBatch& batch);

}  // namespace soco
