// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "soco/layers/conv_norm.h"
#include "soco/modeling/backbone/resnet.h"

namespace soco {

/// The part of a detector's second stage that turns pooled boxes into vectors.
struct RoiHeadImpl : torch::nn::Module {
  /// pooled [B,C,r,r] -> [B,out_channels()].
  virtual torch::Tensor forward(const torch::Tensor& pooled, const NormGroups& groups) = 0;
  virtual std::int64_t out_channels() const = 0;
  /// Height and width r of the pooled boxes it takes; none: it takes the whole map of a box's view.
  virtual std::optional<std::int64_t> resolution() const = 0;
};

struct BoxHeadOptions {
  std::int64_t in_channels = 256;
  std::int64_t resolution = 7;  // height and width of a pooled box
  std::int64_t num_convs = 4;
  std::int64_t fc_channels = 1024;
  std::int64_t num_fcs = 1;
  NormKind norm = NormKind::kBatch;
};

/// Detectron2's FastRCNNConvFCHead: `num_convs` times (3x3 convolution, BatchNorm, ReLU), then `num_fcs` (1 or more)
/// times (linear layer, ReLU). Keys: conv{1..}.weight, conv{1..}.norm.* (or .bias), fc{1..}.weight, fc{1..}.bias.
/// Start: libtorch's own for convolutions and linear layers, as in the release, from libtorch's generator.
struct BoxHeadImpl : RoiHeadImpl {
  explicit BoxHeadImpl(const BoxHeadOptions& options);
  torch::Tensor forward(const torch::Tensor& pooled, const NormGroups& groups = {}) override;
  std::int64_t out_channels() const override { return fcs.back()->options.out_features(); }
  std::optional<std::int64_t> resolution() const override { return resolution_; }
  std::vector<ConvNorm> convs;
  std::vector<torch::nn::Linear> fcs;
  bool checkpointed = false;  // as of ResNetBlock, for the convolutions

 private:
  torch::Tensor run_convs(const torch::Tensor& pooled, const NormGroups& groups);
  std::int64_t resolution_;
};
TORCH_MODULE(BoxHead);

/// Whether a BatchNorm follows res5: MoCo's and SoCo's detectors on C4 have one, since their last block ends in a sum.
enum class ExtraNorm { kNone, kBatch };

/// Detectron2's Res5ROIHeads: the last stage of the ResNet, stride 2, then the mean over the remaining cells.
/// Keys: {0..}.conv1.*, ... as the stage's; norm.* with the extra norm. Start: as ResNet's.
struct Res5HeadImpl : RoiHeadImpl {
  Res5HeadImpl(const ResNetSize& size, std::int64_t resolution, ExtraNorm extra_norm = ExtraNorm::kNone);
  /// The map before the mean, [B,out_channels(),r/2,r/2].
  torch::Tensor features(const torch::Tensor& pooled, const NormGroups& groups = {});
  torch::Tensor forward(const torch::Tensor& pooled, const NormGroups& groups = {}) override;
  std::int64_t out_channels() const override { return channels_; }
  std::optional<std::int64_t> resolution() const override { return resolution_; }

 private:
  std::vector<ResNetBlock> blocks_;
  BatchNorm norm_{nullptr};  // null without
  std::int64_t channels_, resolution_;
};
TORCH_MODULE(Res5Head);

/// The mean over the cells of a view's whole map: an image-level "box". It has no state.
struct GlobalPoolHeadImpl : RoiHeadImpl {
  explicit GlobalPoolHeadImpl(std::int64_t channels) : channels_(channels) {}
  torch::Tensor forward(const torch::Tensor& pooled, const NormGroups& groups = {}) override;
  std::int64_t out_channels() const override { return channels_; }
  std::optional<std::int64_t> resolution() const override { return std::nullopt; }

 private:
  std::int64_t channels_;
};
TORCH_MODULE(GlobalPoolHead);

}  // namespace soco
