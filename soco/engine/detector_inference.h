// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <functional>
#include <vector>

#include "soco/data/detection_loader.h"
#include "soco/image/image.h"
#include "soco/modeling/meta_arch/mask_rcnn.h"
#include "soco/structures/detection_batch.h"

namespace soco {

/// What the detector finds in a batch, in px of the original images, masks as run lengths of their size. `model` is in
/// the mode it is to work in (mostly eval()).
std::vector<ImageDetections> detect_batch(MaskRcnn& model, DetectionBatch& batch, const torch::Device& device);

/// detect_batch over a loader of DetectionUse::kTest that stands at its beginning, each image once, in the order of its
/// data set, in eval mode; the model's mode returns afterwards. Bad images are left out. Error kInterrupted when
/// stop_requested().
void detect_all(MaskRcnn& model, DetectionLoader& loader, const torch::Device& device,
                const std::function<void(ImageDetections&&)>& use);

/// How a large image is cut; see plan_tiles.
struct TiledInput {
  int size = 0, overlap = 0;  // px of the image
  int batch_size = 1;         // tiles at a time
  const DetectionInputOptions& input;
};

/// What the detector, in eval mode, finds in an image tile by tile, merged by merge_tiles. image_id is left 0.
/// Error kInterrupted when stop_requested().
ImageDetections detect_in_tiles(MaskRcnn& model, const Image& image, const TiledInput& tiling,
                                const torch::Device& device);

}  // namespace soco
