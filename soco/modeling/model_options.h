// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "soco/config/options.h"

namespace soco {

/// The detector whose parts are pretrained. kFpn: backbone, feature pyramid and a box head on P2..P5 (SoCo-FPN, SoCo*).
/// kC4: backbone up to res4, whose one map is pooled, and res5 as the head (SoCo-C4).
enum class Architecture { kFpn, kC4 };

enum class Backbone { kResNet18, kResNet34, kResNet50, kResNet101 };

/// How boxes meet pyramid levels. kReference: as the authors' release, every box goes through the head on every level,
/// each level and box set with its own BatchNorm statistics, and the loss uses the assigned level alone. kAssigned:
/// every box goes through the head once, on its level, with the other boxes of its view; about half the step's work.
enum class HeadMode { kReference, kAssigned };

inline constexpr std::array<EnumName<Architecture>, 2> kArchitectureNames{
    {{Architecture::kFpn, "fpn"}, {Architecture::kC4, "c4"}}};
inline constexpr std::array<EnumName<Backbone>, 4> kBackboneNames{{{Backbone::kResNet18, "resnet18"},
                                                                   {Backbone::kResNet34, "resnet34"},
                                                                   {Backbone::kResNet50, "resnet50"},
                                                                   {Backbone::kResNet101, "resnet101"}}};
inline constexpr std::array<EnumName<HeadMode>, 2> kHeadModeNames{
    {{HeadMode::kReference, "reference"}, {HeadMode::kAssigned, "assigned"}}};

/// The network that is pretrained (SoCo section 3; sizes of the published models). The fpn_* and head_* sizes are
/// kFpn's alone.
struct ModelOptions {
  Architecture architecture = Architecture::kFpn;
  Backbone backbone = Backbone::kResNet50;
  HeadMode head_mode = HeadMode::kReference;
  int fpn_channels = 256;
  int pooler_resolution = 7;
  int head_num_convs = 4;
  int head_fc_channels = 1024;
  int projector_hidden_channels = 4096;
  int projector_out_channels = 256;

  template <class V>
  void visit(V& v) {
    v.field("architecture", architecture, "fpn: pyramid and box head; c4: res4's map and res5 as the head",
            kArchitectureNames);
    v.field("backbone", backbone, "residual network the detector stands on", kBackboneNames);
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
  }
};

}  // namespace soco
