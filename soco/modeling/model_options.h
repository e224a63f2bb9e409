// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "soco/config/options.h"

namespace soco {

/// The detector whose parts are pretrained. kFpn: backbone, feature pyramid and a box head on P2..P5 (SoCo-FPN, SoCo*).
/// kC4: backbone up to res4, whose one map is pooled, and res5 as the head (SoCo-C4). kImage: the whole backbone and
/// the mean over its last map, so that a box stands for its whole view (BYOL and MoCo, the image-level baselines).
enum class Architecture { kFpn, kC4, kImage };

enum class Backbone { kResNet18, kResNet34, kResNet50, kResNet101 };

/// A ResNet of `width` channels in its stem and in res2's 3x3 convolutions; every later stage doubles them.
struct ResNetSize {
  static constexpr int kPublishedWidth = 64;  // of He et al. 2015
  ResNetSize(Backbone backbone, int width = kPublishedWidth) : backbone(backbone), width(width) {}
  Backbone backbone;
  int width;
};

inline constexpr const char* kBackboneWidthHelp =
    "channels of the backbone's stem and first stage, doubled in every later one; 64 in the published networks, fewer "
    "for small machines";

/// How boxes meet pyramid levels. kReference: as the authors' release, every box goes through the head on every level,
/// each level and box set with its own BatchNorm statistics, and the loss uses the assigned level alone. kAssigned:
/// every box goes through the head once, on its level, with the other boxes of its view; about half the step's work.
enum class HeadMode { kReference, kAssigned };

/// What is made small. kCosine: -2 times the mean cosine of matched boxes (BYOL, SoCo). kInfoNce: cross-entropy that
/// picks the match among the keys of earlier batches (MoCo).
enum class ContrastLoss { kCosine, kInfoNce };

/// Who predicts whom. kBoth: online a against target b, and online b against target a. kAToB: the first alone; what
/// only the second would need is not run.
enum class Directions { kBoth, kAToB };

inline constexpr std::array<EnumName<Architecture>, 3> kArchitectureNames{
    {{Architecture::kFpn, "fpn"}, {Architecture::kC4, "c4"}, {Architecture::kImage, "image"}}};
inline constexpr std::array<EnumName<Backbone>, 4> kBackboneNames{{{Backbone::kResNet18, "resnet18"},
                                                                   {Backbone::kResNet34, "resnet34"},
                                                                   {Backbone::kResNet50, "resnet50"},
                                                                   {Backbone::kResNet101, "resnet101"}}};
inline constexpr std::array<EnumName<HeadMode>, 2> kHeadModeNames{
    {{HeadMode::kReference, "reference"}, {HeadMode::kAssigned, "assigned"}}};
inline constexpr std::array<EnumName<ContrastLoss>, 2> kContrastLossNames{
    {{ContrastLoss::kCosine, "cosine"}, {ContrastLoss::kInfoNce, "info_nce"}}};
inline constexpr std::array<EnumName<Directions>, 2> kDirectionsNames{
    {{Directions::kBoth, "both"}, {Directions::kAToB, "a_to_b"}}};

/// The network that is pretrained (SoCo section 3; sizes of the published models). The fpn_* and head_* sizes are
/// kFpn's alone.
struct ModelOptions {
  Architecture architecture = Architecture::kFpn;
  Backbone backbone = Backbone::kResNet50;
  int backbone_width = ResNetSize::kPublishedWidth;
  HeadMode head_mode = HeadMode::kReference;
  int fpn_channels = 256;
  int pooler_resolution = 7;
  int head_num_convs = 4;
  int head_fc_channels = 1024;
  int projector_hidden_channels = 4096;
  int projector_out_channels = 256;
  bool projector_norm = true;
  bool predictor = true;
  bool zero_init_residual = true;
  ContrastLoss loss = ContrastLoss::kCosine;
  Directions directions = Directions::kBoth;
  double temperature = 0.2;
  int queue_size = 65536;
  bool checkpoint_activations = false;

  template <class V>
  void visit(V& v) {
    v.field(
        "architecture", architecture,
        "fpn: pyramid and box head; c4: res4's map and res5 as the head; image: mean of res5's map, boxes are whole "
        "views",
        kArchitectureNames);
    v.field("backbone", backbone, "residual network the detector stands on", kBackboneNames);
    v.field("backbone_width", backbone_width, kBackboneWidthHelp, Range<int>{1, 4096});
    v.field(
        "head_mode", head_mode,
        "reference: every box on every level, as the release; assigned: every box once, on its level (about twice as "
        "fast, other BatchNorm statistics)",
        kHeadModeNames);
    v.field("fpn_channels", fpn_channels, "channels of every pyramid level", Range<int>{1, 65536});
    v.field("pooler_resolution", pooler_resolution, "height and width of a pooled box", Range<int>{1, 256});
    v.field("head_num_convs", head_num_convs, "3x3 convolutions of the box head", Range<int>{0, 64});
    v.field("head_fc_channels", head_fc_channels, "width of the box head's linear layer", Range<int>{1, 1 << 20});
    v.field("projector_hidden_channels", projector_hidden_channels, "hidden width of projector and predictor",
            Range<int>{1, 1 << 20});
    v.field("projector_out_channels", projector_out_channels, "width of the compared vectors", Range<int>{1, 1 << 20});
    v.field("projector_norm", projector_norm, "BatchNorm inside projector and predictor");
    v.field("predictor", predictor, "whether the online network has a predictor; without one BYOL's loss may collapse");
    v.field("zero_init_residual", zero_init_residual,
            "whether the last BatchNorm weight of each block starts at 0 (else 1)");
    v.field("loss", loss, "cosine: as SoCo and BYOL; info_nce: against a queue of keys, as MoCo", kContrastLossNames);
    v.field("directions", directions, "both: each view of a pair predicts the other; a_to_b: a predicts b alone",
            kDirectionsNames);
    v.field("temperature", temperature, "info_nce: cosines are divided by it", Range<double>{1e-3, 1e3});
    v.field("queue_size", queue_size, "info_nce: keys of earlier batches that serve as negatives",
            Range<int>{1, 1 << 24});
    v.field("checkpoint_activations", checkpoint_activations,
            "compute residual blocks and box head again in the backward pass: less memory, more time");
  }

  ResNetSize resnet() const { return {backbone, backbone_width}; }
};

}  // namespace soco
