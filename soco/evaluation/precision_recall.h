// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "soco/evaluation/detection_match.h"

namespace soco {

/// Recalls 0, 0.01, ..., 1 at which precision is read, to the last bit as COCO's evaluation computes them.
inline constexpr std::size_t kNumRecalls = 101;
std::array<double, kNumRecalls> recall_points();

/// What stands for a figure that does not exist since there is no object: COCO's -1.
inline constexpr double kNoFigure = -1;

/// One category, one size group, one number of detections kept of each image.
struct PrecisionRecallCurves {
  bool exists = false;  ///< false: no object counts, every figure is kNoFigure
  std::array<std::array<double, kNumRecalls>, kNumThresholds> precision{};  ///< highest at that recall or beyond
  std::array<std::array<double, kNumRecalls>, kNumThresholds> score{};      ///< of the detection that reaches it, or 0
  std::array<double, kNumThresholds> recall{};                              ///< of all detections
};

/// Curves for each category, size group and number of detections.
class PrecisionRecall {
 public:
  /// `kept`: numbers of detections of each image and category, ascending.
  PrecisionRecall(std::span<const CategoryMatches> matches, std::vector<std::size_t> kept, int num_workers);

  std::size_t num_categories() const { return num_categories_; }
  const std::vector<std::size_t>& kept() const { return kept_; }
  const PrecisionRecallCurves& curves(std::size_t category, std::size_t area, std::size_t kept_index) const {
    return curves_[(category * kNumAreas + area) * kept_.size() + kept_index];
  }

  /// Means as COCO's summary takes them: over the categories named whose figure exists, all thresholds (or one) and, of
  /// precision, all recalls; added up in numpy's order. kNoFigure when none exists.
  double mean_precision(std::span<const std::size_t> categories, std::size_t area, std::size_t kept_index,
                        std::optional<std::size_t> threshold = std::nullopt) const;
  double mean_recall(std::span<const std::size_t> categories, std::size_t area, std::size_t kept_index,
                     std::optional<std::size_t> threshold = std::nullopt) const;

 private:
  std::size_t num_categories_;
  std::vector<std::size_t> kept_;
  std::vector<PrecisionRecallCurves> curves_;
};

/// The sum divided by the count, added up as numpy does (pairwise, in eights); kNoFigure of nothing.
double numpy_mean(std::span<const double> values);

}  // namespace soco
