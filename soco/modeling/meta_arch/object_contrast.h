// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "soco/modeling/fpn.h"
#include "soco/modeling/heads/box_head.h"
#include "soco/modeling/heads/mlp_head.h"
#include "soco/modeling/model_options.h"

namespace soco {

/// A batch on the model's device. Images N, boxes an image and side K.
struct ObjectContrastInput {
  struct Side {
    torch::Tensor boxes;   // [N,K,4] float32 (or float64 with a float64 model), xyxy, in [0,1] of the side's view
    torch::Tensor ids;     // [N,K] int64; boxes of equal id in one image and pair show the same object
    torch::Tensor levels;  // [N,K] int64; 0..3 = P2..P5 (C4: 0), -1: no level, never matched
  };
  struct Pair {
    int view_a = 0, view_b = 0;
    Side a, b;
  };
  std::vector<torch::Tensor> views;  // [N,3,H,W] float32, normalised RGB; sizes may differ between views
  std::vector<Pair> pairs;
};

struct ObjectContrastOutput {
  torch::Tensor loss;  // scalar float32: sum of the terms below, in [-4 * pairs, 0 .. 4 * pairs]
  /// Terms in order: "pair01.a_to_b" (online a against target b; views 0 and 1), "pair01.b_to_a", ...
  std::vector<std::pair<std::string, torch::Tensor>> losses;
  double mean_cosine = 0;        // of all matched boxes, online against target, both directions; 0 when none match
  double feature_std_ratio = 0;  // mean over channels of the std of unit-length target vectors, times sqrt(channels):
                                 // 1 for an even spread, 0 when the target has collapsed to one vector
  std::int64_t num_matches = 0;  // matched pairs of boxes, each counted once
  std::array<std::int64_t, kNumLevels + 1> boxes_per_level{};  // all sides; P2..P5, then boxes without a level
};

/// One network: the detector's backbone and head, projector and, on the online side, predictor.
/// Keys: backbone.*, roi_heads.box_head.* (FPN) or roi_heads.res5.* (C4), projector.*, predictor.*.
struct ContrastNetworkImpl : torch::nn::Module {
  ContrastNetworkImpl(const ModelOptions& options, bool has_predictor);
  std::shared_ptr<DetectorBackboneImpl> backbone;
  std::shared_ptr<RoiHeadImpl> box_head;
  MlpHead projector{nullptr};
  MlpHead predictor{nullptr};  // null on the target
};
TORCH_MODULE(ContrastNetwork);

/// SoCo's object-level contrast (section 3): an online network predicts, for every box, what a slowly moving target
/// network sees of the same object in another view. Views and pairs are data, so SoCo-C4, SoCo-FPN and SoCo* are
/// one class.
///
/// BatchNorm buffers move as in the authors' release. Backbone and pyramid: view by view. Heads in the reference mode:
/// for every view in order, for every side on that view in order of the pairs (a before b), for P2..P5: 16 times in
/// SoCo-FPN (sets 1 of pair 12, 1 of 13, 2, 3). All groups run as one stacked call with grouped BatchNorm; groups that
/// no loss term reaches have an exactly zero gradient, so they run forward only.
/// In the assigned mode the heads see one group per view: all boxes of the view, each on its level.
///
/// forward() changes no parameter. The target starts as a copy of the online network and takes no gradient; its moving
/// average is the caller's (`ema_update`), made in `between`.
struct ObjectContrastImpl : torch::nn::Module {
  explicit ObjectContrastImpl(const ModelOptions& options);

  /// Online passes of all views, then `between` (when set), then the target's without gradient and in the module's own
  /// train mode, then the loss, in float32 even under autocast. Call loss.backward() on the result.
  /// Errors: shapes, dtypes or view indices that do not fit together, levels that the architecture does not have.
  ObjectContrastOutput forward(const ObjectContrastInput& input, const std::function<void()>& between = {});

  ModelOptions options;
  ContrastNetwork online{nullptr};
  ContrastNetwork target{nullptr};
};
TORCH_MODULE(ObjectContrast);

/// The loss of one direction (SoCo section 3.3; release): queries [N,K,D] and keys [N,K,D] of unit length, match
/// [N,K,K] 0 or 1: -2 * mean over images of (sum of matched dot products / (matches + 1e-6)).
torch::Tensor contrast_loss(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match);

/// match [N,K_a,K_b] float32: 1 where ids are equal and both boxes have a level.
torch::Tensor match_boxes(const ObjectContrastInput::Side& a, const ObjectContrastInput::Side& b);

}  // namespace soco
