// SPDX-License-Identifier: MIT
#pragma once
#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "soco/data/view_plan.h"
#include "soco/modeling/fpn.h"
#include "soco/modeling/heads/box_head.h"
#include "soco/modeling/model_options.h"
#include "soco/run/probe_options.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// The pyramid level of each box [B,4] in px by the plan's rule: 0 (P2) .. 3 (P5), for what the release's rule gives no
/// level too; 0 for one map. [B] int64 on the CPU.
torch::Tensor probe_levels(const torch::Tensor& boxes, const ViewPlan& plan);

/// The parts of a pretrained network that features are taken from, in eval mode: backbone, pyramid, box head.
class ProbeNetwork {
 public:
  /// Starts at random, with the weights that a run of this seed starts from. `feature` decides which parts there are.
  /// Errors: kHead of an architecture without a box head.
  ProbeNetwork(const ModelOptions& model, const ViewPlan& plan, ProbeFeature feature, std::int64_t seed,
               const torch::Device& device);

  /// Takes weights and BatchNorm statistics of `online`, an online network under its own names (backbone.*,
  /// roi_heads.*), as far as the parts need them. Errors name `source`: missing or misshapen tensors.
  void load(const StateDict& online, const std::string& source);

  /// image [1,3,H,W] float32, normalised RGB; boxes [B,4] float32, xyxy in px of it, on the CPU. Returns [B,C] float32
  /// on the CPU; kImage: [1,C], and the boxes count nothing.
  torch::Tensor features(const torch::Tensor& image, const torch::Tensor& boxes);

 private:
  ProbeFeature feature_;
  ViewPlan plan_;  // which says on what level a box lies
  std::int64_t pooler_resolution_;
  torch::Device device_;
  ResNet resnet_{nullptr};
  Fpn fpn_{nullptr};                   // null without a pyramid; else resnet_ is its bottom_up
  std::shared_ptr<RoiHeadImpl> head_;  // null unless kHead
};

}  // namespace soco
