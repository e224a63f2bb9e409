// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include "soco/modeling/meta_arch/object_contrast.h"

namespace soco::testing {

/// A network small enough for a test of a second: ResNet-18 and narrow heads.
inline ModelOptions tiny_model(HeadMode mode) {
  ModelOptions options;
  options.backbone = Backbone::kResNet18;
  options.head_mode = mode;
  options.fpn_channels = 8;
  options.pooler_resolution = 3;
  options.head_num_convs = 2;
  options.head_fc_channels = 12;
  options.projector_hidden_channels = 16;
  options.projector_out_channels = 6;
  return options;
}

inline ObjectContrastInput::Side side_of(std::vector<std::int64_t> ids, std::vector<std::int64_t> levels,
                                         std::int64_t num_images) {
  const std::int64_t per_image = static_cast<std::int64_t>(ids.size()) / num_images;
  const torch::Tensor corner = torch::rand({num_images, per_image, 2}) * 0.4;
  const torch::Tensor boxes = torch::cat({corner, corner + 0.2 + torch::rand({num_images, per_image, 2}) * 0.4}, 2);
  return {boxes, torch::tensor(ids, torch::kInt64).view({num_images, per_image}),
          torch::tensor(levels, torch::kInt64).view({num_images, per_image})};
}

/// Two images, three boxes each, three views, pairs 01 and 02; ids that match, that do not, that repeat; boxes without
/// a level; P5 unused, P2 used by view 2 alone.
inline ObjectContrastInput tiny_batch(std::int64_t size = 64) {
  torch::manual_seed(11);
  ObjectContrastInput input;
  input.views = {torch::randn({2, 3, size, size}), torch::randn({2, 3, size, size}),
                 torch::randn({2, 3, size / 2, size / 2})};
  input.pairs = {
      {0, 1, side_of({1, 2, 3, 1, 1, 2}, {1, 2, 1, 2, 1, -1}, 2), side_of({3, 2, 9, 1, 2, 5}, {2, 2, 1, 1, 1, 2}, 2)},
      {0, 2, side_of({1, 2, 3, 4, 5, 6}, {1, 1, 2, 2, 2, 1}, 2), side_of({1, 2, 3, 4, 5, 7}, {0, 1, 0, 1, 0, 1}, 2)}};
  return input;
}

}  // namespace soco::testing
