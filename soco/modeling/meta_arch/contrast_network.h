// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include "soco/modeling/backbone/resnet.h"
#include "soco/modeling/heads/box_head.h"
#include "soco/modeling/heads/mlp_head.h"
#include "soco/modeling/model_options.h"

namespace soco {

enum class NetworkRole { kOnline, kTarget };

/// One network of the two: the detector's backbone and head, projector and, on the online side, predictor.
/// Keys: backbone.*, roi_heads.box_head.* (FPN) or roi_heads.res5.* (C4), projector.*, predictor.*.
struct ContrastNetworkImpl : torch::nn::Module {
  ContrastNetworkImpl(const ModelOptions& options, NetworkRole role);
  std::shared_ptr<DetectorBackboneImpl> backbone;
  std::shared_ptr<RoiHeadImpl> box_head;
  MlpHead projector{nullptr};
  MlpHead predictor{nullptr};  // null on the target, and everywhere without ModelOptions::predictor
};
TORCH_MODULE(ContrastNetwork);

}  // namespace soco
