// SPDX-License-Identifier: MIT
#include "soco/modeling/rpn.h"

#include <torch/torch.h>

#include <algorithm>

#include "soco/base/error.h"
#include "soco/layers/box_ops.h"
#include "soco/layers/nms.h"

namespace soco {
namespace {

constexpr double kInitDeviation = 0.01;

torch::nn::Conv2d new_convolution(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(in, out, kernel).padding((kernel - 1) / 2));
  torch::nn::init::normal_(conv->weight, 0, kInitDeviation);
  torch::nn::init::zeros_(conv->bias);
  return conv;
}

// Half types hold too few digits for pixels and for losses.
torch::Tensor at_least_float32(const torch::Tensor& x) {
  return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32);
}

// [N,A*k,H,W] -> [N,H*W*A,k]: cell after cell, anchor after anchor.
torch::Tensor by_anchor(const torch::Tensor& map, std::int64_t values) {
  const std::int64_t n = map.size(0), anchors = map.size(1) / values;
  return at_least_float32(map)
      .view({n, anchors, values, map.size(2), map.size(3)})
      .permute({0, 3, 4, 1, 2})
      .reshape({n, -1, values});
}

torch::Tensor large_enough(const torch::Tensor& boxes, double min_size) {
  const torch::Tensor sides = boxes.slice(1, 2, 4) - boxes.slice(1, 0, 2);
  return (sides > min_size).all(1) & boxes.isfinite().all(1);
}

// Sampled anchors of a whole batch, as rows of the images' anchors one after the other.
struct AnchorSamples {
  std::vector<std::int64_t> rows;  // positives of an image, then its negatives
  std::vector<float> is_object;    // of each row
  std::vector<std::int64_t> positive_rows;
  std::vector<torch::Tensor> target_deltas;  // of positive rows, image by image, float64
};

void add_samples(AnchorSamples& all, const SampledCandidates& sampled, std::int64_t first_row) {
  for (const std::int64_t i : sampled.positives) {
    all.rows.push_back(first_row + i), all.is_object.push_back(1);
    all.positive_rows.push_back(first_row + i);
  }
  for (const std::int64_t i : sampled.negatives) all.rows.push_back(first_row + i), all.is_object.push_back(0);
}

torch::Tensor target_deltas(const torch::Tensor& anchors, const torch::Tensor& objects, const Matches& matches,
                            const std::vector<std::int64_t>& positives) {
  std::vector<std::int64_t> owners;
  for (const std::int64_t i : positives) owners.push_back(matches.object[i]);
  const torch::Tensor own = torch::tensor(positives, torch::kInt64), owner = torch::tensor(owners, torch::kInt64);
  return BoxCoder{}.encode(anchors.index_select(0, own), objects.to(torch::kFloat64).index_select(0, owner));
}

}  // namespace

RpnHeadImpl::RpnHeadImpl(std::int64_t in_channels, std::int64_t anchors_per_cell) {
  conv = register_module("conv", new_convolution(in_channels, in_channels, 3));
  objectness_logits = register_module("objectness_logits", new_convolution(in_channels, anchors_per_cell, 1));
  anchor_deltas = register_module("anchor_deltas", new_convolution(in_channels, 4 * anchors_per_cell, 1));
}

RpnImpl::RpnImpl(const RpnOptions& rpn_options, std::int64_t in_channels, std::vector<std::int64_t> strides)
    : options(rpn_options), strides_(std::move(strides)) {
  const std::vector<double>& sizes = options.anchors.sizes;
  if (strides_.size() == 1)
    level_sizes_ = {sizes};
  else
    for (const double size : sizes) level_sizes_.push_back({size});
  SOCO_ASSERT(level_sizes_.size() == strides_.size());
  const std::size_t per_cell = level_sizes_[0].size() * options.anchors.ratios.size();
  rpn_head = register_module("rpn_head", RpnHead(in_channels, static_cast<std::int64_t>(per_cell)));
}

AnchorGrid RpnImpl::grid_of(const std::vector<torch::Tensor>& features, std::size_t level) const {
  AnchorGrid grid{features[level].size(2), features[level].size(3), strides_[level], strides_[level]};
  if (options.anchors.fit_stride) {  // the padded image is as large as the finest map says
    grid.stride_y = features[0].size(2) * strides_[0] / grid.height;
    grid.stride_x = features[0].size(3) * strides_[0] / grid.width;
  }
  return grid;
}

RpnPredictions RpnImpl::predict(const std::vector<torch::Tensor>& features) {
  SOCO_ASSERT(features.size() == strides_.size());
  RpnPredictions predictions;
  for (std::size_t level = 0; level < features.size(); ++level) {
    const torch::Tensor x = rpn_head->conv(features[level]).relu_();
    predictions.logits.push_back(by_anchor(rpn_head->objectness_logits(x), 1).squeeze(2));
    predictions.deltas.push_back(by_anchor(rpn_head->anchor_deltas(x), 4));
    predictions.anchors.push_back(make_anchors(options.anchors, level_sizes_[level], grid_of(features, level)));
  }
  return predictions;
}

torch::Tensor RpnImpl::image_proposals(const RpnPredictions& predictions, std::int64_t image, const ImageSize& size,
                                       DetectorPhase phase) const {
  const bool training = phase == DetectorPhase::kTraining;
  const std::int64_t candidates = training ? options.train_candidates : options.test_candidates;
  std::vector<torch::Tensor> boxes, scores, levels;
  for (std::size_t level = 0; level < predictions.logits.size(); ++level) {
    const torch::Tensor logits = predictions.logits[level][image];
    const auto [best, index] = logits.topk(std::min(candidates, logits.size(0)));
    const torch::Tensor anchors =
        predictions.anchors[level].index_select(0, index.cpu()).to(best.device(), best.scalar_type());
    boxes.push_back(BoxCoder{}.decode(anchors, predictions.deltas[level][image].index_select(0, index)));
    scores.push_back(best);
    levels.push_back(torch::full({best.size(0)}, static_cast<std::int64_t>(level), torch::kInt64));
  }
  const torch::Tensor clipped = clip_boxes(torch::cat(boxes), size.height, size.width).cpu();
  const torch::Tensor all_scores = torch::cat(scores).cpu();
  const torch::Tensor usable = (large_enough(clipped, options.min_size) & all_scores.isfinite()).nonzero().squeeze(1);
  const torch::Tensor left = clipped.index_select(0, usable);
  const torch::Tensor kept = batched_nms(left, all_scores.index_select(0, usable),
                                         torch::cat(levels).index_select(0, usable), options.nms_iou);
  return left.index_select(0, kept.slice(0, 0, training ? options.train_proposals : options.test_proposals));
}

std::vector<torch::Tensor> RpnImpl::proposals(const RpnPredictions& predictions, const std::vector<ImageSize>& sizes,
                                              DetectorPhase phase) const {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> result;
  for (std::size_t image = 0; image < sizes.size(); ++image)
    result.push_back(image_proposals(predictions, static_cast<std::int64_t>(image), sizes[image], phase));
  return result;
}

NamedLosses RpnImpl::losses(const RpnPredictions& predictions, const std::vector<DetectorTarget>& targets,
                            const CandidateSampler& sampler) const {
  const torch::Tensor logits = torch::cat(predictions.logits, 1), deltas = torch::cat(predictions.deltas, 1);
  const torch::Tensor anchors = torch::cat(predictions.anchors);
  const MatchOptions match{options.background_iou, options.object_iou, LowQualityMatches::kKeep};
  AnchorSamples samples;
  for (std::size_t image = 0; image < targets.size(); ++image) {
    const Matches matches = match_boxes(targets[image].boxes, anchors, match);
    const SampledCandidates sampled = sampler({SamplingStage::kAnchors, static_cast<std::int64_t>(image), matches,
                                               options.samples_per_image, options.positive_ratio});
    add_samples(samples, sampled, static_cast<std::int64_t>(image) * anchors.size(0));
    if (!sampled.positives.empty())
      samples.target_deltas.push_back(target_deltas(anchors, targets[image].boxes, matches, sampled.positives));
  }
  const double normalizer = static_cast<double>(options.samples_per_image) * static_cast<double>(targets.size());
  const auto rows_of = [&](const std::vector<std::int64_t>& rows) {
    return torch::tensor(rows, torch::kInt64).to(logits.device());
  };
  const torch::Tensor is_object = torch::tensor(samples.is_object).to(logits.device(), logits.scalar_type());
  const torch::Tensor cls = torch::binary_cross_entropy_with_logits(
      logits.flatten().index_select(0, rows_of(samples.rows)), is_object, {}, {}, torch::Reduction::Sum);
  const torch::Tensor predicted = deltas.flatten(0, 1).index_select(0, rows_of(samples.positive_rows));
  torch::Tensor loc = predicted.sum() * 0;  // no object in the batch: zero, and still part of the graph
  if (!samples.target_deltas.empty())
    loc = smooth_l1_sum(predicted, torch::cat(samples.target_deltas).to(deltas.device(), deltas.scalar_type()),
                        options.smooth_l1_beta);
  return {{"loss_rpn_cls", cls / normalizer}, {"loss_rpn_loc", loc * (options.loc_loss_weight / normalizer)}};
}

}  // namespace soco
