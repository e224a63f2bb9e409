// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace soco {

/// boxes [B,4] xyxy px -> areas [B].
torch::Tensor box_areas(const torch::Tensor& boxes);

/// Overlap of every box of a [A,4] with every box of b [B,4], xyxy: common area over joint area, [A,B]; 0 where both
/// are empty.
torch::Tensor box_iou(const torch::Tensor& a, const torch::Tensor& b);

/// boxes [...,4] xyxy px, cut off at an image of height x width px.
torch::Tensor clip_boxes(const torch::Tensor& boxes, std::int64_t height, std::int64_t width);

/// How a box is written relative to another: shift of the centre in units of the other's size, and logarithm of the
/// ratio of sizes, each times its weight (Girshick et al. 2014, appendix C). Weights are 1,1,1,1 in the proposal
/// network and 10,10,5,5 in the box head. Sizes grow at most by exp(scale_clamp), in Detectron2 1000/16.
struct BoxCoder {
  std::array<double, 4> weights{1, 1, 1, 1};
  double scale_clamp = std::log(1000.0 / 16);

  /// Deltas [B,4] that lead from `from` to `to`, both [B,4] xyxy with positive sides.
  torch::Tensor encode(const torch::Tensor& from, const torch::Tensor& to) const;
  /// The way back: from [B,4], deltas [B,4k] (k classes) -> boxes [B,4k].
  torch::Tensor decode(const torch::Tensor& from, const torch::Tensor& deltas) const;
};

/// The sum over all values of the Huber-like loss of Girshick 2015: with d = |prediction - target|, d^2 / (2 beta)
/// below beta and d - beta / 2 above; beta 0 is the L1 loss.
torch::Tensor smooth_l1_sum(const torch::Tensor& prediction, const torch::Tensor& target, double beta);

}  // namespace soco
