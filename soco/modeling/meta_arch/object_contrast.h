// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "soco/distributed/communicator.h"
#include "soco/modeling/meta_arch/contrast_network.h"
#include "soco/modeling/meta_arch/key_queue.h"
#include "soco/modeling/model_options.h"

namespace soco {

struct BoxSets;

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
  torch::Tensor loss;  // scalar float32: sum of the terms below; cosine: each in [-2, 2]
  /// Terms in order: "pair01.a_to_b" (online a against target b; views 0 and 1), "pair01.b_to_a" (not with
  /// Directions::kAToB), ...
  std::vector<std::pair<std::string, torch::Tensor>> losses;
  double mean_cosine = 0;        // of all matched boxes, online against target, over all terms; 0 when none match
  double feature_std_ratio = 0;  // mean over channels of the std of unit-length target vectors, times sqrt(channels):
                                 // 1 for an even spread, 0 when the target has collapsed to one vector
  double feature_rank = 0;       // of the same vectors' covariance, (sum of eigenvalues)^2 / sum of their squares: how
                                 // many directions they fill evenly, 1 .. min(vectors - 1, channels)
  std::int64_t num_matches = 0;  // matched pairs of boxes, each counted once
  std::array<std::int64_t, kNumLevels + 1> boxes_per_level{};  // all sides; P2..P5, then boxes without a level
};

/// SoCo's object-level contrast (section 3): an online network predicts, for every box, what a slowly moving target
/// network sees of the same object in another view. Views and pairs are data, and backbone, head and loss options, so
/// SoCo-C4, SoCo-FPN and SoCo* are one class; with whole views as boxes it is BYOL, with a queue MoCo v2.
///
/// BatchNorm buffers move as in the authors' release. Backbone and pyramid: view by view. Heads in the reference mode:
/// for every view in order, for every side on that view in order of the pairs (a before b), for P2..P5: 16 times in
/// SoCo-FPN (sets 1 of pair 12, 1 of 13, 2, 3). All groups run as one stacked call with grouped BatchNorm; groups that
/// no loss term reaches have an exactly zero gradient, so they run forward only.
/// In the assigned mode the heads see one group per view: all boxes of the view, each on its level.
///
/// forward() changes no parameter; in train mode it moves BatchNorm buffers and, with ContrastLoss::kInfoNce, pushes
/// the target's vectors (of boxes with a level, after they served as keys) into `queue`. The target starts as a copy of
/// the online network and takes no gradient; its moving average is the caller's (`ema_update`), made in `between`.
struct ObjectContrastImpl : torch::nn::Module {
  explicit ObjectContrastImpl(const ModelOptions& options);

  /// Online passes of all views, then `between` (when set), then the target's without gradient and in the module's own
  /// train mode, then the loss, in float32 even under autocast. Call loss.backward() on the result.
  /// Errors: shapes, dtypes or view indices that do not fit together, levels that the architecture does not have.
  ObjectContrastOutput forward(const ObjectContrastInput& input, const std::function<void()>& between = {});

  /// From now on the ranks train as one, with BatchNorm's statistics of the whole batch. All then run the same graph:
  /// in the reference mode with the groups that no loss term reaches, in the assigned mode with the pyramid levels on
  /// which any rank has boxes. The queue takes the keys of all. `communicator` must outlive this.
  void synchronize(Communicator& communicator);

  ModelOptions options;
  ContrastNetwork online{nullptr};
  ContrastNetwork target{nullptr};
  KeyQueue queue{nullptr};  // null without ContrastLoss::kInfoNce

 private:
  /// The loss and the figures of unit vectors [num sets, N*K, D] of the online network and of the target.
  ObjectContrastOutput compare(const ObjectContrastInput& input, const BoxSets& boxes, const torch::Tensor& queries,
                               const torch::Tensor& keys);

  Communicator* communicator_ = nullptr;  // not owned; null: one process
};
TORCH_MODULE(ObjectContrast);

/// match [N,K_a,K_b] float32: 1 where ids are equal and both boxes have a level.
torch::Tensor match_boxes(const ObjectContrastInput::Side& a, const ObjectContrastInput::Side& b);

}  // namespace soco
