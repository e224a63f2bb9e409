// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "soco/proposals/scratch.h"

namespace soco {

/// Disjoint sets of pixels with their size and the cost below which an edge may still join them to another set.
class SegmentForest {
 public:
  /// Every pixel by itself. `scale`: k, in units of cost.
  void reset(std::size_t num_pixels, double scale) {
    parents_ = parent_memory_.take(num_pixels).data();
    roots_ = root_memory_.take(num_pixels).data();
    scale_ = scale;
    std::iota(parents_, parents_ + num_pixels, 0u);
    std::fill(roots_, roots_ + num_pixels, Root{1, threshold(0, 1, scale)});
  }
  std::uint32_t find(std::uint32_t i) {
    while (parents_[i] != i) {
      parents_[i] = parents_[parents_[i]];
      i = parents_[i];
    }
    return i;
  }
  /// One step of find() for any element, without branches: an ancestor.
  std::uint32_t ancestor(std::uint32_t i) {
    const std::uint32_t grandparent = parents_[parents_[i]];
    parents_[i] = grandparent;
    return grandparent;
  }
  void prefetch(std::uint32_t pixel) const { __builtin_prefetch(&parents_[pixel]); }
  void prefetch_root(std::uint32_t pixel) const { __builtin_prefetch(&roots_[pixel]); }
  int size(std::uint32_t root) const { return roots_[root].size; }
  /// min(Int(C1) + k/|C1|, Int(C2) + k/|C2|), the paper's MInt.
  float min_threshold(std::uint32_t a, std::uint32_t b) const {
    return std::min(roots_[a].threshold, roots_[b].threshold);
  }
  /// `cost`: of the joining edge, the new set's internal difference, since edges come in ascending order.
  void join(std::uint32_t a, std::uint32_t b, double cost) {
    if (roots_[a].size < roots_[b].size) std::swap(a, b);
    parents_[b] = a;
    roots_[a].size += roots_[b].size;
    roots_[a].threshold = threshold(cost, roots_[a].size, scale_);
  }
  /// Numbers the sets in raster order of their first pixel. Returns how many there are.
  int label(std::span<std::int32_t> labels) {
    int count = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::uint32_t root = find(static_cast<std::uint32_t>(i));
      // A root's size is no longer needed once its set is met: it turns into the label, below zero.
      std::int32_t& mark = roots_[root].size;
      if (mark > 0) mark = ~count++;
      labels[i] = ~mark;
    }
    return count;
  }

 private:
  struct Root {
    std::int32_t size;
    float threshold;
  };
  /// Single precision: scikit-image keeps this sum in a C float, and comparisons come out differently in double.
  static float threshold(double internal, int size, double scale) {
    return static_cast<float>(internal + scale / size);
  }

  Scratch<std::uint32_t> parent_memory_;
  Scratch<Root> root_memory_;
  std::uint32_t* parents_ = nullptr;
  Root* roots_ = nullptr;  // meaningful where parents_[i] == i
  double scale_ = 0;
};

}  // namespace soco
