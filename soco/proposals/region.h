// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/image/image.h"
#include "soco/proposals/graph_segmentation.h"
#include "soco/proposals/texture.h"

namespace soco {

inline constexpr int kNumColourBins = 25;   // per channel, over [0, 255]
inline constexpr int kNumTextureBins = 10;  // per channel, over [0, 255]

/// A set of pixels with the features selective search compares. Bounds are of the pixels, inclusive.
struct Region {
  int min_x = 0, min_y = 0, max_x = 0, max_y = 0;
  std::int64_t size = 0;  // pixels
  /// V of HSV alone, sums to 1. The release takes H and S from a 0..255 image, where both lie in [0, 1] and so in the
  /// first of their bins: each adds exactly 1 to every similarity and is not stored.
  std::array<double, kNumColourBins> colour{};
  std::array<double, 3 * kNumTextureBins> texture{};  // R, G, B; each channel sums to 1
};

/// Measures segments. Keeps its memory from one image to the next.
class RegionExtractor {
 public:
  /// Features of every segment, in order of label.
  std::vector<Region> extract(const Image& image, const Segmentation& segmentation);

 private:
  struct Counts {
    std::array<std::uint32_t, kNumColourBins> colour{};
    std::array<std::uint32_t, 3 * kNumTextureBins> texture{};
  };
  PatternRows patterns_;
  std::vector<Counts> counts_;
};

/// RegionExtractor::extract with memory of its own.
std::vector<Region> extract_regions(const Image& image, const Segmentation& segmentation);

/// The union of two regions: histograms are means weighted by size.
Region merge_regions(const Region& a, const Region& b);

/// Colour + texture + size + fill similarity (Uijlings et al., section 3.2), in [0, 7]: symmetric. The release's fill
/// term takes the extent of the joint box as max - min, one pixel short.
double similarity(const Region& a, const Region& b, std::int64_t image_size);

/// True when a corner of `b`'s box lies strictly inside `a`'s box: the release's test for neighbours. Not symmetric;
/// touching, crossing and containment of `a` in `b` are not neighbourhood.
bool has_corner_inside(const Region& a, const Region& b);

}  // namespace soco
