// SPDX-License-Identifier: MIT
#include "soco/export/formats/torchvision_detector.h"

#include <algorithm>
#include <string>
#include <utility>

#include "soco/base/error.h"
#include "soco/export/formats/key_rules.h"

namespace soco {
namespace {

std::vector<KeyRule> key_rules() {
  std::vector<KeyRule> rules;
  add_torchvision_trunk(rules, "backbone.bottom_up.", "backbone.body.");
  const std::vector<KeyRule> others{{"backbone.fpn_lateral{s}.norm.*", "backbone.fpn.inner_blocks.{s-2}.1.*"},
                                    {"backbone.fpn_lateral{s}.*", "backbone.fpn.inner_blocks.{s-2}.0.*"},
                                    {"backbone.fpn_output{s}.norm.*", "backbone.fpn.layer_blocks.{s-2}.1.*"},
                                    {"backbone.fpn_output{s}.*", "backbone.fpn.layer_blocks.{s-2}.0.*"},
                                    {"proposal_generator.rpn_head.conv.*", "rpn.head.conv.0.0.*"},
                                    {"proposal_generator.rpn_head.objectness_logits.*", "rpn.head.cls_logits.*"},
                                    {"proposal_generator.rpn_head.anchor_deltas.*", "rpn.head.bbox_pred.*"},
                                    {"roi_heads.box_head.fc{i}.*", "roi_heads.box_head.fc{i+5}.*"},
                                    {"roi_heads.box_predictor.*", "roi_heads.box_predictor.*"},
                                    {"roi_heads.mask_head.mask_fcn{i}.norm.*", "roi_heads.mask_head.{i-1}.1.*"},
                                    {"roi_heads.mask_head.mask_fcn{i}.*", "roi_heads.mask_head.{i-1}.0.*"},
                                    {"roi_heads.mask_head.deconv.*", "roi_heads.mask_predictor.conv5_mask.*"},
                                    {"roi_heads.mask_head.predictor.*", "roi_heads.mask_predictor.mask_fcn_logits.*"}};
  rules.insert(rules.end(), others.begin(), others.end());
  return rules;
}

bool is_class_tensor(const std::string& ours, std::string_view layer) {
  return ours.starts_with("roi_heads." + std::string(layer) + ".");
}

/// Rows of one class: 1 of cls_score and of the mask predictor, 4 of bbox_pred; 0: not a tensor of classes.
std::int64_t rows_per_class(const std::string& ours) {
  if (is_class_tensor(ours, "box_predictor.bbox_pred")) return 4;
  return is_class_tensor(ours, "box_predictor.cls_score") || is_class_tensor(ours, "mask_head.predictor") ? 1 : 0;
}

/// Background stands last in our cls_score and nowhere else.
bool has_background(const std::string& ours) { return is_class_tensor(ours, "box_predictor.cls_score"); }

std::int64_t num_rows(const HostTensor& tensor, const std::string& name) {
  if (tensor.shape.empty()) fail("'{}' has no rows", name);
  return tensor.shape[0];
}

/// `classes` blocks of rows beginning with block `first`.
HostTensor rows_from(const HostTensor& tensor, std::int64_t first, std::int64_t count) {
  HostTensor part = tensor;
  const std::size_t row_bytes = tensor.data.size() / static_cast<std::size_t>(tensor.shape[0]);
  const auto begin = tensor.data.begin() + static_cast<std::ptrdiff_t>(row_bytes * static_cast<std::size_t>(first));
  part.data.assign(begin, begin + static_cast<std::ptrdiff_t>(row_bytes * static_cast<std::size_t>(count)));
  part.shape[0] = count;
  return part;
}

HostTensor stacked(HostTensor a, const HostTensor& b) {
  a.data.insert(a.data.end(), b.data.begin(), b.data.end());
  a.shape[0] += b.shape[0];
  return a;
}

HostTensor zeros_like(HostTensor tensor) {
  std::fill(tensor.data.begin(), tensor.data.end(), std::byte{0});
  return tensor;
}

HostTensor background_first(const HostTensor& tensor, const std::string& name) {
  const std::int64_t rows = num_rows(tensor, name), block = rows_per_class(name);
  if (rows < block) fail("'{}' has {} rows", name, rows);
  if (has_background(name)) return stacked(rows_from(tensor, rows - 1, 1), rows_from(tensor, 0, rows - 1));
  return stacked(zeros_like(rows_from(tensor, 0, block)), tensor);
}

HostTensor background_last(const HostTensor& tensor, const std::string& name) {
  const std::int64_t rows = num_rows(tensor, name), block = rows_per_class(name);
  if (rows < 2 * block || rows % block != 0)
    fail("'{}' has {} rows; expected {} for background and each class", name, rows, block);
  const HostTensor classes = rows_from(tensor, block, rows - block);
  return has_background(name) ? stacked(classes, rows_from(tensor, 0, block)) : classes;
}

/// Number of classes by each tensor of classes; all must agree.
void check_classes(const StateDict& ours) {
  std::int64_t classes = -1;
  for (const auto& [name, tensor] : ours.entries()) {
    if (rows_per_class(name) == 0) continue;
    const std::int64_t here = num_rows(tensor, name) / rows_per_class(name) - (has_background(name) ? 1 : 0);
    if (classes >= 0 && here != classes)
      fail(
          "'{}' is for {} classes, but others are for {}; torchvision's detectors have a box and a mask for each class",
          name, here, classes);
    classes = here;
  }
}

}  // namespace

StateDict torchvision_detector_from_ours(const StateDict& ours) {
  check_classes(ours);
  StateDict reordered;
  for (const auto& [name, tensor] : ours.entries())
    reordered.add(name, rows_per_class(name) > 0 ? background_first(tensor, name) : tensor);
  return map_state_dict(reordered, {.rules = key_rules(), .skipped_prefixes = {}}, "torchvision detector").tensors;
}

StateDict ours_from_torchvision_detector(const StateDict& theirs) {
  const std::vector<KeyRule> rules = key_rules();
  StateDict ours;
  for (const auto& [name, tensor] : theirs.entries()) {
    const auto own = ours_from_theirs(rules, name);
    if (!own) fail("'{}' is no tensor of torchvision's Faster or Mask R-CNN with a pyramid", name);
    ours.add(*own, rows_per_class(*own) > 0 ? background_last(tensor, *own) : tensor);
    constexpr std::string_view kLast = ".running_var";
    const std::string counter =
        name.ends_with(kLast) ? name.substr(0, name.size() - kLast.size()) + ".num_batches_tracked" : "";
    if (!counter.empty() && theirs.find(counter) == nullptr)
      ours.add(own->substr(0, own->size() - kLast.size()) + ".num_batches_tracked",
               HostTensor::from<std::int64_t>({}, std::vector<std::int64_t>{0}));
  }
  check_classes(ours);
  return ours;
}

}  // namespace soco
