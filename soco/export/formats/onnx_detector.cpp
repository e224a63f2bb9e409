// SPDX-License-Identifier: MIT
#include "soco/export/formats/onnx_detector.h"

#include <algorithm>

#include "soco/base/error.h"
#include "soco/export/formats/onnx_boxes.h"

namespace soco {
namespace {

constexpr double kLeastLogit = -3e38, kNoLogit = -3.3e38;  // of one that takes part, and of one that does not
constexpr std::size_t kPooledLevels = 4;
constexpr const char* kObjectness = "proposal_generator.rpn_head.objectness_logits.weight";
constexpr const char* kClasses = "roi_heads.box_predictor.cls_score.weight";
constexpr const char* kBoxes = "roi_heads.box_predictor.bbox_pred.weight";
constexpr const char* kMasks = "roi_heads.mask_head.predictor.weight";

class DetectorGraph {
 public:
  DetectorGraph(const StateDict& weights, const DetectorOptions& options)
      : options_(options),
        heads_(options.roi_heads),
        layers_(weights, OnnxOperators::kVersion16),
        classes_(layers_.rows(kClasses) - 1),
        mask_classes_(layers_.rows(kMasks)) {
    validate_options(options);
    check_settings();
  }

  OnnxGraph& build() {
    const OnnxMaps maps = onnx_feature_maps(layers_, layers_.input("images", 3, std::int64_t{1}));
    graph().input("size", {std::int64_t{2}}, DType::kInt64);
    OnnxSteps limits(graph(), "limits");
    limits_ = limits.gather(limits.to_float("size"), limits.integers({1, 0, 1, 0}));
    std::int64_t stride = c4() ? 16 : 4;
    for (const auto& [name, map] : maps) {
      levels_.push_back({name, map, stride});
      stride *= 2;
    }
    const std::string proposals = this->proposals();
    levels_.resize(std::min(levels_.size(), kPooledLevels));
    detections(proposals);
    return graph();
  }

 private:
  struct Candidates {
    std::vector<std::string> scores, boxes, levels;  // of each level: logits [k], boxes [k,4], the level's number [k]
  };
  struct Detections {
    std::string boxes, classes;  // [D,4], [D] int64
  };

  OnnxGraph& graph() { return layers_.graph(); }
  bool c4() const { return options_.trunk == DetectorTrunk::kC4; }

  void check_settings() const {
    for (const char* part : {kObjectness, kClasses, kBoxes})
      if (!layers_.has(part))
        fail("onnx-detector needs a whole detector, but '{}' is not among the weights; of a pretraining write onnx and "
             "onnx-heads",
             part);
    if (layers_.has("backbone.stem.conv1.weight") != c4())
      fail("model.trunk = {} in the settings, but the weights are of the other one",
           enum_name(options_.trunk, kDetectorTrunkNames));
    const AnchorOptions& anchors = options_.rpn.anchors;
    const std::size_t sizes = c4() ? anchors.sizes.size() : 1;
    const auto per_cell = static_cast<std::int64_t>(sizes * anchors.ratios.size());
    if (layers_.rows(kObjectness) != per_cell)
      fail("model.rpn.anchors makes {} anchors a cell ({} sizes, {} ratios), but '{}' has {} rows", per_cell, sizes,
           anchors.ratios.size(), kObjectness, layers_.rows(kObjectness));
    if (options_.masks.enabled != (mask_classes_ > 0))
      fail("model.masks.enabled = {} in the settings, but '{}' is {} the weights", options_.masks.enabled, kMasks,
           mask_classes_ > 0 ? "among" : "not among");
    check_rows("model.roi_heads.class_agnostic_boxes", heads_.class_agnostic_boxes, kBoxes, 4);
    if (options_.masks.enabled) check_rows("model.masks.class_agnostic", options_.masks.class_agnostic, kMasks, 1);
  }

  void check_rows(const char* key, bool agnostic, const char* name, std::int64_t each) const {
    const std::int64_t expected = each * (agnostic ? 1 : classes_);
    if (layers_.rows(name) != expected)
      fail("{} = {} with {} classes makes {} rows, but '{}' has {}", key, agnostic, classes_, expected, name,
           layers_.rows(name));
  }

  void add_candidates(std::size_t number, Candidates& all) {
    const OnnxLevel& level = levels_[number];
    OnnxSteps steps(graph(), "rpn." + level.name);
    const AnchorOptions& anchors = options_.rpn.anchors;
    const OnnxRpnOutputs rpn = onnx_rpn_head(layers_, level.name, level.map);
    // Cell after cell, anchor after anchor.
    const std::string logits = steps.reshape(steps.transpose(rpn.objectness.name, {0, 2, 3, 1}), {-1});
    const std::string deltas = steps.reshape(steps.transpose(rpn.deltas.name, {0, 2, 3, 1}), {-1, 4});
    const auto best = steps.ordered(logits, steps.at_most(options_.rpn.test_candidates, logits));
    const std::vector<double> sizes = c4() ? anchors.sizes : std::vector<double>{anchors.sizes[number]};
    const std::string starts = onnx_anchors(steps, anchors, sizes, level, levels_[0]);
    all.scores.push_back(best.values);
    all.boxes.push_back(onnx_decoded(steps, steps.gather(starts, best.places), steps.gather(deltas, best.places),
                                     {1, 1, 1, 1}));
    all.levels.push_back(
        steps.expand(steps.integers({static_cast<std::int64_t>(number)}), steps.node("Shape", {best.places})));
  }

  /// [P,4], the likeliest first.
  std::string proposals() {
    Candidates all;
    for (std::size_t i = 0; i < levels_.size(); ++i) add_candidates(i, all);
    OnnxSteps steps(graph(), "proposals");
    const std::string raw = steps.concat(all.boxes, 0), scores = steps.concat(all.scores, 0);
    const std::string boxes = onnx_clipped(steps, raw, limits_);
    const std::string large =
        steps.node("Greater", {steps.least(onnx_sides(steps, boxes), 1), steps.real(options_.rpn.min_size)});
    const std::string finite = steps.node("Less", {steps.node("Abs", {scores}), steps.real(-kLeastLogit)});
    const std::string usable = steps.node("And", {steps.node("And", {large, finite}), steps.no_nan(raw, {1})});
    // The levels are suppression's groups: [levels,N], where a box counts on its own alone.
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < levels_.size(); ++i) numbers.push_back(static_cast<std::int64_t>(i));
    const std::string groups = steps.unsqueeze(steps.integers(numbers), 1);
    const std::string own = steps.node("Equal", {groups, steps.unsqueeze(steps.concat(all.levels, 0), 0)});
    const std::string counted = steps.node("And", {own, steps.unsqueeze(usable, 0)});
    const std::string by_level =
        steps.node("Where", {counted, steps.unsqueeze(scores, 0), steps.real(kNoLogit)});
    const std::string kept =
        steps.gather(onnx_suppressed(steps, steps.unsqueeze(boxes, 0), steps.unsqueeze(by_level, 0),
                                     options_.rpn.test_proposals, options_.rpn.nms_iou, kLeastLogit),
                     steps.integer(2), 1);
    const auto best = steps.ordered(steps.gather(scores, kept), steps.at_most(options_.rpn.test_proposals, kept));
    return steps.gather(boxes, steps.gather(kept, best.places));
  }

  void detections(const std::string& proposals) {
    OnnxSteps pooling(graph(), "boxes_pooled");
    const OnnxValue vectors = onnx_box_vectors(
        layers_, onnx_pooled(pooling, levels_, proposals, heads_.pooler_resolution, heads_), heads_.pooler_resolution);
    const OnnxValue probabilities = onnx_class_probabilities(layers_, vectors);
    const Detections found = chosen(proposals, probabilities.name, onnx_box_deltas(layers_, vectors).name);
    if (mask_classes_ > 0) masks(found);
  }

  Detections chosen(const std::string& proposals, const std::string& probabilities, const std::string& deltas) {
    OnnxSteps steps(graph(), "detections");
    const std::int64_t boxes_each = heads_.class_agnostic_boxes ? 1 : classes_;
    const std::string raw = onnx_decoded(steps, steps.unsqueeze(proposals, 1),
                                         steps.reshape(deltas, {0, boxes_each, 4}), heads_.box_weights);
    const std::string clipped = onnx_clipped(steps, raw, limits_);
    const std::string scores = steps.slice(probabilities, 0, classes_, 1);
    const std::string finite =
        steps.node("And", {steps.no_nan(raw, {1, 2}), steps.no_nan(probabilities, {1})});
    std::string taken = steps.node("And", {steps.node("Greater", {scores, steps.real(heads_.score_threshold)}),
                                           steps.unsqueeze(finite, 1)});
    if (heads_.min_size > 0)
      taken = steps.node("And", {taken, steps.node("GreaterOrEqual", {steps.least(onnx_sides(steps, clipped), 2),
                                                                      steps.real(heads_.min_size)})});
    // [R,K,4]; a class has boxes of its own, so the classes are suppression's batch.
    const std::string boxes = heads_.class_agnostic_boxes && classes_ > 1
                                  ? steps.expand(clipped, steps.integers({1, classes_, 1}))
                                  : clipped;
    const std::string by_class =
        steps.unsqueeze(steps.transpose(steps.node("Where", {taken, scores, steps.real(-1)}), {1, 0}), 1);
    const std::string kept = onnx_suppressed(steps, steps.transpose(boxes, {1, 0, 2}), by_class,
                                             heads_.detections_per_image, heads_.nms_iou, 0);
    return best_of(steps, kept, boxes, scores);
  }

  /// The outputs but for the masks. `kept` [n,3]: class, 0, row.
  Detections best_of(OnnxSteps& steps, const std::string& kept, const std::string& boxes, const std::string& scores) {
    const std::string row = steps.gather(kept, steps.integer(2), 1), label = steps.gather(kept, steps.integer(0), 1);
    const std::string count = steps.integer(classes_);
    // Row by row, class by class: so equal scores are in the order of their proposals.
    const std::string place = steps.node("Add", {steps.node("Mul", {row, count}), label});
    const std::string places =
        steps.ordered(place, steps.node("Shape", {place}), OnnxSteps::Order::kRising).values;
    const auto best = steps.ordered(steps.gather(steps.reshape(scores, {-1}), places),
                                    steps.at_most(heads_.detections_per_image, places));
    const std::string own = steps.gather(places, best.places);
    const Detections found{steps.gather(steps.reshape(boxes, {-1, 4}), own), steps.node("Mod", {own, count})};
    output(found.boxes, "boxes", {"D", std::int64_t{4}});
    output(best.values, "scores", {"D"});
    output(found.classes, "classes", {"D"}, DType::kInt64);
    return found;
  }

  void masks(const Detections& found) {
    OnnxSteps steps(graph(), "masks_pooled");
    const std::int64_t resolution = c4() ? heads_.pooler_resolution : options_.masks.pooler_resolution;
    const std::int64_t side = 2 * (c4() ? (resolution + 1) / 2 : resolution);
    const std::string logits =
        onnx_mask_logits(layers_, onnx_pooled(steps, levels_, found.boxes, resolution, heads_)).name;
    const std::string own =
        mask_classes_ == 1
            ? steps.squeeze(logits, 1)
            : steps.node("GatherND", {logits, steps.unsqueeze(found.classes, 1)}, {{"batch_dims", std::int64_t{1}}});
    output(steps.node("Sigmoid", {own}), "masks", {"D", side, side});
  }

  void output(const std::string& value, const std::string& name, const std::vector<OnnxDimension>& dimensions,
              DType type = DType::kFloat32) {
    graph().node("Identity", {value}, name);
    graph().output(name, dimensions, type);
  }

  const DetectorOptions& options_;
  const RoiHeadsOptions& heads_;
  OnnxLayers layers_;
  std::int64_t classes_, mask_classes_;  // mask_classes_: 0 without masks
  std::vector<OnnxLevel> levels_;
  std::string limits_;  // [4]: width, height, width, height of the image
};

void write_detector(const std::filesystem::path& path, const StateDict& weights,
                    const std::map<std::string, std::string>& metadata, const DetectorOptions& settings) {
  DetectorGraph(weights, settings).build().write(path, onnx_properties(metadata));
}

KeyMap key_map(const NetworkShape&) {
  return {.rules = {{"backbone.*", "backbone.*"},
                    {"proposal_generator.*", "proposal_generator.*"},
                    {"roi_heads.*", "roi_heads.*"}},
          .skipped_prefixes = {"projector.", "predictor."},
          .skipped_suffix = ".num_batches_tracked"};
}

std::string convention(const NetworkShape& shape) {
  return "Images: RGB, normalised as the file's property \"input\" says; input \"images\" [1,3,H,W] float32,\n"
         "  padded with zeros at right and bottom behind that, and \"size\" [2] int64: height, width before padding.\n"
         "  Outputs, the best first: boxes [D,4] (x1, y1, x2, y2, px of images), scores [D],\n"
         "  classes [D] (places in the property \"categories\")" +
         std::string(shape.masks ? ", masks [D,M,M] (probabilities in the frame of the box)" : "");
}

}  // namespace

const FormatPart& onnx_detector_format() {
  static const FormatPart part{&key_map,    nullptr,        nullptr, &read_onnx_weights,
                               &convention, &write_detector};
  return part;
}

}  // namespace soco
