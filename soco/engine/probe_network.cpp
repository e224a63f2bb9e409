// SPDX-License-Identifier: MIT
#include "soco/engine/probe_network.h"

#include <array>
#include <utility>

#include "soco/base/error.h"
#include "soco/engine/training_state.h"
#include "soco/layers/tensor_bridge.h"
#include "soco/modeling/roi_pooler.h"

namespace soco {
namespace {

constexpr int kC4 = 2;  // place of res4's map among C2..C5

std::shared_ptr<RoiHeadImpl> make_head(const ModelOptions& model) {
  if (model.architecture == Architecture::kFpn)
    return std::make_shared<BoxHeadImpl>(
        BoxHeadOptions{model.fpn_channels, model.pooler_resolution, model.head_num_convs, model.head_fc_channels});
  if (model.architecture == Architecture::kC4)
    return std::make_shared<Res5HeadImpl>(model.resnet(), model.pooler_resolution);
  fail_usage("feature = head: model.architecture = {} has no box head; take roi, backbone or image",
             enum_name(model.architecture, kArchitectureNames));
}

/// Fills `module` with the tensors `prefix`name, for the first of `prefixes` that has them.
void load_module(const torch::nn::Module& module, const StateDict& state, const std::vector<std::string>& prefixes,
                 const std::string& source) {
  for (const auto& [name, tensor] : named_state(module)) {
    const HostTensor* found = nullptr;
    for (const std::string& prefix : prefixes)
      if (found == nullptr) found = state.find(prefix + name);
    if (found == nullptr)
      fail("{}: has no tensor '{}{}', which the configured network needs; is the configuration another's?", source,
           prefixes[0], name);
    try {
      copy_from_host(tensor, *found, prefixes[0] + name);
    } catch (const Error& error) {
      fail("{}: {}", source, error.what());
    }
  }
}

void copy_stage(const torch::nn::Module& stage, const torch::nn::Module& head) {
  const torch::NoGradGuard no_grad;
  const NamedTensors from = named_state(stage), to = named_state(head);
  SOCO_ASSERT(from.size() == to.size());
  for (std::size_t i = 0; i < from.size(); ++i) torch::Tensor(to[i].second).copy_(from[i].second);
}

// As ResNet's forward, without res5, which holds most of the weights and would cost the most on small images.
torch::Tensor res4_map(ResNetImpl& resnet, const torch::Tensor& image) {
  torch::Tensor x = resnet.stem(image);
  for (int stage = 0; stage <= kC4; ++stage)
    for (std::size_t i = 0; i < resnet.stages[stage]->size(); ++i)
      x = resnet.stages[stage]->ptr(i)->as<ResNetBlock>()->forward(x);
  return x;
}

}  // namespace

torch::Tensor probe_levels(const torch::Tensor& boxes, const ViewPlan& plan) {
  const std::vector<double>& thresholds = plan.level_thresholds;
  if (plan.level_rule == LevelRule::kDetectron2 && !thresholds.empty()) return pyramid_levels(boxes, 224);
  const torch::Tensor size =
      ((boxes.select(1, 2) - boxes.select(1, 0)) * (boxes.select(1, 3) - boxes.select(1, 1))).sqrt();
  torch::Tensor levels = torch::zeros({boxes.size(0)}, torch::kInt64);
  // Larger than the last threshold: the coarsest level.
  for (std::size_t i = 0; i + 1 < thresholds.size(); ++i) levels += (size > thresholds[i]).to(torch::kInt64);
  return levels;
}

ProbeNetwork::ProbeNetwork(const ModelOptions& model, const ViewPlan& plan, ProbeFeature feature, std::int64_t seed,
                           const torch::Device& device)
    : feature_(feature), plan_(plan), pooler_resolution_(model.pooler_resolution), device_(device) {
  // Backbone, then head: the order in which a run draws its initial weights.
  torch::manual_seed(seed);
  if (model.architecture == Architecture::kFpn) {
    fpn_ = Fpn(model.resnet(), model.fpn_channels);
    resnet_ = fpn_->bottom_up;
    if (!model.zero_init_residual) start_residuals_at_one(*fpn_);
    fpn_->to(device);
    fpn_->eval();
  } else {
    resnet_ = ResNet(model.resnet());
    if (!model.zero_init_residual) start_residuals_at_one(*resnet_);
    resnet_->to(device);
    resnet_->eval();
  }
  if (feature != ProbeFeature::kHead) return;
  head_ = make_head(model);
  if (fpn_.is_empty()) copy_stage(*resnet_->stages[kNumLevels - 1], *head_);  // C4's head is the backbone's res5
  head_->to(device);
  head_->eval();
}

void ProbeNetwork::load(const StateDict& online, const std::string& source) {
  const torch::NoGradGuard no_grad;
  const bool with_pyramid = !fpn_.is_empty() && (feature_ == ProbeFeature::kRoi || feature_ == ProbeFeature::kHead);
  if (with_pyramid)
    load_module(*fpn_, online, {"backbone."}, source);
  else  // SoCo-C4 keeps res5 as its head
    load_module(*resnet_, online, {"backbone.bottom_up.", "backbone.", "roi_heads."}, source);
  if (head_ == nullptr) return;
  load_module(*head_, online, {with_pyramid ? "roi_heads.box_head." : "roi_heads.res5."}, source);
}

torch::Tensor ProbeNetwork::features(const torch::Tensor& image, const torch::Tensor& boxes) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor input = image.to(device_).contiguous(torch::MemoryFormat::ChannelsLast);
  if (feature_ == ProbeFeature::kImage)
    return resnet_(input)[kNumLevels - 1].mean({2, 3}).to(torch::kCPU, torch::kFloat32);
  const std::int64_t height = image.size(2), width = image.size(3);
  const torch::Tensor relative = (boxes / torch::tensor({width, height, width, height}, torch::kFloat32)).to(device_);
  const torch::Tensor image_indices = torch::zeros({boxes.size(0)}, torch::kInt64).to(device_);
  torch::Tensor pooled;
  if (fpn_.is_empty() || feature_ == ProbeFeature::kBackbone)
    pooled = pool_level(res4_map(*resnet_, input), relative, image_indices, pooler_resolution_);
  else
    pooled = pool_assigned(fpn_(input), relative, image_indices, probe_levels(boxes, plan_), pooler_resolution_);
  const torch::Tensor vectors = head_ == nullptr ? pooled.mean({2, 3}) : head_->forward(pooled, {});
  return vectors.to(torch::kCPU, torch::kFloat32);
}

}  // namespace soco
