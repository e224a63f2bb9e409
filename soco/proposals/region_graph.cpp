// SPDX-License-Identifier: MIT
#include "soco/proposals/region_graph.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "soco/proposals/segment_forest.h"

namespace soco {
namespace {

std::vector<std::int32_t> join_regions(const RegionGraph& fine, double scale, RegionGraph& coarse) {
  SegmentForest forest;
  forest.reset(fine.num_pixels, fine.internal, scale);
  std::vector<RegionPair> order = fine.pairs;
  std::stable_sort(order.begin(), order.end(), [](const auto& p, const auto& q) { return p.cost < q.cost; });
  for (const RegionPair& pair : order) {
    const std::uint32_t a = forest.find(pair.a), b = forest.find(pair.b);
    if (a == b || !(pair.cost < forest.min_threshold(a, b))) continue;
    forest.join(a, b, std::max({pair.cost, forest.internal(a), forest.internal(b)}));
  }
  std::vector<std::int32_t> labels(fine.size());
  forest.label(labels, [&](float internal) { coarse.internal.push_back(internal); });
  return labels;
}

/// The pairs between different labels, each once with its least cost.
std::vector<RegionPair> mapped_pairs(std::span<const RegionPair> pairs, const std::vector<std::int32_t>& labels) {
  std::vector<RegionPair> mapped;
  for (const RegionPair& p : pairs) {
    const std::uint32_t a = static_cast<std::uint32_t>(labels[p.a]), b = static_cast<std::uint32_t>(labels[p.b]);
    if (a != b) mapped.push_back({std::min(a, b), std::max(a, b), p.cost});
  }
  merge_pairs(mapped);
  return mapped;
}

}  // namespace

std::int64_t area_of(const PixelBounds& b) {
  return static_cast<std::int64_t>(b.max_x - b.min_x + 1) * (b.max_y - b.min_y + 1);
}

PixelBounds joined(const PixelBounds& a, const PixelBounds& b) {
  return {std::min(a.min_x, b.min_x), std::min(a.min_y, b.min_y), std::max(a.max_x, b.max_x),
          std::max(a.max_y, b.max_y)};
}

void merge_pairs(std::vector<RegionPair>& pairs) {
  std::sort(pairs.begin(), pairs.end(), [](const RegionPair& p, const RegionPair& q) {
    if (p.a != q.a) return p.a < q.a;
    return p.b != q.b ? p.b < q.b : p.cost < q.cost;
  });
  const auto same = [](const RegionPair& p, const RegionPair& q) { return p.a == q.a && p.b == q.b; };
  pairs.erase(std::unique(pairs.begin(), pairs.end(), same), pairs.end());
}

RegionGraph coarsened(const RegionGraph& fine, double scale) {
  RegionGraph coarse;
  coarse.num_channels = fine.num_channels;
  const std::vector<std::int32_t> labels = join_regions(fine, scale, coarse);
  const std::size_t count = coarse.internal.size();
  coarse.bounds.resize(count);
  coarse.num_pixels.assign(count, 0);
  coarse.counts.assign(count * kHistogramRow, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t to = static_cast<std::size_t>(labels[i]);
    coarse.bounds[to] = coarse.num_pixels[to] == 0 ? fine.bounds[i] : joined(coarse.bounds[to], fine.bounds[i]);
    coarse.num_pixels[to] += fine.num_pixels[i];
    std::uint32_t* out = coarse.counts.data() + to * kHistogramRow;
    const std::uint32_t* in = fine.counts_of(i);
    for (std::size_t k = 0; k < kHistogramRow; ++k) out[k] += in[k];
  }
  coarse.pairs = mapped_pairs(fine.pairs, labels);
  return coarse;
}

}  // namespace soco
