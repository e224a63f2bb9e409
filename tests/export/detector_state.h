// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "export/state.h"
#include "soco/structures/host_tensor.h"

namespace soco::testing {

/// What a Faster or Mask R-CNN looks like; see DetectorOptions.
struct DetectorCase {
  std::string name;
  int depth = 18;
  bool c4 = false;
  bool norm = false;  // of pyramid and heads
  int head_convs = 0, head_fcs = 2;
  bool masks = true;
  int mask_convs = 4;
  bool extra_norm = false;
  bool class_agnostic = false;
  int classes = 3;
};

inline void PrintTo(const DetectorCase& detector, std::ostream* out) { *out << detector.name; }

/// Random weights of such a detector under our names, thinner than the true one: the stem has 4 channels.
class DetectorStateBuilder : RandomState {
 public:
  explicit DetectorStateBuilder(DetectorCase detector) : RandomState(11), case_(std::move(detector)) {}

  StateDict make() {
    const std::string trunk = case_.c4 ? "backbone." : "backbone.bottom_up.";
    conv_norm(trunk + "stem.conv1", kWidth, 3, 7);
    std::int64_t in = kWidth;
    for (int stage = 2; stage <= 5; ++stage) {
      in = this->stage((case_.c4 && stage == 5 ? "roi_heads." : trunk) + "res" + std::to_string(stage), stage, in);
      channels_.push_back(in);
    }
    if (case_.extra_norm) norm("roi_heads.res5.norm", in);
    if (!case_.c4) pyramid();
    const std::int64_t map = case_.c4 ? channels_[2] : kPyramid, anchors = case_.c4 ? 15 : 3;
    conv("proposal_generator.rpn_head.conv", map, map, 3);
    conv("proposal_generator.rpn_head.objectness_logits", anchors, map, 1);
    conv("proposal_generator.rpn_head.anchor_deltas", 4 * anchors, map, 1);
    heads(case_.c4 ? in : box_head());
    return std::move(state_);
  }

 private:
  static constexpr std::int64_t kWidth = 4, kPyramid = 8, kFc = 16;

  /// Of pyramid and heads.
  void head_conv(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    case_.norm ? conv_norm(name, out, in, kernel) : conv(name, out, in, kernel);
  }

  std::int64_t stage(const std::string& name, int stage, std::int64_t in) {
    const bool bottleneck = case_.depth >= 50;
    const std::vector<int> blocks = case_.depth == 18    ? std::vector<int>{2, 2, 2, 2}
                                    : case_.depth == 101 ? std::vector<int>{3, 4, 23, 3}
                                                         : std::vector<int>{3, 4, 6, 3};
    const std::int64_t inner = kWidth << (stage - 2), out = bottleneck ? 4 * inner : inner;
    for (int block = 0; block < blocks[static_cast<std::size_t>(stage - 2)]; ++block) {
      residual_block(name + "." + std::to_string(block), in, inner, out, bottleneck, block == 0 && in != out);
      in = out;
    }
    return out;
  }

  void pyramid() {
    for (int level = 2; level <= 5; ++level) {
      head_conv("backbone.fpn_lateral" + std::to_string(level), kPyramid,
                channels_[static_cast<std::size_t>(level - 2)], 1);
      head_conv("backbone.fpn_output" + std::to_string(level), kPyramid, kPyramid, 3);
    }
  }

  std::int64_t box_head() {
    std::int64_t in = kPyramid * 7 * 7;
    for (int i = 1; i <= case_.head_convs; ++i)
      head_conv("roi_heads.box_head.conv" + std::to_string(i), kPyramid, kPyramid, 3);
    for (int i = 1; i <= case_.head_fcs; ++i, in = kFc) linear("roi_heads.box_head.fc" + std::to_string(i), kFc, in);
    return kFc;
  }

  void heads(std::int64_t vector) {
    const std::int64_t own = case_.class_agnostic ? 1 : case_.classes;
    linear("roi_heads.box_predictor.cls_score", case_.classes + 1, vector);
    linear("roi_heads.box_predictor.bbox_pred", 4 * own, vector);
    if (!case_.masks) return;
    std::int64_t in = case_.c4 ? channels_[3] : kPyramid;
    for (int i = 1; i <= case_.mask_convs; ++i, in = kPyramid)
      head_conv("roi_heads.mask_head.mask_fcn" + std::to_string(i), kPyramid, in, 3);
    add("roi_heads.mask_head.deconv.weight", {in, kPyramid, 2, 2});
    add("roi_heads.mask_head.deconv.bias", {kPyramid});
    conv("roi_heads.mask_head.predictor", own, kPyramid, 1);
  }

  DetectorCase case_;
  std::vector<std::int64_t> channels_;  // of res2 .. res5
};

inline StateDict detector_state(const DetectorCase& detector) { return DetectorStateBuilder(detector).make(); }

/// One of each kind: what Detectron2 calls R50-FPN, SoCo's FPN with norms, both trunks on C4.
inline std::vector<DetectorCase> detector_cases() {
  return {{.name = "Fpn18"},
          {.name = "Fpn34Boxes", .depth = 34, .masks = false},
          {.name = "Fpn50", .depth = 50},
          {.name = "Fpn101", .depth = 101},
          {.name = "SocoFpn50", .depth = 50, .norm = true, .head_convs = 4, .head_fcs = 1},
          {.name = "OneClass", .head_convs = 2, .head_fcs = 3, .mask_convs = 1, .classes = 1},
          {.name = "FpnAgnostic", .class_agnostic = true},
          {.name = "C4With50", .depth = 50, .c4 = true, .mask_convs = 0},
          {.name = "C4With18Boxes", .c4 = true, .masks = false},
          {.name = "SocoC4", .depth = 50, .c4 = true, .mask_convs = 0, .extra_norm = true}};
}

}  // namespace soco::testing
