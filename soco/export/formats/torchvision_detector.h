// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "soco/export/formats/format.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// A Faster or Mask R-CNN on a pyramid under torchvision's names (maskrcnn_resnet50_fpn and its kin; the box head of
/// fasterrcnn_resnet50_fpn_v2 too), in its order of classes: background first and with a box and a mask of its own,
/// where ours has it last and without. What only one side has is left away or zero.
/// Errors: a name without a place, class tensors that do not fit each other, class-agnostic boxes or masks (torchvision
/// has none).
StateDict torchvision_detector_from_ours(const StateDict& ours);

/// The way back; a num_batches_tracked that is missing (torchvision's frozen norms have none) becomes 0. Names of
/// before torchvision 0.13 are taken too: those of the published files. torchvision's published COCO weights were made
/// with eps 0 in the frozen norms, not 1e-5. Errors: a name without a place, class tensors that do not fit each other.
StateDict ours_from_torchvision_detector(const StateDict& theirs);

/// Rules for a box head of `num_convs` convolutions: torchvision numbers all its layers together.
KeyMap torchvision_detector_map(int num_convs);

/// The convolutions of the box head among torchvision's names.
int torchvision_head_convs(const std::vector<std::string>& theirs);

/// `load_state_dict` of torchvision's detectors: the bare state dict as a PyTorch file.
const FormatPart& torchvision_detector_format();

}  // namespace soco
