// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace soco {

/// An edge ready for sorting: 32 bits of its cost by a CostKey, above the index of the edge.
using PackedEdge = std::uint64_t;

inline std::uint32_t edge_index(PackedEdge edge) { return static_cast<std::uint32_t>(edge); }
inline std::uint32_t cost_key(PackedEdge edge) { return static_cast<std::uint32_t>(edge >> 32); }

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

/// Costs fall into ranges by their leading bits; all that are below the smallest that these tell apart, a sixteenth of
/// a grey level, are in the first.
inline constexpr double kSmallestCost = 0x1p-12;
inline constexpr int kCostRangeShift = 45;
inline constexpr std::size_t kNumCostRanges = 2048;

/// The range of `cost`, in [0, 2) and not -0: a dearer edge's is never lower.
inline std::uint32_t cost_range(double cost) {
  const std::uint64_t smallest = std::bit_cast<std::uint64_t>(kSmallestCost);
  return static_cast<std::uint32_t>((std::max(std::bit_cast<std::uint64_t>(cost), smallest) - smallest) >>
                                    kCostRangeShift);
}

/// An edge as it is divided: 32 bits that order costs within their range, above the index. The bits of doubles that are
/// not negative order as the doubles do; the first range is wide and drops 30 of them, the others 13.
inline constexpr int kFirstRangeShift = 30, kOtherRangesShift = kCostRangeShift - 32;

struct RangedEdge {
  std::uint32_t range;
  PackedEdge edge;
};
inline RangedEdge ranged_edge(double cost, std::uint32_t index) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(cost), smallest = std::bit_cast<std::uint64_t>(kSmallestCost);
  const std::uint64_t above = std::max(bits, smallest) - smallest;
  const std::uint32_t range = static_cast<std::uint32_t>(above >> kCostRangeShift);
  const std::uint64_t key = range == 0 ? bits >> kFirstRangeShift : above >> kOtherRangesShift;
  return {range, key << 32 | index};  // what of the key belongs to the range falls out at the top
}

/// 32 bits that order costs within some neighbouring ranges: few ranges leave few bits to drop.
class CostKey {
 public:
  /// For ranges `first` to `last`.
  CostKey(std::size_t first, std::size_t last)
      : low_(bits_at(first)), shift_(static_cast<int>(std::bit_width(bits_at(last + 1) - 1 - low_)) - 32) {}
  /// `edge` of `range`, as ranged_edge() gave it, with a key that holds for all ranges.
  PackedEdge pack(std::size_t range, PackedEdge edge) const {
    const std::uint64_t in_range = static_cast<std::uint64_t>(cost_key(edge))
                                   << (range == 0 ? kFirstRangeShift : kOtherRangesShift);
    return (bits_at(range) - low_ + in_range) >> shift_ << 32 | edge_index(edge);
  }

 private:
  static std::uint64_t bits_at(std::size_t range) {
    return range == 0
               ? 0
               : std::bit_cast<std::uint64_t>(kSmallestCost) + (static_cast<std::uint64_t>(range) << kCostRangeShift);
  }
  std::uint64_t low_;
  int shift_;
};

/// Sorts ascending by cost, equal costs by index. All edges were packed by one CostKey. `costs`: what was packed into
/// them, by their index. `scratch`: as long as `edges`. Linear for spread costs, n log n at worst.
void sort_edges(std::span<PackedEdge> edges, std::span<PackedEdge> scratch, const EdgeCosts& costs);

}  // namespace soco
