// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "soco/config/options.h"
#include "soco/data/transforms/level.h"

namespace soco {

/// Random colour changes of one view, in the order they are applied (SoCo section 4.1, after BYOL). A value v of
/// brightness, contrast or saturation means a factor uniform in [max(0, 1 - v), 1 + v]; 0 leaves the step out.
struct PhotometricOptions {
  double brightness = 0.4;
  double contrast = 0.4;
  double saturation = 0.2;
  double hue = 0.1;
  double jitter_prob = 0.8;
  double gray_prob = 0.2;
  double blur_prob = 0.1;
  double blur_min = 0.1;
  double blur_max = 2.0;
  double solarize_prob = 0.2;
  int solarize_threshold = 128;

  template <class V>
  void visit(V& v) {
    const Range<double> prob{0.0, 1.0};
    v.field("brightness", brightness, "largest relative change of brightness", Range<double>{0.0, 10.0});
    v.field("contrast", contrast, "largest relative change of contrast", Range<double>{0.0, 10.0});
    v.field("saturation", saturation, "largest relative change of saturation", Range<double>{0.0, 10.0});
    v.field("hue", hue, "largest turn of the hue, in whole turns", Range<double>{0.0, 0.5});
    v.field("jitter_prob", jitter_prob, "probability of the four changes above (together)", prob);
    v.field("gray_prob", gray_prob, "probability of becoming grey", prob);
    v.field("blur_prob", blur_prob, "probability of a Gaussian blur", prob);
    v.field("blur_min", blur_min, "least blur radius, px of the view", Range<double>{0.0, 100.0});
    v.field("blur_max", blur_max, "greatest blur radius, px of the view", Range<double>{0.0, 100.0});
    v.field("solarize_prob", solarize_prob, "probability of solarizing", prob);
    v.field("solarize_threshold", solarize_threshold, "values at or above it are inverted", Range<int>{0, 256});
  }
};

/// One view: where it is cut from the image, its size and its colours.
struct ViewOptions {
  std::string name = "view";
  std::string crop = "random";  ///< "whole", "random" or "same:<index of an earlier view>"
  int size = 224;               ///< height and width of the view, px
  double min_scale = 0.5;       ///< random crop: area as a share of the image's area
  double max_scale = 1.0;
  double min_aspect = 3.0 / 4.0;  ///< random crop: width / height
  double max_aspect = 4.0 / 3.0;
  PhotometricOptions photometric;
  bool cutout = false;

  template <class V>
  void visit(V& v) {
    v.field("name", name, "name of the view in logs and drawings");
    v.field("crop", crop, "whole, random, or same:<index of an earlier view>: that view, resized");
    v.field("size", size, "height and width of the view, px", Range<int>{1, 4096});
    v.field("min_scale", min_scale, "least area of a random crop, share of the image", Range<double>{1e-6, 1.0});
    v.field("max_scale", max_scale, "greatest area of a random crop, share of the image", Range<double>{1e-6, 1.0});
    v.field("min_aspect", min_aspect, "least width / height of a random crop", Range<double>{1e-3, 1e3});
    v.field("max_aspect", max_aspect, "greatest width / height of a random crop", Range<double>{1e-3, 1e3});
    v.section("photometric", photometric, "colour changes of the view");
    v.field("cutout", cutout, "whether squares inside the view's boxes are blanked");
  }
};

/// Two views whose boxes are compared. Boxes are jittered on side a alone.
struct PairOptions {
  int a = 0;
  int b = 1;

  template <class V>
  void visit(V& v) {
    v.field("a", a, "index of the view whose boxes are jittered", Range<int>{0, 63});
    v.field("b", b, "index of the other view", Range<int>{0, 63});
  }
};

/// What the boxes of a sample are: stored proposals; boxes by chance (the defaults of RandomBoxOptions), new in each
/// epoch; or in each view the whole view as one box with id 1, which makes the contrast one of images (BYOL).
enum class BoxChoice { kObjects, kRandom, kImage };
inline constexpr std::array<EnumName<BoxChoice>, 3> kBoxChoiceNames{
    {{BoxChoice::kObjects, "objects"}, {BoxChoice::kRandom, "random"}, {BoxChoice::kImage, "image"}}};

/// All that varies between SoCo-C4, SoCo-FPN and SoCo* before the network: the views, the pairs, the boxes.
/// Pairs whose views come from the same crops (SoCo*'s views 2 and 4) share one selection of boxes.
struct ViewPlan {
  std::vector<ViewOptions> views;
  std::vector<PairOptions> pairs;
  BoxChoice boxes = BoxChoice::kObjects;
  int num_boxes = 4;  ///< K of the paper
  int max_tries = 5;
  double box_jitter_prob = 0.5;
  double box_jitter_ratio = 0.1;
  double flip_prob = 0.5;
  double cutout_prob = 0.5;
  double cutout_min_area = 0.1;
  double cutout_max_area = 0.3;
  std::vector<double> level_thresholds{48, 96, 192, 224};  ///< greatest sqrt(area) of P2, P3, ...; px of the view
  LevelRule level_rule = LevelRule::kRelease;

  template <class V>
  void visit(V& v) {
    const Range<double> prob{0.0, 1.0};
    v.field("boxes", boxes,
            "objects: stored proposals; random: by chance; image: one, the whole view (no proposals are needed)",
            kBoxChoiceNames);
    v.field("num_boxes", num_boxes, "boxes per image and pair (K); boxes=image has one", Range<int>{1, 1024});
    v.field("max_tries", max_tries, "draws of crops and boxes before too few boxes are accepted", Range<int>{1, 1000});
    v.field("box_jitter_prob", box_jitter_prob, "probability that a box of side a is jittered", prob);
    v.field("box_jitter_ratio", box_jitter_ratio, "largest shift and growth, share of the box",
            Range<double>{0.0, 0.9});
    v.field("flip_prob", flip_prob, "probability of a horizontal flip, each view", prob);
    v.field("cutout_prob", cutout_prob, "probability of a cutout, each box", prob);
    v.field("cutout_min_area", cutout_min_area, "least area of a cutout, share of its box", prob);
    v.field("cutout_max_area", cutout_max_area, "greatest area of a cutout, share of its box", prob);
    v.field("level_thresholds", level_thresholds,
            "greatest sqrt(area) of a box on P2, P3, ..., px of the view; empty: one feature map for all");
    v.field("level_rule", level_rule,
            "release: by level_thresholds; detectron2: by log2 of the size over 224 px, as a detector's pooler",
            kLevelRuleNames);
    v.list("views", views, "one table per view");
    v.list("pairs", pairs, "one table per compared pair of views");
  }

  /// Rows of boxes that an image has on each side of a pair.
  int boxes_per_image() const { return boxes == BoxChoice::kImage ? 1 : num_boxes; }
  /// Whether samples are made from stored proposals.
  bool needs_proposals() const { return boxes == BoxChoice::kObjects; }

  /// Throws a usage Error naming the key, its value and what is allowed.
  void validate() const;
};

/// Where a view's pixels come from; what the text of ViewOptions::crop means.
struct CropSource {
  enum class Kind { kWhole, kRandom, kSame };
  Kind kind = Kind::kRandom;
  int view = -1;  ///< kSame: the earlier view
};

/// Reads "whole", "random" or "same:<index>"; anything else is a usage Error that names `view_index`.
CropSource parse_crop_source(std::string_view text, int view_index);

/// The view whose crop `view_index` shows in the end: itself, or the first of its chain of "same:".
int root_view(const ViewPlan& plan, int view_index);

/// The three-view plan of SoCo-FPN (the whole image and two random crops, 224, 224 and 112 px; pairs 0-1 and 0-2).
/// With `cutout` as in the 100-epoch recipe, without as in the 400-epoch one.
ViewPlan soco_fpn_view_plan(bool cutout);

}  // namespace soco
