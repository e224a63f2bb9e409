// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace soco {

/// An edge ready for sorting: the leading 32 of the 62 bits a cost in [0, 2) can set, above the index of the edge.
using PackedEdge = std::uint64_t;

inline constexpr int kDroppedCostBits = 30;

/// `cost` in [0, 2), not -0: as whole numbers, the bits of such doubles order as the doubles do.
inline PackedEdge pack_edge(double cost, std::uint32_t index) {
  return (std::bit_cast<std::uint64_t>(cost) >> kDroppedCostBits) << 32 | index;
}
inline std::uint32_t edge_index(PackedEdge edge) { return static_cast<std::uint32_t>(edge); }
inline std::uint32_t leading_cost_bits(PackedEdge edge) { return static_cast<std::uint32_t>(edge >> 32); }

/// An index names a block (its two leading bits) and a place in it.
inline constexpr int kPlaceBits = 30;
inline constexpr std::uint32_t kPlaceMask = (1u << kPlaceBits) - 1;

/// Costs by index: blocks of `block_size` values, one after another.
struct EdgeCosts {
  const double* values = nullptr;
  std::size_t block_size = 0;
  const double* at(std::uint32_t index) const {
    return values + (index >> kPlaceBits) * block_size + (index & kPlaceMask);
  }
};

/// Costs fall into ranges by the leading bits of what sort_edges sorts by; below the smallest that it tells apart all
/// are in the first.
inline constexpr double kSmallestCost = 0x1p-12;
inline constexpr int kCostRangeShift = 45;
inline constexpr std::size_t kNumCostRanges = 2048;

/// The range of `cost`, in [0, 2) and not -0: a dearer edge's is never lower.
inline std::uint32_t cost_range(double cost) {
  const std::uint64_t smallest = std::bit_cast<std::uint64_t>(kSmallestCost);
  return static_cast<std::uint32_t>((std::max(std::bit_cast<std::uint64_t>(cost), smallest) - smallest) >>
                                    kCostRangeShift);
}

/// Sorts ascending by cost, equal costs by index. `costs`: what was packed into the edges, by their index. `scratch`:
/// as long as `edges`. Linear for spread costs, n log n at worst.
void sort_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch, const EdgeCosts& costs);

}  // namespace soco
