// SPDX-License-Identifier: MIT
#include "soco/layers/box_ops.h"

#include <torch/torch.h>

#include "soco/base/error.h"

namespace soco {
namespace {

struct CentredBoxes {
  torch::Tensor x, y, width, height;  // [B]
};

CentredBoxes centred(const torch::Tensor& boxes) {
  const torch::Tensor width = boxes.select(1, 2) - boxes.select(1, 0), height = boxes.select(1, 3) - boxes.select(1, 1);
  return {boxes.select(1, 0) + 0.5 * width, boxes.select(1, 1) + 0.5 * height, width, height};
}

void check_boxes(const torch::Tensor& boxes) {
  if (boxes.dim() != 2 || boxes.size(1) != 4) fail("boxes have shape {}; expected [B,4]", c10::str(boxes.sizes()));
}

}  // namespace

torch::Tensor box_areas(const torch::Tensor& boxes) {
  check_boxes(boxes);
  return (boxes.select(1, 2) - boxes.select(1, 0)) * (boxes.select(1, 3) - boxes.select(1, 1));
}

torch::Tensor box_iou(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor area_a = box_areas(a), area_b = box_areas(b);
  const torch::Tensor first = torch::max(a.slice(1, 0, 2).unsqueeze(1), b.slice(1, 0, 2));
  const torch::Tensor last = torch::min(a.slice(1, 2, 4).unsqueeze(1), b.slice(1, 2, 4));
  const torch::Tensor common = (last - first).clamp_min(0).prod(2);
  const torch::Tensor joint = area_a.unsqueeze(1) + area_b - common;
  return torch::where(joint > 0, common / joint, torch::zeros_like(joint));
}

torch::Tensor clip_boxes(const torch::Tensor& boxes, std::int64_t height, std::int64_t width) {
  const torch::Tensor most =
      torch::tensor({width, height, width, height}, torch::kInt64).to(boxes.device(), boxes.scalar_type());
  return torch::min(boxes.clamp_min(0), most);
}

torch::Tensor BoxCoder::encode(const torch::Tensor& from, const torch::Tensor& to) const {
  check_boxes(from);
  check_boxes(to);
  const CentredBoxes a = centred(from), b = centred(to);
  return torch::stack({weights[0] * (b.x - a.x) / a.width, weights[1] * (b.y - a.y) / a.height,
                       weights[2] * torch::log(b.width / a.width), weights[3] * torch::log(b.height / a.height)},
                      1);
}

torch::Tensor BoxCoder::decode(const torch::Tensor& from, const torch::Tensor& deltas) const {
  check_boxes(from);
  if (deltas.dim() != 2 || deltas.size(0) != from.size(0) || deltas.size(1) % 4 != 0)
    fail("box deltas have shape {}; expected [{},4k]", c10::str(deltas.sizes()), from.size(0));
  const CentredBoxes a = centred(from);
  const torch::Tensor d = deltas.view({deltas.size(0), deltas.size(1) / 4, 4});
  const auto column = [](const torch::Tensor& x) { return x.unsqueeze(1); };
  const torch::Tensor x = d.select(2, 0) / weights[0] * column(a.width) + column(a.x);
  const torch::Tensor y = d.select(2, 1) / weights[1] * column(a.height) + column(a.y);
  const torch::Tensor half_w = 0.5 * torch::exp((d.select(2, 2) / weights[2]).clamp_max(scale_clamp)) * column(a.width);
  const torch::Tensor half_h =
      0.5 * torch::exp((d.select(2, 3) / weights[3]).clamp_max(scale_clamp)) * column(a.height);
  return torch::stack({x - half_w, y - half_h, x + half_w, y + half_h}, 2).view(deltas.sizes());
}

torch::Tensor smooth_l1_sum(const torch::Tensor& prediction, const torch::Tensor& target, double beta) {
  const torch::Tensor distance = (prediction - target).abs();
  if (beta <= 0) return distance.sum();
  return torch::where(distance < beta, 0.5 / beta * distance.square(), distance - 0.5 * beta).sum();
}

}  // namespace soco
