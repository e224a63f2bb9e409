// SPDX-License-Identifier: MIT
#include "soco/proposals/edge_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "soco/base/random.h"

namespace soco {
namespace {

const CostKey kAllCosts(0, kNumCostRanges - 1);

PackedEdge packed(const CostKey& key, double cost, std::uint32_t index) {
  const RangedEdge ranged = ranged_edge(cost, index);
  EXPECT_EQ(ranged.range, cost_range(cost));
  return key.pack(ranged.range, ranged.edge);
}

/// Indices of the costs after sort_edges.
std::vector<std::uint32_t> sorted_indices(const std::vector<double>& costs) {
  std::vector<PackedEdge> edges, scratch(costs.size());
  for (std::uint32_t i = 0; i < costs.size(); ++i) edges.push_back(packed(kAllCosts, costs[i], i));
  sort_edges(edges, scratch, {costs.data(), costs.size()});
  std::vector<std::uint32_t> indices;
  for (const PackedEdge e : edges) indices.push_back(edge_index(e));
  return indices;
}

/// What the standard library's stable sort gives.
std::vector<std::uint32_t> expected_indices(const std::vector<double>& costs) {
  std::vector<std::uint32_t> indices(costs.size());
  std::iota(indices.begin(), indices.end(), 0u);
  std::stable_sort(indices.begin(), indices.end(), [&](auto a, auto b) { return costs[a] < costs[b]; });
  return indices;
}

TEST(EdgeSort, GivesNothingWhenThereAreNoEdges) { EXPECT_TRUE(sorted_indices({}).empty()); }

TEST(EdgeSort, SortsAscendingWhenCostsDiffer) {
  EXPECT_EQ(sorted_indices({1.5, 0.25, 0.0, 1.999, 1e-300}), (std::vector<std::uint32_t>{2, 4, 1, 0, 3}));
}

TEST(EdgeSort, KeepsTheOrderOfEqualCosts) {
  EXPECT_EQ(sorted_indices({0.5, 0.1, 0.5, 0.1, 0.5}), (std::vector<std::uint32_t>{1, 3, 0, 2, 4}));
}

TEST(EdgeSort, ComparesAllBitsWhenTheLeadingOnesAgree) {
  const double base = 0.3, above = std::nextafter(base, 1), below = std::nextafter(base, 0);
  ASSERT_EQ(cost_key(kAllCosts.pack(base, 0)), cost_key(kAllCosts.pack(above, 0)));
  EXPECT_EQ(sorted_indices({above, base, below, above, base}), (std::vector<std::uint32_t>{2, 1, 4, 0, 3}));
}

TEST(EdgeSort, OrdersEqualCostsByBlockThenByPlace) {
  const std::vector<double> costs{0.5, 0.25, 0.25, 0.5};  // two blocks of two
  const std::uint32_t second = 1u << kPlaceBits;
  std::vector<PackedEdge> edges{kAllCosts.pack(0.5, 0), kAllCosts.pack(0.25, 1), kAllCosts.pack(0.25, second),
                                kAllCosts.pack(0.5, second + 1)};
  std::vector<PackedEdge> scratch(4);
  sort_edges(edges, scratch, {costs.data(), 2});
  EXPECT_EQ(edge_index(edges[0]), 1u);
  EXPECT_EQ(edge_index(edges[1]), second);
  EXPECT_EQ(edge_index(edges[2]), 0u);
  EXPECT_EQ(edge_index(edges[3]), second + 1);
}

TEST(CostRange, NeverFallsAsCostsRise) {
  Rng rng(2, 0, 0, 0);
  std::vector<double> costs{0.0, 1e-300, kSmallestCost, std::nextafter(2.0, 0)};
  for (int i = 0; i < 5000; ++i) costs.push_back(rng.uniform() * rng.uniform() * 1.9);
  std::sort(costs.begin(), costs.end());
  for (std::size_t i = 1; i < costs.size(); ++i) ASSERT_LE(cost_range(costs[i - 1]), cost_range(costs[i]));
  EXPECT_EQ(cost_range(costs.front()), 0u);
  EXPECT_LT(cost_range(costs.back()), kNumCostRanges);
  EXPECT_LT(cost_range(0.5), cost_range(0.51));  // a hundredth of a cost is told apart
}

TEST(CostKey, OrdersTheCostsOfItsRangesAndTellsNearOnesApart) {
  Rng rng(3, 0, 0, 0);
  for (int i = 0; i < 2000; ++i) {
    const double low = kSmallestCost + rng.uniform() * 1.5, high = low * (1 + rng.uniform() * 0.1);
    const CostKey key(cost_range(low), cost_range(high));
    const double a = low + rng.uniform() * (high - low), b = low + rng.uniform() * (high - low);
    ASSERT_LE(cost_key(packed(key, std::min(a, b), 0)), cost_key(packed(key, std::max(a, b), 0)));
  }
  // One range: the 45 bits below its number, of which the leading 32 are kept, a step of 2^13 in the last place.
  const CostKey key(cost_range(0.5), cost_range(0.5));
  EXPECT_EQ(cost_key(packed(key, 0.5, 0)), 0u);
  EXPECT_EQ(cost_key(packed(key, 0.5 + 0x1p-40, 0)), 1u);  // 2^13 steps of 2^-53
  EXPECT_EQ(edge_index(packed(key, 0.5, 77)), 77u);
}

TEST(EdgeSort, EqualsAStableSortForManyCosts) {
  Rng rng(1, 0, 0, 0);
  std::vector<double> costs;
  for (int i = 0; i < 20000; ++i) {
    switch (rng.uniform_int(4)) {
      case 0:
        costs.push_back(rng.uniform() * 1.7);
        break;
      case 1:
        costs.push_back(static_cast<double>(rng.uniform_int(20)) / 16);
        break;  // many equal
      case 2:
        costs.push_back(rng.uniform() * 1e-4);
        break;  // all below the smallest that the buckets tell apart
      default:
        costs.push_back(0.7 + static_cast<double>(rng.uniform_int(50)) * 1e-15);
        break;  // alike to the last bits
    }
  }
  EXPECT_EQ(sorted_indices(costs), expected_indices(costs));
}

}  // namespace
}  // namespace soco
