// SPDX-License-Identifier: MIT
#include "soco/proposals/edge_sort.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr int kDigitBits = 11;
constexpr int kNumPasses = 3;  // over the 32 leading bits
constexpr std::size_t kNumBuckets = std::size_t{1} << kDigitBits;
using Buckets = std::array<std::uint32_t, kNumBuckets>;

std::size_t digit(PackedEdge edge, int pass) {
  return static_cast<std::size_t>(edge >> (32 + pass * kDigitBits)) & (kNumBuckets - 1);
}

std::array<Buckets, kNumPasses> count_digits(std::span<const PackedEdge> edges) {
  std::array<Buckets, kNumPasses> counts{};
  for (const PackedEdge e : edges) {
    for (int pass = 0; pass < kNumPasses; ++pass) ++counts[pass][digit(e, pass)];
  }
  return counts;
}

void scatter(std::span<const PackedEdge> in, Buckets& starts, int pass, std::span<PackedEdge> out) {
  PackedEdge* const to = out.data();
  for (const PackedEdge e : in) to[starts[digit(e, pass)]++] = e;
}

/// Orders runs whose leading bits agree by the costs themselves.
void sort_runs(std::span<PackedEdge> edges, std::span<const double> costs) {
  const auto before = [costs](PackedEdge a, PackedEdge b) {
    const double cost_a = costs[edge_index(a)], cost_b = costs[edge_index(b)];
    return cost_a != cost_b ? cost_a < cost_b : edge_index(a) < edge_index(b);
  };
  for (std::size_t begin = 0; begin < edges.size();) {
    const std::uint32_t leading = leading_cost_bits(edges[begin]);
    std::size_t end = begin + 1;
    while (end < edges.size() && leading_cost_bits(edges[end]) == leading) ++end;
    const auto run = edges.subspan(begin, end - begin);
    if (run.size() > 1 && !std::is_sorted(run.begin(), run.end(), before)) std::sort(run.begin(), run.end(), before);
    begin = end;
  }
}

}  // namespace

void sort_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch, std::span<const double> costs) {
  SOCO_ASSERT(scratch.size() == edges.size());
  std::array<Buckets, kNumPasses> counts = count_digits(edges);
  std::span<PackedEdge> in = edges, out = scratch;
  for (int pass = 0; pass < kNumPasses; ++pass) {
    std::uint32_t start = 0;
    for (std::uint32_t& count : counts[pass]) start += std::exchange(count, start);
    scatter(in, counts[pass], pass, out);
    std::swap(in, out);
  }
  if (in.data() != edges.data()) std::copy(in.begin(), in.end(), edges.begin());
  sort_runs(edges, costs);
}

}  // namespace soco
