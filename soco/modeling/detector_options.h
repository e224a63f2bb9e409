// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <vector>

#include "soco/config/options.h"
#include "soco/modeling/model_options.h"

namespace soco {

/// Where boxes are pooled from. kFpn: a pyramid with a box head. kC4: res4's map, and res5 is the head.
enum class DetectorTrunk { kFpn, kC4 };

/// BatchNorm in a part of a detector. kFrozen: the statistics and factors it was loaded with, for ever. kBatch: as in
/// pretraining. kNone: none, the convolutions have biases.
enum class DetectorNorm { kFrozen, kBatch, kNone };

inline constexpr std::array<EnumName<DetectorTrunk>, 2> kDetectorTrunkNames{
    {{DetectorTrunk::kFpn, "fpn"}, {DetectorTrunk::kC4, "c4"}}};
inline constexpr std::array<EnumName<DetectorNorm>, 3> kDetectorNormNames{
    {{DetectorNorm::kFrozen, "frozen"}, {DetectorNorm::kBatch, "bn"}, {DetectorNorm::kNone, "none"}}};

/// Boxes that the proposal network starts from (Ren et al. 2015): every size with every ratio at every cell.
struct AnchorOptions {
  std::vector<double> sizes{32, 64, 128, 256, 512};
  std::vector<double> ratios{0.5, 1, 2};
  double offset = 0;
  bool round = false;
  bool fit_stride = false;

  template <class V>
  void visit(V& v) {
    v.field("sizes", sizes, "fpn: side of the square anchor on each of P2..P6, px; c4: all sizes of the one map",
            Range<double>{1e-3, 1e6});
    v.field("ratios", ratios, "height / width of the anchors", Range<double>{1e-3, 1e3});
    v.field("offset", offset, "centre of an anchor in its cell, in strides (0: the cell's corner)",
            Range<double>{0, 1, false, true});
    v.field("round", round, "whether the sides around a centre are rounded to whole px, as torchvision does");
    v.field("fit_stride", fit_stride,
            "whether cells lie so far apart as the padded image's side over the map's says, rounded down, as in "
            "torchvision; else by the level's stride. They differ on P6 for sides that 64 does not divide");
  }

  /// The anchors of these sizes around the origin, xyxy one after the other: size after size, in a size ratio after
  /// ratio.
  std::vector<double> around_cell(const std::vector<double>& own_sizes) const {
    std::vector<double> values;
    for (const double size : own_sizes)
      for (const double ratio : ratios) {
        const double width = std::sqrt(size * size / ratio), height = ratio * width;
        for (const double side : {-width / 2, -height / 2, width / 2, height / 2})
          values.push_back(round ? std::nearbyint(side) : side);
      }
    return values;
  }
};

/// The proposal network: what it learns from and what it hands on. Defaults are Detectron2's for a pyramid.
struct RpnOptions {
  AnchorOptions anchors;
  double background_iou = 0.3;
  double object_iou = 0.7;
  int samples_per_image = 256;
  double positive_ratio = 0.5;
  double smooth_l1_beta = 0;
  double loc_loss_weight = 1;
  double nms_iou = 0.7;
  int train_candidates = 2000;
  int train_proposals = 1000;
  int test_candidates = 1000;
  int test_proposals = 1000;
  double min_size = 0;

  template <class V>
  void visit(V& v) {
    const Range<double> share{0, 1};
    v.section("anchors", anchors, "where boxes start from");
    v.field("background_iou", background_iou, "anchors that overlap every object by less are background", share);
    v.field("object_iou", object_iou, "anchors that overlap an object by so much, or most of all, are its own", share);
    v.field("samples_per_image", samples_per_image, "anchors of an image that the loss looks at",
            Range<int>{1, 1 << 24});
    v.field("positive_ratio", positive_ratio, "share of these that may be objects'", share);
    v.field("smooth_l1_beta", smooth_l1_beta, "where the box loss turns from a square to a line; 0: L1",
            Range<double>{0, 1e6});
    v.field("loc_loss_weight", loc_loss_weight, "weight of the box loss", Range<double>{0, 1e6});
    v.field("nms_iou", nms_iou, "proposals of a level that overlap a better one by more are dropped", share);
    v.field("train_candidates", train_candidates, "best boxes of each level before that, in training",
            Range<int>{1, 1 << 24});
    v.field("train_proposals", train_proposals, "best boxes of an image after that, in training",
            Range<int>{1, 1 << 24});
    v.field("test_candidates", test_candidates, "as train_candidates, in prediction", Range<int>{1, 1 << 24});
    v.field("test_proposals", test_proposals, "as train_proposals, in prediction", Range<int>{1, 1 << 24});
    v.field("min_size", min_size, "proposals with a side not above it are dropped, px", Range<double>{0, 1e6});
  }
};

/// The second stage: what it pools, learns from and gives. Defaults are Detectron2's for a pyramid.
struct RoiHeadsOptions {
  double object_iou = 0.5;
  int samples_per_image = 512;
  double positive_ratio = 0.25;
  int pooler_resolution = 7;
  double canonical_size = 224;
  int sampling_ratio = 0;
  bool aligned = true;
  int num_convs = 0;
  int num_fcs = 2;
  int fc_channels = 1024;
  DetectorNorm norm = DetectorNorm::kNone;
  bool extra_norm = false;
  bool class_agnostic_boxes = false;
  double smooth_l1_beta = 0;
  double box_loss_weight = 1;
  std::vector<double> box_weights{10, 10, 5, 5};
  double score_threshold = 0.05;
  double nms_iou = 0.5;
  int detections_per_image = 100;
  double min_size = 0;

  template <class V>
  void visit(V& v) {
    const Range<double> share{0, 1};
    v.field("object_iou", object_iou, "proposals that overlap an object by so much are its own, others background",
            share);
    v.field("samples_per_image", samples_per_image, "proposals of an image that the loss looks at",
            Range<int>{1, 1 << 20});
    v.field("positive_ratio", positive_ratio, "share of these that may be objects'", share);
    v.field("pooler_resolution", pooler_resolution, "height and width of a pooled box (c4: 14)", Range<int>{1, 256});
    v.field("canonical_size", canonical_size,
            "fpn: side of the smallest box pooled from P4, px; half of it P3, twice P5 (Lin et al. 2017: 224, the size "
            "of ImageNet's images). A network pretrained on views of 128 px saw its boxes at 128",
            Range<double>{1, 1e6});
    v.field("sampling_ratio", sampling_ratio, "RoIAlign's samples along a side of a bin; 0: by the size of the bin",
            Range<int>{0, 64});
    v.field("aligned", aligned, "whether RoIAlign counts pixel centres at half integers (torchvision's detectors: no)");
    v.field("num_convs", num_convs, "fpn: 3x3 convolutions of the box head", Range<int>{0, 64});
    v.field("num_fcs", num_fcs, "fpn: linear layers of the box head", Range<int>{1, 16});
    v.field("fc_channels", fc_channels, "fpn: their width", Range<int>{1, 1 << 20});
    v.field("norm", norm, "fpn: BatchNorm of these convolutions", kDetectorNormNames);
    v.field("extra_norm", extra_norm, "c4: whether a BatchNorm follows res5");
    v.field("class_agnostic_boxes", class_agnostic_boxes, "whether one box a proposal serves for all classes");
    v.field("smooth_l1_beta", smooth_l1_beta, "where the box loss turns from a square to a line; 0: L1",
            Range<double>{0, 1e6});
    v.field("box_loss_weight", box_loss_weight, "weight of the box loss", Range<double>{0, 1e6});
    v.field("box_weights", box_weights, "what the four numbers of a box are multiplied by before they are learned",
            Range<double>{0, 1e6, true});
    v.field("score_threshold", score_threshold, "detections with a score not above it are left out", share);
    v.field("nms_iou", nms_iou, "detections of a class that overlap a better one by more are dropped", share);
    v.field("detections_per_image", detections_per_image, "most detections of an image", Range<int>{1, 1 << 20});
    v.field("min_size", min_size, "detections with a side below it are left out, px", Range<double>{0, 1e6});
  }

  /// Usage error: box_weights that are not four.
  void validate() const {
    if (box_weights.size() != 4) fail_usage("box_weights has {} numbers, but must have 4", box_weights.size());
  }
};

/// The mask branch (He et al. 2017). Defaults are Detectron2's for a pyramid; on C4 it has no convolutions.
struct MaskHeadOptions {
  bool enabled = true;
  int pooler_resolution = 14;
  int num_convs = 4;
  int channels = 256;
  DetectorNorm norm = DetectorNorm::kNone;
  bool class_agnostic = false;

  template <class V>
  void visit(V& v) {
    v.field("enabled", enabled, "whether masks are learned: Mask R-CNN, else Faster R-CNN");
    v.field("pooler_resolution", pooler_resolution, "fpn: height and width of a pooled box; a mask has twice that",
            Range<int>{1, 256});
    v.field("num_convs", num_convs, "3x3 convolutions", Range<int>{0, 64});
    v.field("channels", channels, "their width, and that of the deconvolution", Range<int>{1, 1 << 16});
    v.field("norm", norm, "BatchNorm of these convolutions", kDetectorNormNames);
    v.field("class_agnostic", class_agnostic, "whether one mask a box serves for all classes");
  }
};

/// Faster or Mask R-CNN, as Detectron2 defines them; see docs/detection.md.
struct DetectorOptions {
  DetectorTrunk trunk = DetectorTrunk::kFpn;
  Backbone backbone = Backbone::kResNet50;
  int backbone_width = ResNetSize::kPublishedWidth;
  DetectorNorm backbone_norm = DetectorNorm::kBatch;
  int freeze_at = 0;
  int fpn_channels = 256;
  DetectorNorm fpn_norm = DetectorNorm::kNone;
  RpnOptions rpn;
  RoiHeadsOptions roi_heads;
  MaskHeadOptions masks;

  template <class V>
  void visit(V& v) {
    v.field("trunk", trunk, "fpn: pyramid and box head; c4: res4's map and res5 as the head", kDetectorTrunkNames);
    v.field("backbone", backbone, "residual network the detector stands on", kBackboneNames);
    v.field("backbone_width", backbone_width, kBackboneWidthHelp, Range<int>{1, 4096});
    v.field("backbone_norm", backbone_norm, "BatchNorm of the backbone", kDetectorNormNames);
    v.field("freeze_at", freeze_at, "stages that are not trained: 1: stem; 2: and res2; ... 5: and res5",
            Range<int>{0, 5});
    v.field("fpn_channels", fpn_channels, "channels of every pyramid level", Range<int>{1, 65536});
    v.field("fpn_norm", fpn_norm, "BatchNorm of the pyramid", kDetectorNormNames);
    v.section("rpn", rpn, "proposal network");
    v.section("roi_heads", roi_heads, "box branch");
    v.section("masks", masks, "mask branch");
  }

  ResNetSize resnet() const { return {backbone, backbone_width}; }

  /// Usage error for settings that do not go together.
  void validate() const {
    if (backbone_norm == DetectorNorm::kNone)
      fail_usage("backbone_norm = none: a ResNet has BatchNorm; use frozen or bn");
    if (trunk == DetectorTrunk::kFpn && rpn.anchors.sizes.size() != 5)
      fail_usage("rpn.anchors.sizes has {} numbers, but trunk = fpn needs one for each of P2..P6",
                 rpn.anchors.sizes.size());
    if (rpn.anchors.sizes.empty() || rpn.anchors.ratios.empty())
      fail_usage("rpn.anchors.sizes and rpn.anchors.ratios need one number at least");
  }
};

}  // namespace soco
