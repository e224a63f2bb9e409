// SPDX-License-Identifier: MIT
#include "soco/modeling/roi_heads.h"

#include <torch/torch.h>

#include <algorithm>

#include "soco/base/error.h"
#include "soco/layers/nms.h"

namespace soco {
namespace {

NormKind norm_kind(DetectorNorm norm) { return norm == DetectorNorm::kNone ? NormKind::kNone : NormKind::kBatch; }

// Half types hold too few digits for losses and scores.
torch::Tensor at_least_float32(const torch::Tensor& x) {
  return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32);
}

/// The regions of one image that are learned from; all on the CPU.
struct SampledRegions {
  torch::Tensor boxes;    // [R,4] float64, objects' first
  torch::Tensor classes;  // [R] int64, K: background
  torch::Tensor objects;  // [R] int64, index of the object; 0 for background
  std::int64_t num_positives = 0;
};

SampledRegions sample_regions(const torch::Tensor& proposals, const DetectorTarget& target,
                              const RoiHeadsOptions& options, std::int64_t num_classes, std::int64_t image,
                              const CandidateSampler& sampler) {
  // The objects themselves are proposals too, so that there is something to learn from at the start.
  const torch::Tensor candidates = torch::cat({proposals.to(torch::kFloat64), target.boxes.to(torch::kFloat64)});
  const Matches matches =
      match_boxes(target.boxes, candidates, {options.object_iou, options.object_iou, LowQualityMatches::kNone});
  const SampledCandidates sampled =
      sampler({SamplingStage::kProposals, image, matches, options.samples_per_image, options.positive_ratio});
  std::vector<std::int64_t> rows = sampled.positives, owners;
  rows.insert(rows.end(), sampled.negatives.begin(), sampled.negatives.end());
  for (const std::int64_t row : rows) owners.push_back(matches.object[row]);
  SampledRegions regions;
  regions.num_positives = static_cast<std::int64_t>(sampled.positives.size());
  regions.boxes = candidates.index_select(0, torch::tensor(rows, torch::kInt64));
  regions.objects = torch::tensor(owners, torch::kInt64);
  regions.classes = torch::full({static_cast<std::int64_t>(rows.size())}, num_classes, torch::kInt64);
  if (regions.num_positives > 0)
    regions.classes.slice(0, 0, regions.num_positives)
        .copy_(target.labels.index_select(0, regions.objects.slice(0, 0, regions.num_positives)));
  return regions;
}

/// What is known of the objects' regions of a batch.
struct PositiveRegions {
  torch::Tensor rows;           // [F] int64, CPU: among all regions of the batch
  torch::Tensor classes;        // [F] int64, CPU
  torch::Tensor target_deltas;  // [F,4] float64, CPU
};

PositiveRegions positive_regions(const std::vector<SampledRegions>& sampled, const std::vector<DetectorTarget>& targets,
                                 const BoxCoder& coder) {
  std::vector<torch::Tensor> rows, classes, deltas;
  std::int64_t first = 0;
  for (std::size_t image = 0; image < sampled.size(); ++image) {
    const SampledRegions& s = sampled[image];
    const std::int64_t count = s.num_positives;
    rows.push_back(torch::arange(first, first + count, torch::kInt64));
    classes.push_back(s.classes.slice(0, 0, count));
    if (count > 0)
      deltas.push_back(
          coder.encode(s.boxes.slice(0, 0, count),
                       targets[image].boxes.to(torch::kFloat64).index_select(0, s.objects.slice(0, 0, count))));
    first += s.boxes.size(0);
  }
  return {torch::cat(rows), torch::cat(classes), deltas.empty() ? torch::Tensor() : torch::cat(deltas)};
}

// predictions [R,k*4] -> [F,4]: of the rows named, the class' own four numbers (k 1: the only ones).
torch::Tensor own_deltas(const torch::Tensor& deltas, const PositiveRegions& positives) {
  const torch::Tensor by_class = deltas.view({deltas.size(0), -1, 4});
  const torch::Tensor own = by_class.size(1) == 1 ? torch::zeros_like(positives.classes) : positives.classes;
  return by_class.index({positives.rows.to(deltas.device()), own.to(deltas.device())});
}

torch::Tensor box_loss(const torch::Tensor& deltas, const PositiveRegions& positives, double num_regions,
                       const RoiHeadsOptions& options) {
  if (!positives.target_deltas.defined()) return deltas.sum() * 0;
  const torch::Tensor target = positives.target_deltas.to(deltas.device(), deltas.scalar_type());
  const torch::Tensor loss = smooth_l1_sum(own_deltas(deltas, positives), target, options.smooth_l1_beta);
  return loss * (options.box_loss_weight / num_regions);
}

/// Regions of objects that have a mask, and their targets.
struct MaskSamples {
  std::int64_t count = 0;              // of all images
  std::vector<torch::Tensor> boxes;    // of each image, [F,4] float64, CPU
  std::vector<torch::Tensor> rows;     // of each image, [F] int64, CPU: among all regions of the batch
  std::vector<torch::Tensor> classes;  // of each image, [F] int64, CPU
  std::vector<torch::Tensor> targets;  // of images with any, [F,M,M]
};

MaskSamples mask_samples(const std::vector<SampledRegions>& sampled, const std::vector<DetectorTarget>& targets,
                         std::int64_t side) {
  MaskSamples masks;
  std::int64_t first = 0;
  for (std::size_t image = 0; image < sampled.size(); ++image) {
    const SampledRegions& s = sampled[image];
    torch::Tensor with_mask = torch::empty({0}, torch::kInt64);
    if (targets[image].masks && s.num_positives > 0) {
      const torch::Tensor target =
          targets[image].masks(s.boxes.slice(0, 0, s.num_positives), s.objects.slice(0, 0, s.num_positives), side);
      with_mask = (target.flatten(1).amin(1) >= 0).nonzero().squeeze(1);
      if (with_mask.size(0) > 0) masks.targets.push_back(target.index_select(0, with_mask));
      masks.count += with_mask.size(0);
    }
    masks.boxes.push_back(s.boxes.index_select(0, with_mask));
    masks.rows.push_back(with_mask + first);
    masks.classes.push_back(s.classes.index_select(0, with_mask));
    first += s.boxes.size(0);
  }
  return masks;
}

// logits [F,k,M,M] -> [F,M,M] of each row's class (k 1: the only one).
torch::Tensor own_masks(const torch::Tensor& logits, const torch::Tensor& classes) {
  if (logits.size(1) == 1) return logits.squeeze(1);
  const torch::Tensor rows = torch::arange(logits.size(0), torch::kInt64).to(logits.device());
  return logits.index({rows, classes.to(logits.device())});
}

NamedFigures training_figures(const std::vector<SampledRegions>& sampled, const torch::Tensor& logits,
                              const torch::Tensor& classes) {
  double positives = 0;
  for (const SampledRegions& s : sampled) positives += static_cast<double>(s.num_positives);
  const double regions = static_cast<double>(logits.size(0)), images = static_cast<double>(sampled.size());
  const double right = logits.detach().argmax(1).eq(classes).sum().item<double>();
  return {{"regions_of_objects", positives / images}, {"class_accuracy", right / std::max(1.0, regions)}};
}

}  // namespace

RoiHeadsImpl::RoiHeadsImpl(const DetectorOptions& options, std::int64_t num_classes, std::int64_t in_channels,
                           std::vector<std::int64_t> strides)
    : options_(options),
      num_classes_(num_classes),
      pooling_{std::move(strides), options.roi_heads.sampling_ratio, options.roi_heads.aligned} {
  const RoiHeadsOptions& heads = options.roi_heads;
  std::copy(heads.box_weights.begin(), heads.box_weights.end(), coder_.weights.begin());
  std::int64_t mask_channels = in_channels;
  if (options.trunk == DetectorTrunk::kC4) {
    res5_ =
        Res5Head(options.resnet(), heads.pooler_resolution, heads.extra_norm ? ExtraNorm::kBatch : ExtraNorm::kNone);
    box_head = register_module("res5", res5_.ptr());
    if (options.backbone_norm == DetectorNorm::kFrozen) freeze_batch_norms(*box_head);
    mask_channels = box_head->out_channels();
  } else {
    box_head = register_module("box_head", std::make_shared<BoxHeadImpl>(BoxHeadOptions{
                                               in_channels, heads.pooler_resolution, heads.num_convs, heads.fc_channels,
                                               heads.num_fcs, norm_kind(heads.norm)}));
    if (heads.norm == DetectorNorm::kFrozen) freeze_batch_norms(*box_head);
  }
  box_predictor = register_module("box_predictor", BoxPredictor(box_head->out_channels(), num_classes,
                                                                heads.class_agnostic_boxes ? 1 : num_classes));
  if (options.masks.enabled)
    mask_head = register_module("mask_head",
                                MaskHead(options.masks, mask_channels, options.masks.class_agnostic ? 1 : num_classes));
}

RegionBatch RoiHeadsImpl::regions(const std::vector<torch::Tensor>& boxes, const torch::Tensor& features) const {
  std::vector<torch::Tensor> images;
  for (std::size_t i = 0; i < boxes.size(); ++i)
    images.push_back(torch::full({boxes[i].size(0)}, static_cast<std::int64_t>(i), torch::kInt64));
  const torch::Tensor all = torch::cat(boxes);
  const torch::ScalarType dtype = features.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  return {all.to(features.device(), dtype), torch::cat(images).to(features.device()),
          pooling_.strides.size() == 1 ? torch::zeros({all.size(0)}, torch::kInt64)
                                       : pyramid_levels(all, options_.roi_heads.canonical_size)};
}

torch::Tensor RoiHeadsImpl::pool(const std::vector<torch::Tensor>& features, const RegionBatch& regions,
                                 std::int64_t resolution) const {
  return pool_detections(features, regions.boxes, regions.image_indices, regions.levels, resolution, pooling_);
}

torch::Tensor RoiHeadsImpl::mask_logits(const std::vector<torch::Tensor>& features, const RegionBatch& regions,
                                        const torch::Tensor& classes) {
  const torch::Tensor input = res5_.is_empty() ? pool(features, regions, options_.masks.pooler_resolution)
                                               : res5_->features(pool(features, regions, *res5_->resolution()));
  return own_masks(at_least_float32(mask_head(input)), classes);
}

RoiHeadsImpl::SampleCounts RoiHeadsImpl::counts_per_rank(std::int64_t regions, std::int64_t masks) const {
  torch::Tensor counts = torch::tensor({regions, masks}, torch::kFloat64);
  if (communicator != nullptr) {
    communicator->all_reduce_sum(counts);
    counts.div_(communicator->world_size());
  }
  return {counts[0].item<double>(), counts[1].item<double>()};
}

RoiHeadsImpl::Training RoiHeadsImpl::train_on(const std::vector<torch::Tensor>& features,
                                              const std::vector<torch::Tensor>& proposals,
                                              const std::vector<DetectorTarget>& targets,
                                              const CandidateSampler& sampler) {
  std::vector<SampledRegions> sampled;
  std::vector<torch::Tensor> boxes, classes;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    sampled.push_back(sample_regions(proposals[i], targets[i], options_.roi_heads, num_classes_,
                                     static_cast<std::int64_t>(i), sampler));
    boxes.push_back(sampled[i].boxes);
    classes.push_back(sampled[i].classes);
  }
  const RegionBatch all = regions(boxes, features[0]);
  if (all.boxes.size(0) == 0) fail("a batch gave no region to learn from; are its images empty?");
  const torch::Tensor pooled = pool(features, all, *box_head->resolution());
  const torch::Tensor map = res5_.is_empty() ? torch::Tensor() : res5_->features(pooled);  // C4's masks share it
  const torch::Tensor vectors = res5_.is_empty() ? box_head->forward(pooled, {}) : map.mean({2, 3});
  const torch::Tensor logits = at_least_float32(box_predictor->cls_score(vectors));
  const torch::Tensor deltas = at_least_float32(box_predictor->bbox_pred(vectors));
  const torch::Tensor all_classes = torch::cat(classes).to(logits.device());
  const PositiveRegions positives = positive_regions(sampled, targets, coder_);
  const std::int64_t side = res5_.is_empty() ? 2 * options_.masks.pooler_resolution : 2 * map.size(2);
  const MaskSamples masks = mask_head.is_empty() ? MaskSamples{} : mask_samples(sampled, targets, side);
  const SampleCounts counts = counts_per_rank(all.boxes.size(0), masks.count);
  Training result;
  result.losses = {
      {"loss_cls", torch::cross_entropy_loss(logits, all_classes, {}, torch::Reduction::Sum) / counts.regions},
      {"loss_box_reg", box_loss(deltas, positives, counts.regions, options_.roi_heads)}};
  result.figures = training_figures(sampled, logits, all_classes);
  if (counts.masks == 0)
    return result;  // of any rank: one without masks goes through the head with none, as the
                    // others' BatchNorm waits for it
  const torch::Tensor mask_classes = torch::cat(masks.classes);
  const torch::Tensor predicted =
      res5_.is_empty()
          ? mask_logits(features, regions(masks.boxes, features[0]), mask_classes)
          : own_masks(at_least_float32(mask_head(map.index_select(0, torch::cat(masks.rows).to(map.device())))),
                      mask_classes);
  const torch::Tensor target = masks.targets.empty()
                                   ? torch::zeros_like(predicted)
                                   : torch::cat(masks.targets).to(predicted.device(), predicted.scalar_type());
  const torch::Tensor mask_loss =
      torch::binary_cross_entropy_with_logits(predicted, target, {}, {}, torch::Reduction::Sum);
  result.losses.emplace_back("loss_mask", mask_loss / (counts.masks * static_cast<double>(side * side)));
  return result;
}

DetectorDetections RoiHeadsImpl::image_detections(const torch::Tensor& proposals, const torch::Tensor& probabilities,
                                                  const torch::Tensor& deltas, const ImageSize& size) const {
  const RoiHeadsOptions& heads = options_.roi_heads;
  const torch::Tensor boxes = clip_boxes(
      coder_.decode(proposals, deltas).view({proposals.size(0), deltas.size(1) / 4, 4}), size.height, size.width);
  const torch::Tensor finite = boxes.isfinite().flatten(1).all(1) & probabilities.isfinite().all(1);
  const torch::Tensor scores = probabilities.slice(1, 0, num_classes_);  // without background
  const torch::Tensor chosen = ((scores > heads.score_threshold) & finite.unsqueeze(1)).nonzero();  // [D,2] row, class
  const torch::Tensor row = chosen.select(1, 0), label = chosen.select(1, 1);
  DetectorDetections found{.boxes = boxes.index({row, boxes.size(1) == 1 ? torch::zeros_like(label) : label}),
                           .scores = scores.index({row, label}),
                           .labels = label,
                           .masks = {}};
  const auto select = [&found](const torch::Tensor& rows) {
    found.boxes = found.boxes.index_select(0, rows);
    found.scores = found.scores.index_select(0, rows);
    found.labels = found.labels.index_select(0, rows);
  };
  if (heads.min_size > 0)
    select(((found.boxes.slice(1, 2, 4) - found.boxes.slice(1, 0, 2)) >= heads.min_size).all(1).nonzero().squeeze(1));
  select(batched_nms(found.boxes, found.scores, found.labels, heads.nms_iou).slice(0, 0, heads.detections_per_image));
  return found;
}

std::vector<DetectorDetections> RoiHeadsImpl::detect(const std::vector<torch::Tensor>& features,
                                                     const std::vector<torch::Tensor>& proposals,
                                                     const std::vector<ImageSize>& sizes) {
  const torch::NoGradGuard no_grad;
  const RegionBatch all = regions(proposals, features[0]);
  torch::Tensor probabilities, deltas;
  if (all.boxes.size(0) > 0) {
    const torch::Tensor vectors = box_head->forward(pool(features, all, *box_head->resolution()), {});
    probabilities = torch::softmax(at_least_float32(box_predictor->cls_score(vectors)), 1).cpu();
    deltas = at_least_float32(box_predictor->bbox_pred(vectors)).cpu();
  } else {
    probabilities = torch::empty({0, num_classes_ + 1});
    deltas = torch::empty({0, box_predictor->bbox_pred->options.out_features()});
  }
  std::vector<DetectorDetections> result;
  std::vector<torch::Tensor> boxes, labels;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    const std::int64_t last = first + proposals[i].size(0);
    result.push_back(image_detections(proposals[i].to(deltas.scalar_type()), probabilities.slice(0, first, last),
                                      deltas.slice(0, first, last), sizes[i]));
    boxes.push_back(result[i].boxes);
    labels.push_back(result[i].labels);
    first = last;
  }
  if (mask_head.is_empty()) return result;
  const RegionBatch found = regions(boxes, features[0]);
  if (found.boxes.size(0) == 0) {
    for (DetectorDetections& d : result) d.masks = torch::empty({0, 1, 1});
    return result;
  }
  const torch::Tensor masks = torch::sigmoid(mask_logits(features, found, torch::cat(labels))).cpu();
  first = 0;
  for (DetectorDetections& d : result) {
    d.masks = masks.slice(0, first, first + d.boxes.size(0));
    first += d.boxes.size(0);
  }
  return result;
}

}  // namespace soco
