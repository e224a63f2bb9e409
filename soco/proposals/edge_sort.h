// SPDX-License-Identifier: MIT
#pragma once
#include <array>
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

/// Number of ranges of costs: the leading bits of what sort_edges sorts by.
inline constexpr std::size_t kNumCostRanges = 2048;

/// Copies `edges` to `out`, which is as long, so that those of a cheaper range come first; within a range they keep
/// their order. Gives the end of each range in `out`.
std::array<std::uint32_t, kNumCostRanges> divide_edges(std::span<const PackedEdge> edges, std::span<PackedEdge> out);

/// Sorts ascending by cost, equal costs by index. `costs`: what was packed into the edges, by their index. `scratch`:
/// as long as `edges`. Linear for spread costs, n log n at worst.
void sort_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch, const EdgeCosts& costs);

}  // namespace soco
