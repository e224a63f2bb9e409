// SPDX-License-Identifier: MIT
#include "soco/layers/nms.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "soco/base/error.h"

namespace soco {
namespace {

/// Boxes of one class, from the highest score down, one array a coordinate so that the inner loop is a vector's.
struct SortedBoxes {
  std::vector<double> x1, y1, x2, y2, area;
  std::vector<std::int64_t> rank;  // place among all boxes

  void clear() {
    for (auto* column : {&x1, &y1, &x2, &y2, &area}) column->clear();
    rank.clear();
  }
  void add(const double* box, std::int64_t place) {
    x1.push_back(box[0]), y1.push_back(box[1]), x2.push_back(box[2]), y2.push_back(box[3]);
    area.push_back((box[2] - box[0]) * (box[3] - box[1]));
    rank.push_back(place);
  }
};

/// Marks in `dropped` each box after `kept` that overlaps it too much.
void suppress(const SortedBoxes& b, std::size_t kept, double threshold, std::vector<std::uint8_t>& dropped) {
  const double x1 = b.x1[kept], y1 = b.y1[kept], x2 = b.x2[kept], y2 = b.y2[kept], area = b.area[kept];
  for (std::size_t j = kept + 1; j < b.rank.size(); ++j) {
    const double width = std::max(0.0, std::min(x2, b.x2[j]) - std::max(x1, b.x1[j]));
    const double height = std::max(0.0, std::min(y2, b.y2[j]) - std::max(y1, b.y1[j]));
    const double common = width * height;
    dropped[j] |= common / (area + b.area[j] - common) > threshold;  // 0/0 is not above it
  }
}

void keep_best(const SortedBoxes& boxes, double threshold, std::vector<std::int64_t>& kept_ranks) {
  std::vector<std::uint8_t> dropped(boxes.rank.size(), 0);
  for (std::size_t i = 0; i < boxes.rank.size(); ++i) {
    if (dropped[i]) continue;
    kept_ranks.push_back(boxes.rank[i]);
    suppress(boxes, i, threshold, dropped);
  }
}

std::vector<std::int64_t> by_descending_score(const torch::Tensor& scores) {
  const double* values = scores.data_ptr<double>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(scores.size(0)));
  std::iota(order.begin(), order.end(), 0);
  for (const std::int64_t i : order)
    if (std::isnan(values[i])) fail("non-maximum suppression was given a score that is not a number");
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] > values[b]; });
  return order;
}

}  // namespace

torch::Tensor batched_nms(const torch::Tensor& boxes, const torch::Tensor& scores, const torch::Tensor& classes,
                          double iou_threshold) {
  const std::int64_t count = scores.numel();
  if (boxes.dim() != 2 || boxes.size(0) != count || boxes.size(1) != 4 || scores.dim() != 1 || classes.dim() != 1 ||
      classes.size(0) != count)
    fail("non-maximum suppression was given boxes {}, scores {} and classes {}; expected [B,4], [B] and [B]",
         c10::str(boxes.sizes()), c10::str(scores.sizes()), c10::str(classes.sizes()));
  const torch::Tensor b = boxes.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const torch::Tensor c = classes.to(torch::kCPU, torch::kInt64).contiguous();
  const std::vector<std::int64_t> order =
      by_descending_score(scores.detach().to(torch::kCPU, torch::kFloat64).contiguous());
  const std::int64_t* class_of = c.data_ptr<std::int64_t>();
  std::vector<std::int64_t> ranks(order.size()), kept;
  std::iota(ranks.begin(), ranks.end(), 0);
  std::stable_sort(ranks.begin(), ranks.end(), [&](auto x, auto y) { return class_of[order[x]] < class_of[order[y]]; });
  SortedBoxes group;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    group.add(b.data_ptr<double>() + 4 * order[ranks[i]], ranks[i]);
    if (i + 1 < ranks.size() && class_of[order[ranks[i]]] == class_of[order[ranks[i + 1]]]) continue;
    keep_best(group, iou_threshold, kept);
    group.clear();
  }
  std::sort(kept.begin(), kept.end());
  for (std::int64_t& rank : kept) rank = order[rank];
  return torch::tensor(kept, torch::kInt64);
}

}  // namespace soco
