// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "soco/evaluation/detection_data.h"
#include "soco/evaluation/proposal_recall.h"

namespace soco {

/// COCO's size groups: all, small, medium, large; areas in px, both bounds within.
struct AreaRange {
  const char* name;
  double min_area, max_area;
  bool holds(double area) const { return area >= min_area && area <= max_area; }
};
inline constexpr std::size_t kNumAreas = 4;
inline constexpr std::array<AreaRange, kNumAreas> kAreaRanges{
    {{"all", 0, 1e10}, {"small", 0, 1024}, {"medium", 1024, 9216}, {"large", 9216, 1e10}}};

struct MatchRules {
  /// Of each image and category the best so many are looked at.
  std::size_t max_detections = 100;
  /// LVIS: categories neither seen nor known to be absent in an image are not judged there, detections that match
  /// nothing do not count where a category is not annotated completely, and crowds are objects like others.
  bool is_federated = false;
  int num_workers = 1;
};

/// What became of one detection. Bit t: at IoU threshold t.
struct MatchFlags {
  std::array<std::uint16_t, kNumAreas> found{};    ///< it took an object, counted or not
  std::array<std::uint16_t, kNumAreas> ignored{};  ///< it counts neither for nor against the detector
};

/// One judged detection of a category.
struct JudgedDetection {
  double score = 0;
  std::uint32_t rank = 0;  ///< among those of its image and category, from 0
  MatchFlags flags;
};

struct CategoryMatches {
  std::vector<JudgedDetection> detections;  ///< from the highest score; of equals, by image id, then file order
  std::array<std::int64_t, kNumAreas> num_objects{};  ///< that count
};

/// Matches detections with objects, image by image and category by category, as COCO's evaluation does: from the
/// highest score on, each takes the object of highest IoU at or above the threshold that none before it took; objects
/// that do not count (crowds, or outside the size group) are taken when no other can be. One entry a category.
std::vector<CategoryMatches> match_detections(const DetectionData& data, const MatchRules& rules);

}  // namespace soco
