// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/mask_rcnn.h"

#include <torch/torch.h>

#include <string>

#include "soco/base/error.h"
#include "soco/layers/grouped_batch_norm.h"
#include "soco/modeling/fpn.h"

namespace soco {
namespace {

const std::vector<std::int64_t> kPyramidStrides{4, 8, 16, 32, 64};
constexpr std::int64_t kC4Stride = 16;

// Detectron2's "xavier fill": uniform in +-sqrt(3 / fan in).
void fill_by_fan_in(torch::Tensor weight) { torch::nn::init::kaiming_uniform_(weight, /*a=*/1.0); }

void start_as_detectron2(FpnImpl& fpn) {
  for (auto* convs : {&fpn.laterals, &fpn.outputs})
    for (ConvNorm& conv : *convs) fill_by_fan_in(conv->weight);
}

void start_as_detectron2(BoxHeadImpl& head) {
  for (ConvNorm& conv : head.convs) torch::nn::init::kaiming_normal_(conv->weight, 0.0, torch::kFanOut, torch::kReLU);
  for (torch::nn::Linear& fc : head.fcs) {
    fill_by_fan_in(fc->weight);
    torch::nn::init::zeros_(fc->bias);
  }
}

std::shared_ptr<DetectorBackboneImpl> make_backbone(const DetectorOptions& options) {
  if (options.trunk == DetectorTrunk::kC4) return std::make_shared<ResNetC4Impl>(options.resnet());
  const NormKind norm = options.fpn_norm == DetectorNorm::kNone ? NormKind::kNone : NormKind::kBatch;
  auto fpn = std::make_shared<FpnImpl>(options.resnet(), options.fpn_channels, norm);
  start_as_detectron2(*fpn);
  if (options.backbone_norm == DetectorNorm::kFrozen) freeze_batch_norms(*fpn->bottom_up);
  if (options.fpn_norm == DetectorNorm::kFrozen)
    for (auto* convs : {&fpn->laterals, &fpn->outputs})
      for (ConvNorm& conv : *convs) conv->norm->freeze();
  return fpn;
}

// Stem, res2, ... of the trunk, as many as there are to freeze; res5 of C4 is among the RoI heads.
void freeze_stages(torch::nn::Module& detector, const DetectorOptions& options) {
  for (int stage = 1; stage <= options.freeze_at; ++stage) {
    std::string name = stage == 1 ? "stem" : "res" + std::to_string(stage);
    if (options.trunk == DetectorTrunk::kFpn)
      name = "backbone.bottom_up." + name;
    else
      name = (stage == 5 ? "roi_heads." : "backbone.") + name;
    const auto part = detector.named_modules("", /*include_self=*/false)[name];
    for (torch::Tensor& parameter : part->parameters()) parameter.set_requires_grad(false);
    freeze_batch_norms(*part);
  }
}

}  // namespace

MaskRcnnImpl::MaskRcnnImpl(const DetectorOptions& detector_options, std::int64_t num_classes)
    : options(detector_options) {
  validate_options(options);
  if (num_classes < 1) fail("a detector needs at least one class; got {}", num_classes);
  const bool c4 = options.trunk == DetectorTrunk::kC4;
  backbone = register_module("backbone", make_backbone(options));
  if (c4 && options.backbone_norm == DetectorNorm::kFrozen) freeze_batch_norms(*backbone);
  const std::vector<std::int64_t> strides = c4 ? std::vector<std::int64_t>{kC4Stride} : kPyramidStrides;
  proposal_generator = register_module("proposal_generator", Rpn(options.rpn, backbone->out_channels(), strides));
  const std::vector<std::int64_t> pooled(strides.begin(), strides.begin() + backbone->num_levels());
  roi_heads = register_module("roi_heads", RoiHeads(options, num_classes, backbone->out_channels(), pooled));
  if (auto* head = roi_heads->box_head->as<BoxHead>()) start_as_detectron2(*head);
  freeze_stages(*this, options);
}

std::vector<torch::Tensor> MaskRcnnImpl::features(const DetectorImages& images) {
  if (images.pixels.dim() != 4 || images.pixels.size(1) != 3 ||
      images.pixels.size(0) != static_cast<std::int64_t>(images.sizes.size()))
    fail("a detector was given images {} and {} sizes; expected [N,3,H,W] and N", c10::str(images.pixels.sizes()),
         images.sizes.size());
  const FeatureMaps maps = backbone->forward(images.pixels.contiguous(torch::MemoryFormat::ChannelsLast));
  std::vector<torch::Tensor> result(maps.begin(), maps.begin() + backbone->num_levels());
  // Every second value of P5, Detectron2's and torchvision's P6.
  if (backbone->num_levels() > 1) result.push_back(torch::max_pool2d(result.back(), 1, 2));
  return result;
}

std::vector<torch::Tensor> MaskRcnnImpl::pooled_maps(const std::vector<torch::Tensor>& maps) const {
  return {maps.begin(), maps.begin() + backbone->num_levels()};
}

void MaskRcnnImpl::synchronize(Communicator& communicator) {
  synchronize_batch_norms(*this, communicator);
  roi_heads->communicator = &communicator;
}

MaskRcnnImpl::Training MaskRcnnImpl::forward(const DetectorImages& images, const std::vector<DetectorTarget>& targets,
                                             const CandidateSampler& sampler) {
  if (targets.size() != images.sizes.size())
    fail("a detector was given {} images and {} targets", images.sizes.size(), targets.size());
  const std::vector<torch::Tensor> maps = features(images);
  const RpnPredictions predictions = proposal_generator->predict(maps);
  Training result{.losses = proposal_generator->losses(predictions, targets, sampler), .figures = {}};
  const auto proposals = proposal_generator->proposals(predictions, images.sizes, DetectorPhase::kTraining);
  RoiHeadsImpl::Training heads = roi_heads->train_on(pooled_maps(maps), proposals, targets, sampler);
  result.losses.insert(result.losses.end(), heads.losses.begin(), heads.losses.end());
  result.figures = std::move(heads.figures);
  return result;
}

std::vector<DetectorDetections> MaskRcnnImpl::infer(const DetectorImages& images) {
  const torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> maps = features(images);
  const RpnPredictions predictions = proposal_generator->predict(maps);
  const auto proposals = proposal_generator->proposals(predictions, images.sizes, DetectorPhase::kPrediction);
  return roi_heads->detect(pooled_maps(maps), proposals, images.sizes);
}

}  // namespace soco
