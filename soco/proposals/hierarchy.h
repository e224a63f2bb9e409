// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/config/options.h"
#include "soco/proposals/region_graph.h"

namespace soco {

/// Which similarities are added when regions are grouped (Uijlings et al., section 4.2): colour, texture, size, fill.
enum class SimilarityMix { kColourTextureSizeFill, kTextureSizeFill, kSizeFill, kFill, kSize };
inline constexpr std::array<EnumName<SimilarityMix>, 5> kSimilarityMixNames{
    {{SimilarityMix::kColourTextureSizeFill, "colour_texture_size_fill"},
     {SimilarityMix::kTextureSizeFill, "texture_size_fill"},
     {SimilarityMix::kSizeFill, "size_fill"},
     {SimilarityMix::kFill, "fill"},
     {SimilarityMix::kSize, "size"}}};

/// A region that grouping made.
struct GroupedRegion {
  PixelBounds bounds;
  std::uint32_t num_pixels = 0;
};

/// Greedy grouping of touching regions. Keeps its memory from one call to the next.
class Hierarchy {
 public:
  /// Takes the initial regions and their histograms; `graph` must live until the last group().
  void start(const RegionGraph& graph, std::int64_t image_size);
  /// Merges the most similar touching pair until one region is left; equal similarities: the pair with the smaller
  /// numbers first, where merged regions are numbered on from the initial ones. Returns the merged
  /// regions in order; the last is the whole image's unless there was one region from the start. Valid until the next
  /// call.
  const std::vector<GroupedRegion>& group(SimilarityMix mix);

 private:
  struct Candidate {
    double similarity;
    std::uint32_t a, b;
    bool operator<(const Candidate& o) const {
      if (similarity != o.similarity) return similarity < o.similarity;
      return a != o.a ? a > o.a : b > o.b;
    }
  };
  struct Node {
    PixelBounds bounds;
    std::uint32_t num_pixels = 0;
    std::uint32_t row = 0;  // of its histograms; a merged region takes over that of one of its parts
    bool alive = true;
  };
  void reset(SimilarityMix mix);
  double similarity(const Node& a, const Node& b) const;
  void push(std::uint32_t a, std::uint32_t b);
  void merge(std::uint32_t a, std::uint32_t b);
  void scale_row(std::uint32_t row, std::uint32_t num_pixels, std::vector<std::uint16_t>& histograms) const;

  const RegionGraph* graph_ = nullptr;
  double image_size_ = 1;
  bool use_colour_ = false, use_texture_ = false, use_size_ = false, use_fill_ = false;
  std::vector<std::uint16_t> initial_histograms_, histograms_;  // [size, kHistogramRow], each part's sum up to 65535
  std::vector<std::uint32_t> counts_;                           // [size, kHistogramRow]
  std::vector<Node> nodes_;
  std::vector<std::vector<std::uint32_t>> neighbours_;
  std::vector<std::uint32_t> linked_to_;  // the last merged region that each node was linked to
  std::vector<Candidate> queue_;          // a heap; pairs of which one was merged are skipped when met
  std::vector<GroupedRegion> merged_;
};

}  // namespace soco
