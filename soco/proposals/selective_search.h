// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "soco/config/options.h"
#include "soco/image/image.h"
#include "soco/proposals/colour_space.h"
#include "soco/proposals/hierarchy.h"
#include "soco/structures/box.h"

namespace soco {

/// How the regions are made and grouped. `soco`: the method's own single strategy, exactly as SoCo's release computes
/// it. The others follow Uijlings et al. (IJCV 2013) and differ in how many groupings they combine.
enum class SearchStrategy { kSoco, kSingle, kFast, kQuality };
inline constexpr std::array<EnumName<SearchStrategy>, 4> kSearchStrategyNames{{{SearchStrategy::kSoco, "soco"},
                                                                               {SearchStrategy::kSingle, "single"},
                                                                               {SearchStrategy::kFast, "fast"},
                                                                               {SearchStrategy::kQuality, "quality"}}};

/// Options of selective search. What is empty or auto is the strategy's own (`resolved`).
struct SelectiveSearchOptions {
  SearchStrategy strategy = SearchStrategy::kSoco;
  std::vector<double> scales;               ///< k of the graph segmentation, on a 0..255 scale; soco: one
  std::optional<double> sigma;              ///< px, smoothing before the segmentation; 0: none
  std::optional<int> min_size;              ///< px, smaller segments are joined to a neighbour
  std::vector<ColourSpace> colours;         ///< not for soco
  std::vector<SimilarityMix> similarities;  ///< not for soco
  std::uint64_t seed = 0;                   ///< of the ranking; not for soco
  double duplicate_iou = 0.9;               ///< boxes more alike than this are one; not for soco
  int max_boxes = 0;                        ///< the best so many; 0: all; not for soco
  int max_side = 0;                         ///< px, larger images are searched at this size; 0: no limit
  std::int64_t max_pixels = 1ll << 25;      ///< larger images are refused, since cost and memory grow with them

  template <class V>
  void visit(V& v) {
    v.field("strategy", strategy,
            "how regions are made and grouped; soco: the method's single strategy; single, fast, quality: 1, 27 and 45 "
            "groupings, ranked",
            kSearchStrategyNames);
    v.field("scales", scales, "preference for larger segments (k of the graph segmentation); empty: the strategy's",
            Range<double>{0, 1e6});
    v.field("sigma", sigma, "Gaussian smoothing before the segmentation, pixels; 0: none", Range<double>{0, 100});
    v.field("min_size", min_size, "segments below this many pixels are joined to a neighbour", Range<int>{1, 1 << 30});
    v.field("colours", colours, "colour spaces to group in; empty: the strategy's; not for soco", kColourSpaceNames);
    v.field("similarities", similarities, "similarities to group by; empty: the strategy's; not for soco",
            kSimilarityMixNames);
    v.field("seed", seed, "of the ranking's random numbers; not for soco");
    v.field("duplicate_iou", duplicate_iou, "boxes that overlap more are one; 1: equal ones alone; not for soco",
            Range<double>{0.5, 1});
    v.field("max_boxes", max_boxes, "the best so many boxes; 0: all; not for soco", Range<int>{0, 1 << 30});
    v.field("max_side", max_side, "images with a longer side are searched at this size; 0: at their own",
            Range<int>{0, 1 << 20});
    v.field("max_pixels", max_pixels, "images with more pixels than this, when searched, are refused",
            Range<std::int64_t>{1, 1ll << 28});
  }
  /// Usage error when an option is given that the strategy does not use, or soco has more than one scale.
  void validate() const;
};

/// The same options with the strategy's own values for all that is empty or auto.
SelectiveSearchOptions resolved(const SelectiveSearchOptions& options);

/// Those options that the boxes hang on, as "key=value ..." in a fixed order, resolved: what a store is known by.
std::string identity_text(const SelectiveSearchOptions& options);

/// Selective search that keeps its memory (100 bytes a pixel of the largest image up to 4 megapixels; more is given
/// back) from one image to the next; for one thread at a time.
class SelectiveSearcher {
 public:
  explicit SelectiveSearcher(const SelectiveSearchOptions& options = {});
  ~SelectiveSearcher();
  SelectiveSearcher(SelectiveSearcher&&) noexcept;
  SelectiveSearcher& operator=(SelectiveSearcher&&) noexcept;

  /// See selective_search.
  std::vector<Box> search(const Image& image);

 private:
  struct Buffers;
  SelectiveSearchOptions options_;  // resolved
  std::unique_ptr<Buffers> buffers_;
};

/// Boxes of an image that may hold objects, at least one; xyxy, float32, px of the image, whole numbers, x2 and y2
/// exclusive, inside the image.
/// - soco: of every initial region, in raster order of the region's first pixel, then of every merged region in order
/// of
///   merging, repeated boxes included: the true bounds (`release_box.h` has the release's narrower ones).
/// - single, fast, quality: best first, each box once; the whole image is among them (unless max_boxes cuts it off).
/// Deterministic in options and image; the same on every machine up to the last bit of exp(). Thread-safe.
/// Errors: an empty image, or one with more than `options.max_pixels` pixels (after max_side).
std::vector<Box> selective_search(const Image& image, const SelectiveSearchOptions& options = {});

}  // namespace soco
