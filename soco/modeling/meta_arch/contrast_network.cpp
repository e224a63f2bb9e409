// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/contrast_network.h"

#include <torch/torch.h>

#include "soco/base/error.h"
#include "soco/modeling/fpn.h"

namespace soco {
namespace {

std::shared_ptr<DetectorBackboneImpl> make_backbone(const ModelOptions& options) {
  switch (options.architecture) {
    case Architecture::kFpn:
      return std::make_shared<FpnImpl>(options.resnet(), options.fpn_channels);
    case Architecture::kC4:
      return std::make_shared<ResNetC4Impl>(options.resnet());
    case Architecture::kImage:
      return std::make_shared<ResNetC5Impl>(options.resnet());
  }
  fail("architecture number {} is unknown", static_cast<int>(options.architecture));
}

struct NamedHead {
  const char* name;
  std::shared_ptr<RoiHeadImpl> head;
};

NamedHead make_roi_head(const ModelOptions& options, std::int64_t in_channels) {
  switch (options.architecture) {
    case Architecture::kFpn:
      return {"box_head",
              std::make_shared<BoxHeadImpl>(BoxHeadOptions{in_channels, options.pooler_resolution,
                                                           options.head_num_convs, options.head_fc_channels})};
    case Architecture::kC4:
      return {"res5", std::make_shared<Res5HeadImpl>(options.resnet(), options.pooler_resolution)};
    case Architecture::kImage:
      return {"global_pool", std::make_shared<GlobalPoolHeadImpl>(in_channels)};
  }
  fail("architecture number {} is unknown", static_cast<int>(options.architecture));
}

MlpHead make_mlp(const ModelOptions& options, std::int64_t in_channels) {
  return MlpHead(MlpHeadOptions{in_channels, options.projector_hidden_channels, options.projector_out_channels,
                                options.projector_norm});
}

void checkpoint_blocks(torch::nn::Module& network) {
  for (const auto& module : network.modules(/*include_self=*/false)) {
    if (auto* block = module->as<ResNetBlock>()) block->checkpointed = true;
    if (auto* head = module->as<BoxHead>()) head->checkpointed = true;
  }
}

}  // namespace

ContrastNetworkImpl::ContrastNetworkImpl(const ModelOptions& options, NetworkRole role) {
  backbone = register_module("backbone", make_backbone(options));
  // Detectron2 nests its heads in RoI heads; the name is all that is nested here.
  const auto roi_heads = register_module("roi_heads", std::make_shared<torch::nn::Module>("RoiHeads"));
  const NamedHead roi_head = make_roi_head(options, backbone->out_channels());
  box_head = roi_heads->register_module(roi_head.name, roi_head.head);
  projector = register_module("projector", make_mlp(options, box_head->out_channels()));
  if (role == NetworkRole::kOnline && options.predictor)
    predictor = register_module("predictor", make_mlp(options, options.projector_out_channels));
  if (!options.zero_init_residual) start_residuals_at_one(*this);
  if (options.checkpoint_activations) checkpoint_blocks(*this);
}

}  // namespace soco
