// SPDX-License-Identifier: MIT
#pragma once
#include "soco/export/formats/format.h"

namespace soco {

/// torchvision's flat ResNet state dict (conv1, bn1, layer1.0.conv1, ... downsample.0), with num_batches_tracked: what
/// `resnet50().load_state_dict` takes strictly, but for `fc`, which pretraining and detectors do not have.
const FormatPart& torchvision_format();

/// A bare state dict as `torch.save(model.state_dict())` writes it, and back.
void write_torchvision_file(const std::filesystem::path& path, const StateDict& theirs,
                            const std::map<std::string, std::string>& metadata);
StateDict read_torchvision_file(const std::filesystem::path& path);

}  // namespace soco
