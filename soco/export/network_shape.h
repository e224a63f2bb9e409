// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "soco/modeling/model_options.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// What kind of network a state dict is of, read off its names and the sizes of its tensors (our names).
struct NetworkShape {
  bool detector = false;  // has a proposal network or a box predictor: of fine-tuning; else of pretraining
  bool c4 = false;        // trunk up to res4 below "backbone.", res5 in the RoI heads
  int depth = 50;         // of the ResNet: 18, 34, 50, 101; 50 when it is none of these
  int width = ResNetSize::kPublishedWidth;  // channels of the ResNet's stem
  bool pyramid = false;
  bool pyramid_norm = false;
  int head_convs = 0, head_fcs = 0;  // of the box head
  bool head_norm = false;
  bool extra_norm = false;  // behind res5
  bool masks = false;
  int mask_convs = 0;
  bool mask_norm = false;
  std::int64_t num_classes = 0;  // 0: has no box predictor
  bool class_agnostic_boxes = false, class_agnostic_masks = false;
};

NetworkShape network_shape(const StateDict& ours);

/// Channels of res2's map, doubled in every later stage.
int res2_channels(const NetworkShape& shape);

/// A line for a network whose ResNet is narrower or wider than any that `framework` makes; else empty.
std::string width_warning(const NetworkShape& shape, std::string_view framework);

}  // namespace soco
