// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/config/options.h"
#include "soco/image/image.h"
#include "soco/structures/box.h"

namespace soco {

/// How the regions are made and grouped. `soco` is the method's own single strategy.
enum class SearchStrategy { kSoco };
inline constexpr std::array<EnumName<SearchStrategy>, 1> kSearchStrategyNames{{{SearchStrategy::kSoco, "soco"}}};

/// Options of selective search; the defaults are the method's.
struct SelectiveSearchOptions {
  SearchStrategy strategy = SearchStrategy::kSoco;
  double scale = 300;                   ///< Felzenszwalb and Huttenlocher's k, on a 0..255 scale
  double sigma = 0.9;                   ///< px, smoothing before the segmentation; 0: none
  int min_size = 100;                   ///< px, smaller segments are joined to a neighbour
  std::int64_t max_pixels = 1ll << 25;  ///< larger images are refused, since cost and memory grow with them

  template <class V>
  void visit(V& v) {
    v.field("strategy", strategy, "how regions are made and grouped; soco: the method's single strategy",
            kSearchStrategyNames);
    v.field("scale", scale, "preference for larger segments (k of the graph segmentation)", Range<double>{0, 1e6});
    v.field("sigma", sigma, "Gaussian smoothing before the segmentation, pixels; 0: none", Range<double>{0, 100});
    v.field("min_size", min_size, "segments below this many pixels are joined to a neighbour", Range<int>{1, 1 << 30});
    v.field("max_pixels", max_pixels, "images with more pixels than this are refused",
            Range<std::int64_t>{1, 1ll << 30});
  }
  void validate() const {}
};

/// Selective search (Uijlings et al., IJCV 2013) with the single strategy of SoCo's release.
/// Returns the bounding box of every initial region, in raster order of the region's first pixel, then of every
/// merged region in order of merging: at least one box. Boxes are xyxy, float32, px of the image, x2 and y2 exclusive:
/// the true bounds (`release_box.h` has the release's narrower ones).
/// Deterministic; the same on every machine up to the last bit of exp() and thread-safe.
/// Errors: an empty image, or one with more than `options.max_pixels` pixels.
std::vector<Box> selective_search(const Image& image, const SelectiveSearchOptions& options = {});

}  // namespace soco
