// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "soco/proposals/scratch.h"

namespace soco {

/// Disjoint sets of pixels (or of regions) with their size and the cost below which an edge may still join them to
/// another set.
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
  /// Every region by itself, of so many pixels and with this internal difference.
  void reset(std::span<const std::uint32_t> sizes, std::span<const float> internal, double scale) {
    reset(sizes.size(), scale);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const int size = static_cast<int>(sizes[i]);
      roots_[i] = {size, threshold(internal[i], size, scale)};
    }
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
  /// Int(C): the cost of the edge that made this set; of a region that was reset, what it came with.
  float internal(std::uint32_t root) const { return internal_of(roots_[root]); }
  /// `cost`: of the joining edge, the new set's internal difference, since edges come in ascending order.
  void join(std::uint32_t a, std::uint32_t b, double cost) {
    if (roots_[a].size < roots_[b].size) std::swap(a, b);
    parents_[b] = a;
    roots_[a].size += roots_[b].size;
    roots_[a].threshold = threshold(cost, roots_[a].size, scale_);
  }
  /// Numbers the sets in raster order of their first pixel, calling visit(internal difference) for each. Returns how
  /// many there are. The forest is used up.
  template <class Visit>
  int label(std::span<std::int32_t> labels, const Visit& visit) {
    int count = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      Root& root = roots_[find(static_cast<std::uint32_t>(i))];
      // A root's size is no longer needed once its set is met: it turns into the label, below zero.
      if (root.size > 0) {
        visit(internal_of(root));
        root.size = ~count++;
      }
      labels[i] = ~root.size;
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

  float internal_of(const Root& root) const {
    return std::max(0.0f, root.threshold - static_cast<float>(scale_ / root.size));
  }

  Scratch<std::uint32_t> parent_memory_;
  Scratch<Root> root_memory_;
  std::uint32_t* parents_ = nullptr;
  Root* roots_ = nullptr;  // meaningful where parents_[i] == i
  double scale_ = 0;
};

/// The two pixels of an edge.
struct PixelPair {
  std::uint32_t a, b;
};

/// Calls visit(a, b, i), in order, for those of edges 0..num_edges-1 whose ends lie in two sets when their turn comes;
/// a and b are the roots. `ends_of(i)`: the PixelPair of edge i; `prefetch(i)` is called some edges before.
template <class EndsOf, class Prefetch, class Visit>
void for_dividing_edges(std::size_t num_edges, SegmentForest& forest, const EndsOf& ends_of, const Prefetch& prefetch,
                        const Visit& visit) {
  // Edges are looked at in batches: the first look has no branch that hangs on the data, and drops most of them.
  // Edges in order of cost lie anywhere in the image, so their pixels are fetched into the cache some way ahead.
  constexpr std::size_t kBatch = 512, kDistance = 32, kRootDistance = 8;
  struct Candidate {
    std::uint32_t a, b;  // an ancestor of each end
    std::size_t edge;
  };
  std::array<Candidate, kBatch> candidates;
  for (std::size_t begin = 0; begin < num_edges; begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, num_edges);
    std::size_t count = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const PixelPair ahead = ends_of(std::min(i + kDistance, num_edges - 1));
      forest.prefetch(ahead.a);
      forest.prefetch(ahead.b);
      prefetch(std::min(i + kDistance, num_edges - 1));
      const PixelPair ends = ends_of(i);
      const std::uint32_t a = forest.ancestor(ends.a), b = forest.ancestor(ends.b);
      candidates[count] = {a, b, i};
      count += a != b;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const Candidate& ahead = candidates[std::min(i + kRootDistance, count - 1)];
      forest.prefetch_root(ahead.a);
      forest.prefetch_root(ahead.b);
      const std::uint32_t a = forest.find(candidates[i].a), b = forest.find(candidates[i].b);
      if (a != b) visit(a, b, candidates[i].edge);
    }
  }
}

}  // namespace soco
