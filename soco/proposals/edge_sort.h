// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstdint>
#include <span>

namespace soco {

/// An edge ready for sorting: the leading 32 of the 62 bits a cost in [0, 2) can set, above the index of its cost.
using PackedEdge = std::uint64_t;

inline constexpr int kDroppedCostBits = 30;

/// `cost` in [0, 2), not -0: as whole numbers, the bits of such doubles order as the doubles do.
inline PackedEdge pack_edge(double cost, std::uint32_t index) {
  return (std::bit_cast<std::uint64_t>(cost) >> kDroppedCostBits) << 32 | index;
}
inline std::uint32_t edge_index(PackedEdge edge) { return static_cast<std::uint32_t>(edge); }
inline std::uint32_t leading_cost_bits(PackedEdge edge) { return static_cast<std::uint32_t>(edge >> 32); }

/// Sorts ascending by cost; equal costs by index (a stable sort, where the edges come in ascending order of index, as
/// they must). `costs[edge_index(e)]` is the cost packed into e. `scratch`: as long as `edges`.
/// Linear for spread costs, n log n at worst.
void sort_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch, std::span<const double> costs);

}  // namespace soco
