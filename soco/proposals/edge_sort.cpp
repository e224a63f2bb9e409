// SPDX-License-Identifier: MIT
#include "soco/proposals/edge_sort.h"

#include <algorithm>
#include <array>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

// Three passes of 11 bits order the edges by their keys. What the keys do not tell apart is put right in place.
constexpr int kDigitBits = 11;
constexpr int kNumPasses = 3;
constexpr std::size_t kNumBuckets = std::size_t{1} << kDigitBits;
static_assert(kNumPasses * kDigitBits >= 32);
static_assert((std::bit_cast<std::uint64_t>(2.0) - std::bit_cast<std::uint64_t>(kSmallestCost)) >> kCostRangeShift <
              kNumCostRanges);

using Buckets = std::array<std::uint32_t, kNumBuckets>;

std::uint32_t digit(PackedEdge edge, int pass) {
  return cost_key(edge) >> (pass * kDigitBits) & static_cast<std::uint32_t>(kNumBuckets - 1);
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

/// Orders runs of one key by the costs themselves.
void sort_runs(std::span<PackedEdge> edges, const EdgeCosts& costs) {
  const auto before = [&costs](PackedEdge a, PackedEdge b) {
    const double cost_a = *costs.at(edge_index(a)), cost_b = *costs.at(edge_index(b));
    return cost_a != cost_b ? cost_a < cost_b : edge_index(a) < edge_index(b);
  };
  for (std::size_t begin = 0; begin < edges.size();) {
    const std::uint32_t key = cost_key(edges[begin]);
    std::size_t end = begin + 1;
    while (end < edges.size() && cost_key(edges[end]) == key) ++end;
    const auto run = edges.subspan(begin, end - begin);
    if (run.size() == 2) {
      if (before(run[1], run[0])) std::swap(run[0], run[1]);
    } else if (run.size() > 2 && !std::is_sorted(run.begin(), run.end(), before)) {
      std::sort(run.begin(), run.end(), before);
    }
    begin = end;
  }
}

}  // namespace

void sort_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch, const EdgeCosts& costs) {
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
