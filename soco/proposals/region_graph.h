// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace soco {

/// Extent of a set of pixels, inclusive.
struct PixelBounds {
  int min_x = 0, min_y = 0, max_x = 0, max_y = 0;
  bool operator==(const PixelBounds&) const = default;
};

/// Pixels of the box.
std::int64_t area_of(const PixelBounds& bounds);
/// The smallest box around both.
PixelBounds joined(const PixelBounds& a, const PixelBounds& b);

// One histogram row: colour, then texture; each part is padded to a multiple of 16 bins.
inline constexpr int kGroupColourBins = 25;                            // per channel
inline constexpr int kGroupTextureBins = 20;                           // per channel and direction, of both signs
inline constexpr int kNumDirections = 4;                               // of the gradient, each with its opposite
inline constexpr std::size_t kColourRow = 80;                          // 3 * 25, padded
inline constexpr std::size_t kTextureRow = 3 * 4 * kGroupTextureBins;  // 240
inline constexpr std::size_t kHistogramRow = kColourRow + kTextureRow;

/// Two regions that touch, with the cost of the cheapest edge between them.
struct RegionPair {
  std::uint32_t a, b;  // a < b
  float cost;
};

/// The regions of one segmentation with what selective search compares, and which of them touch.
struct RegionGraph {
  std::size_t size() const { return bounds.size(); }
  const std::uint32_t* counts_of(std::size_t region) const { return counts.data() + region * kHistogramRow; }

  int num_channels = 0;
  std::vector<PixelBounds> bounds;
  std::vector<std::uint32_t> num_pixels;
  std::vector<float> internal;        ///< dearest edge within each region's spanning tree (Felzenszwalb's Int)
  std::vector<std::uint32_t> counts;  ///< [size, kHistogramRow] pixels by bin
  std::vector<RegionPair> pairs;      ///< each once, ascending by (a, b)
};

/// Sorts pairs by (a, b) and keeps the cheapest of each.
void merge_pairs(std::vector<RegionPair>& pairs);

/// Continues Felzenszwalb and Huttenlocher's segmentation from the regions of `fine` with a larger k: regions are
/// joined along their cheapest edges while these cost less than either's internal difference plus scale / size. Regions
/// of the result are numbered by the least number of their parts.
RegionGraph coarsened(const RegionGraph& fine, double scale);

}  // namespace soco
