// SPDX-License-Identifier: MIT
#include "soco/export/formats/detector_rows.h"

#include <algorithm>
#include <string_view>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::string_view kScores = "roi_heads.box_predictor.cls_score.",
                           kBoxes = "roi_heads.box_predictor.bbox_pred.", kMasks = "roi_heads.mask_head.predictor.",
                           kObjectness = "proposal_generator.rpn_head.objectness_logits.",
                           kAnchorBoxes = "proposal_generator.rpn_head.anchor_deltas.";
constexpr std::int64_t kBoxNumbers = 4;

/// Rows of one class; 0: not a tensor of classes.
std::int64_t rows_per_class(std::string_view name) {
  if (name.starts_with(kBoxes)) return kBoxNumbers;
  return name.starts_with(kScores) || name.starts_with(kMasks) ? 1 : 0;
}

/// Background stands last in our scores and nowhere else.
bool has_background(std::string_view name) { return name.starts_with(kScores); }

/// Rows of one anchor; 0: not a tensor of anchors.
std::int64_t rows_per_anchor(std::string_view name) {
  if (name.starts_with(kAnchorBoxes)) return kBoxNumbers;
  return name.starts_with(kObjectness) ? 1 : 0;
}

std::int64_t num_rows(const HostTensor& tensor, const std::string& name) {
  if (tensor.shape.empty()) fail("'{}' has no rows", name);
  return tensor.shape[0];
}

/// `count` rows beginning with row `first`.
HostTensor rows_from(const HostTensor& tensor, std::int64_t first, std::int64_t count) {
  HostTensor part{tensor.dtype, tensor.shape, {}};
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

/// Blocks of rows in a table of outer x inner, given as inner x outer.
HostTensor transposed(const HostTensor& tensor, std::int64_t block, std::int64_t outer, std::int64_t inner) {
  HostTensor result{tensor.dtype, tensor.shape, {}};
  result.shape[0] = 0;
  result.data.reserve(tensor.data.size());
  for (std::int64_t i = 0; i < inner; ++i)
    for (std::int64_t o = 0; o < outer; ++o)
      result = stacked(std::move(result), rows_from(tensor, (o * inner + i) * block, block));
  return result;
}

/// Sizes of a cell's anchors; 0: not a tensor of anchors.
std::int64_t num_sizes(const std::string& name, const HostTensor& tensor) {
  const std::int64_t block = rows_per_anchor(name);
  if (block == 0) return 0;
  const std::int64_t rows = num_rows(tensor, name);
  if (rows == 0 || rows % (block * kAnchorRatios) != 0)
    fail("'{}' has {} rows, which are not those of anchors of {} ratios; their order for MMDetection is unknown", name,
         rows, kAnchorRatios);
  return rows / (block * kAnchorRatios);
}

/// Number of classes by the first tensor of scores; -1 without.
std::int64_t num_classes(const StateDict& ours) {
  for (const auto& [name, tensor] : ours.entries())
    if (has_background(name)) return num_rows(tensor, name) - 1;
  return -1;
}

/// torchvision has a box and a mask for each class.
void check_each_class(const StateDict& ours) {
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

bool has_rows_of_classes(const std::string& name) { return rows_per_class(name) > 0; }

StateDict with_background_first(const StateDict& ours) {
  check_each_class(ours);
  StateDict result;
  for (const auto& [name, tensor] : ours.entries())
    result.add(name, has_rows_of_classes(name) ? background_first(tensor, name) : tensor);
  return result;
}

HostTensor with_background_last(const std::string& name, const HostTensor& tensor) {
  const std::int64_t block = rows_per_class(name);
  if (block == 0) return tensor;
  const std::int64_t rows = num_rows(tensor, name);
  if (rows < 2 * block || rows % block != 0)
    fail("'{}' has {} rows; expected {} for background and each class", name, rows, block);
  const HostTensor classes = rows_from(tensor, block, rows - block);
  return has_background(name) ? stacked(classes, rows_from(tensor, 0, block)) : classes;
}

HostTensor with_ratios_outside(const std::string& name, const HostTensor& tensor) {
  const std::int64_t sizes = num_sizes(name, tensor);
  return sizes <= 1 ? tensor : transposed(tensor, rows_per_anchor(name), sizes, kAnchorRatios);
}

HostTensor with_sizes_outside(const std::string& name, const HostTensor& tensor) {
  const std::int64_t sizes = num_sizes(name, tensor);
  return sizes <= 1 ? tensor : transposed(tensor, rows_per_anchor(name), kAnchorRatios, sizes);
}

void check_rows(const StateDict& ours, const std::string& source) {
  const std::int64_t classes = num_classes(ours);
  std::int64_t anchors = -1;
  for (const auto& [name, tensor] : ours.entries()) {
    if (has_background(name) && (classes < 1 || num_rows(tensor, name) != classes + 1))
      fail("{}: '{}' has {} rows, expected one for each class, as in others, and one for background", source, name,
           num_rows(tensor, name));
    if (const std::int64_t block = rows_per_class(name); block > 0 && classes >= 1 && !has_background(name)) {
      const std::int64_t rows = num_rows(tensor, name);
      if (rows != block && rows != block * classes)
        fail("{}: '{}' has {} rows, expected {} for each of {} classes, or for all together", source, name, rows, block,
             classes);
    }
    if (const std::int64_t block = rows_per_anchor(name); block > 0) {
      const std::int64_t rows = num_rows(tensor, name);
      if (anchors >= 0 && rows != anchors * block)
        fail("{}: '{}' has {} rows, expected {} for each of {} anchors", source, name, rows, block, anchors);
      if (rows % block != 0) fail("{}: '{}' has {} rows, not a multiple of {}", source, name, rows, block);
      anchors = rows / block;
    }
  }
}

}  // namespace soco
