// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/config/options.h"
#include "soco/data/batching_options.h"
#include "soco/image/normalize.h"

namespace soco {

/// How the short edge of a training image is drawn: one of the sizes listed, or any between the first and the last.
enum class ShortEdgeChoice { kChoice, kRange };
inline constexpr std::array<EnumName<ShortEdgeChoice>, 2> kShortEdgeChoiceNames{
    {{ShortEdgeChoice::kChoice, "choice"}, {ShortEdgeChoice::kRange, "range"}}};
inline constexpr std::array<EnumName<ChannelOrder>, 2> kChannelOrderNames{
    {{ChannelOrder::kRgb, "rgb"}, {ChannelOrder::kBgr, "bgr"}}};

/// How a detector's input is made of an image (Detectron2's INPUT).
struct DetectionInputOptions {
  std::vector<int> short_edges{640, 672, 704, 736, 768, 800};
  ShortEdgeChoice short_edge_choice = ShortEdgeChoice::kChoice;
  int max_edge = 1333;
  int test_short_edge = 800;
  int test_max_edge = 1333;
  double flip_prob = 0.5;
  ChannelOrder channels = ChannelOrder::kRgb;
  std::vector<double> mean{0.485, 0.456, 0.406};
  std::vector<double> std{0.229, 0.224, 0.225};
  int size_divisor = 32;

  template <class V>
  void visit(V& v) {
    v.field("short_edges", short_edges, "training: lengths that the short edge is drawn from, px", Range<int>{1, 8192});
    v.field("short_edge_choice", short_edge_choice, "choice: one of short_edges; range: any from the first to the last",
            kShortEdgeChoiceNames);
    v.field("max_edge", max_edge, "training: greatest length of the long edge, px", Range<int>{1, 16384});
    v.field("test_short_edge", test_short_edge, "evaluation, prediction: length of the short edge, px",
            Range<int>{1, 8192});
    v.field("test_max_edge", test_max_edge, "evaluation, prediction: greatest length of the long edge, px",
            Range<int>{1, 16384});
    v.field("flip_prob", flip_prob, "training: probability of a horizontal flip", Range<double>{0, 1});
    v.field("channels", channels, "order of the colours; bgr: what networks from Caffe take", kChannelOrderNames);
    v.field("mean", mean, "subtracted from red, green, blue, values in [0, 1]", Range<double>{-10, 10});
    v.field("std", std, "red, green, blue are divided by it; 1/255 keeps Caffe's scale", Range<double>{1e-6, 1e6});
    v.field("size_divisor", size_divisor, "height and width of a batch are multiples of it, px", Range<int>{1, 1024});
  }
  /// Usage Error: no short edges, a range that falls, or other than three means and deviations.
  void validate() const;

  std::array<float, 3> mean_rgb() const { return as_floats(mean); }
  std::array<float, 3> std_rgb() const { return as_floats(std); }

 private:
  static std::array<float, 3> as_floats(const std::vector<double>& values) {
    return {static_cast<float>(values.at(0)), static_cast<float>(values.at(1)), static_cast<float>(values.at(2))};
  }
};

/// Which images of a labelled set are trained on, and in what order.
struct DetectionDataOptions {
  bool masks = true;
  bool keep_empty = false;
  double label_fraction = 1;
  std::int64_t fraction_seed = 0;
  bool aspect_grouping = true;
  double repeat_threshold = 0;

  template <class V>
  void visit(V& v) {
    v.field("masks", masks, "whether shapes are read; a set without shapes trains boxes alone");
    v.field("keep_empty", keep_empty, "training: images without objects, or with crowds alone, take part");
    v.field("label_fraction", label_fraction,
            "training: share of the images, drawn once; a smaller share is part of a larger one",
            Range<double>{0, 1, true});
    v.field("fraction_seed", fraction_seed, "which images label_fraction draws", Range<std::int64_t>{0, INT64_MAX});
    v.field("aspect_grouping", aspect_grouping, "batches hold upright or wide images alone, as far as they can");
    v.field("repeat_threshold", repeat_threshold,
            "images of a category in fewer than this share of all come more often (LVIS: 0.001); 0: no repeats",
            Range<double>{0, 1});
  }
};

/// Over which images of a batch its height and width are the largest: those of each process, or of all processes, so
/// that a run's pixels do not depend on their number.
enum class PadOver { kProcess, kBatch };
inline constexpr std::array<EnumName<PadOver>, 2> kPadOverNames{
    {{PadOver::kProcess, "process"}, {PadOver::kBatch, "batch"}}};

struct DetectionLoaderOptions : BatchingOptions {
  PadOver pad_over = PadOver::kProcess;

  template <class V>
  void visit(V& v) {
    BatchingOptions::visit(v);
    v.field("pad_over", pad_over,
            "images are padded to the largest of: process; batch: of all processes, equal for any number of them",
            kPadOverNames);
  }
};

}  // namespace soco
