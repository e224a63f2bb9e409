// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// torchvision's flat ResNet state dict (conv1, bn1, layer1.0.conv1, ... downsample.0), with num_batches_tracked: what
/// `resnet50().load_state_dict` takes strictly, but for `fc`, which pretraining does not have.
const FormatPart& torchvision_format();

}  // namespace soco
