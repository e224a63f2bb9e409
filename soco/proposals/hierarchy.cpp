// SPDX-License-Identifier: MIT
#include "soco/proposals/hierarchy.h"

#include <algorithm>
#include <cstddef>

#include "soco/proposals/plane_kernels.h"

namespace soco {
namespace {

constexpr float kHistogramSum = 65535;

}  // namespace

void Hierarchy::scale_row(std::uint32_t row, std::uint32_t num_pixels, std::vector<std::uint16_t>& histograms) const {
  const std::uint32_t* counts = (&histograms == &initial_histograms_ ? graph_->counts : counts_).data();
  counts += row * kHistogramRow;
  std::uint16_t* out = histograms.data() + row * kHistogramRow;
  const float total = static_cast<float>(num_pixels) * static_cast<float>(graph_->num_channels);
  kernels::scale_counts(counts, kColourRow, kHistogramSum / total, out);
  kernels::scale_counts(counts + kColourRow, kTextureRow, kHistogramSum / (total * kNumDirections), out + kColourRow);
}

void Hierarchy::start(const RegionGraph& graph, std::int64_t image_size) {
  graph_ = &graph;
  image_size_ = static_cast<double>(image_size);
  initial_histograms_.resize(graph.size() * kHistogramRow);
  for (std::uint32_t i = 0; i < graph.size(); ++i) scale_row(i, graph.num_pixels[i], initial_histograms_);
}

void Hierarchy::reset(SimilarityMix mix) {
  use_colour_ = mix == SimilarityMix::kColourTextureSizeFill;
  use_texture_ = use_colour_ || mix == SimilarityMix::kTextureSizeFill;
  use_size_ = mix != SimilarityMix::kFill;
  use_fill_ = mix != SimilarityMix::kSize;
  const std::size_t n = graph_->size();
  if (use_texture_) {
    histograms_ = initial_histograms_;
    counts_ = graph_->counts;
  }
  nodes_.clear();
  nodes_.reserve(2 * n);
  for (std::uint32_t i = 0; i < n; ++i) nodes_.push_back({graph_->bounds[i], graph_->num_pixels[i], i, true});
  if (neighbours_.size() < 2 * n) neighbours_.resize(2 * n);
  for (auto& list : neighbours_) list.clear();
  linked_to_.assign(2 * n, 0);
  queue_.clear();
  merged_.clear();
  for (const RegionPair& pair : graph_->pairs) {
    neighbours_[pair.a].push_back(pair.b);
    neighbours_[pair.b].push_back(pair.a);
    queue_.push_back({similarity(nodes_[pair.a], nodes_[pair.b]), pair.a, pair.b});
  }
  std::make_heap(queue_.begin(), queue_.end());
}

/// Each term in [0, 1], as in the paper's section 3.2.
double Hierarchy::similarity(const Node& a, const Node& b) const {
  double sum = 0;
  if (use_texture_) {
    const std::uint16_t* row_a = histograms_.data() + a.row * kHistogramRow;
    const std::uint16_t* row_b = histograms_.data() + b.row * kHistogramRow;
    std::uint32_t common = kernels::histogram_intersection(row_a + kColourRow, row_b + kColourRow, kTextureRow);
    if (use_colour_) common += kernels::histogram_intersection(row_a, row_b, kColourRow);
    sum += static_cast<double>(common) / kHistogramSum;
  }
  const double size = static_cast<double>(a.num_pixels) + static_cast<double>(b.num_pixels);
  if (use_size_) sum += 1 - size / image_size_;
  if (use_fill_) {
    const PixelBounds box = joined(a.bounds, b.bounds);
    sum += 1 - (static_cast<double>(area_of(box)) - size) / image_size_;
  }
  return sum;
}

void Hierarchy::push(std::uint32_t a, std::uint32_t b) {
  queue_.push_back({similarity(nodes_[a], nodes_[b]), a, b});
  std::push_heap(queue_.begin(), queue_.end());
}

void Hierarchy::merge(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t id = static_cast<std::uint32_t>(nodes_.size());
  Node node{joined(nodes_[a].bounds, nodes_[b].bounds), nodes_[a].num_pixels + nodes_[b].num_pixels, nodes_[a].row,
            true};
  nodes_[a].alive = nodes_[b].alive = false;
  merged_.push_back({node.bounds, node.num_pixels});
  if (use_texture_) {
    std::uint32_t* to = counts_.data() + node.row * kHistogramRow;
    const std::uint32_t* from = counts_.data() + nodes_[b].row * kHistogramRow;
    for (std::size_t i = 0; i < kHistogramRow; ++i) to[i] += from[i];
    scale_row(node.row, node.num_pixels, histograms_);
  }
  nodes_.push_back(node);
  for (const std::uint32_t part : {a, b}) {
    for (const std::uint32_t other : neighbours_[part]) {
      if (!nodes_[other].alive || linked_to_[other] == id) continue;
      linked_to_[other] = id;
      neighbours_[id].push_back(other);
      neighbours_[other].push_back(id);
      push(other, id);
    }
  }
}

const std::vector<GroupedRegion>& Hierarchy::group(SimilarityMix mix) {
  reset(mix);
  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end());
    const Candidate best = queue_.back();
    queue_.pop_back();
    if (nodes_[best.a].alive && nodes_[best.b].alive) merge(best.a, best.b);
  }
  return merged_;
}

}  // namespace soco
