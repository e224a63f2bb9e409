// SPDX-License-Identifier: MIT
#include "soco/evaluation/precision_recall.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "soco/base/thread_pool.h"

namespace soco {
namespace {

/// numpy's pairwise sum (numpy/core/src/umath, "pairwise_sum"): blocks of up to 128 in eight partial sums.
double pairwise_sum(std::span<const double> v) {
  if (v.size() < 8) {
    double sum = 0;
    for (const double x : v) sum += x;
    return sum;
  }
  if (v.size() > 128) {
    const std::size_t half = v.size() / 2 - v.size() / 2 % 8;
    return pairwise_sum(v.first(half)) + pairwise_sum(v.subspan(half));
  }
  std::array<double, 8> r{};
  std::copy_n(v.begin(), 8, r.begin());
  std::size_t i = 8;
  for (; i + 8 <= v.size(); i += 8) {
    for (std::size_t k = 0; k < 8; ++k) r[k] += v[i + k];
  }
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < v.size(); ++i) sum += v[i];
  return sum;
}

/// A point of a curve at which recall rises.
struct Rise {
  double precision, score;
};

/// Fills one threshold's row from the points at which recall rises.
void fill_row(std::vector<Rise>& rises, double first_score, bool any, std::int64_t num_objects, std::size_t t,
              const std::array<double, kNumRecalls>& points, PrecisionRecallCurves& curves) {
  const auto total = static_cast<double>(num_objects);
  curves.recall[t] = static_cast<double>(rises.size()) / total;
  for (std::size_t i = rises.size(); i-- > 1;) {
    rises[i - 1].precision = std::max(rises[i - 1].precision, rises[i].precision);
  }
  std::size_t rise = 0;
  for (std::size_t r = 0; r < kNumRecalls; ++r) {
    // Recall 0 is reached by the very first detection, found or not.
    if (r == 0) {
      if (any) curves.score[t][r] = first_score;
      if (!rises.empty()) curves.precision[t][r] = rises[0].precision;
      continue;
    }
    while (rise < rises.size() && static_cast<double>(rise + 1) / total < points[r]) ++rise;
    if (rise == rises.size()) break;
    curves.precision[t][r] = rises[rise].precision;
    curves.score[t][r] = rises[rise].score;
  }
}

PrecisionRecallCurves accumulate(const CategoryMatches& matches, std::size_t area, std::size_t kept) {
  PrecisionRecallCurves curves;
  if (matches.num_objects[area] == 0) return curves;
  curves.exists = true;
  std::array<std::vector<Rise>, kNumThresholds> rises;
  std::array<std::int64_t, kNumThresholds> num_false{};
  double first_score = 0;
  bool any = false;
  for (const JudgedDetection& d : matches.detections) {
    if (d.rank >= kept) continue;
    if (!any) first_score = d.score;
    any = true;
    const std::uint16_t found = d.flags.found[area], ignored = d.flags.ignored[area];
    for (std::size_t t = 0; t < kNumThresholds; ++t) {
      if ((ignored >> t & 1) != 0) continue;
      if ((found >> t & 1) == 0) {
        ++num_false[t];
        continue;
      }
      const auto num_true = static_cast<double>(rises[t].size() + 1);
      const double precision =
          num_true / (static_cast<double>(num_false[t]) + num_true + std::numeric_limits<double>::epsilon());
      rises[t].push_back({precision, d.score});
    }
  }
  const std::array<double, kNumRecalls> points = recall_points();
  for (std::size_t t = 0; t < kNumThresholds; ++t) {
    fill_row(rises[t], first_score, any, matches.num_objects[area], t, points, curves);
  }
  return curves;
}

/// Thresholds [first, end) that a mean goes over.
std::pair<std::size_t, std::size_t> thresholds_of(std::optional<std::size_t> threshold) {
  return threshold ? std::pair{*threshold, *threshold + 1} : std::pair{std::size_t{0}, kNumThresholds};
}

}  // namespace

std::array<double, kNumRecalls> recall_points() {
  std::array<double, kNumRecalls> points{};
  for (std::size_t i = 0; i < kNumRecalls; ++i) points[i] = static_cast<double>(i) * 0.01;  // numpy.linspace(0, 1, 101)
  points.back() = 1;
  return points;
}

double numpy_mean(std::span<const double> values) {
  return values.empty() ? kNoFigure : pairwise_sum(values) / static_cast<double>(values.size());
}

PrecisionRecall::PrecisionRecall(std::span<const CategoryMatches> matches, std::vector<std::size_t> kept,
                                 int num_workers)
    : num_categories_(matches.size()), kept_(std::move(kept)), curves_(num_categories_ * kNumAreas * kept_.size()) {
  parallel_for(num_workers, static_cast<std::int64_t>(curves_.size()), [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i), rest = index / kept_.size();
    curves_[index] = accumulate(matches[rest / kNumAreas], rest % kNumAreas, kept_[index % kept_.size()]);
  });
}

double PrecisionRecall::mean_precision(std::span<const std::size_t> categories, std::size_t area,
                                       std::size_t kept_index, std::optional<std::size_t> threshold) const {
  const auto [first, end] = thresholds_of(threshold);
  std::vector<double> values;
  values.reserve((end - first) * kNumRecalls * categories.size());
  for (std::size_t t = first; t < end; ++t) {
    for (std::size_t r = 0; r < kNumRecalls; ++r) {
      for (const std::size_t c : categories) {
        const PrecisionRecallCurves& curve = curves(c, area, kept_index);
        if (curve.exists) values.push_back(curve.precision[t][r]);
      }
    }
  }
  return numpy_mean(values);
}

double PrecisionRecall::mean_recall(std::span<const std::size_t> categories, std::size_t area, std::size_t kept_index,
                                    std::optional<std::size_t> threshold) const {
  const auto [first, end] = thresholds_of(threshold);
  std::vector<double> values;
  for (std::size_t t = first; t < end; ++t) {
    for (const std::size_t c : categories) {
      const PrecisionRecallCurves& curve = curves(c, area, kept_index);
      if (curve.exists) values.push_back(curve.recall[t]);
    }
  }
  return numpy_mean(values);
}

}  // namespace soco
