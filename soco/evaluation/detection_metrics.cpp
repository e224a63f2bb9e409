// SPDX-License-Identifier: MIT
#include "soco/evaluation/detection_metrics.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::size_t kAt50 = 0, kAt75 = 5;  // places of IoU 0.5 and 0.75 among the thresholds
constexpr std::size_t kAll = 0;              // size group
constexpr std::size_t kLvisDetections = 300;
constexpr std::array<const char*, kNumAreas> kSizeLetters{"", "s", "m", "l"};

using Group = std::vector<std::size_t>;  // of categories

void add_average_precisions(const PrecisionRecall& pr, const Group& group, std::vector<NamedFigure>& figures) {
  const std::size_t most = pr.kept().size() - 1;
  figures.push_back({"AP", pr.mean_precision(group, kAll, most)});
  figures.push_back({"AP50", pr.mean_precision(group, kAll, most, kAt50)});
  figures.push_back({"AP75", pr.mean_precision(group, kAll, most, kAt75)});
  for (std::size_t a = 1; a < kNumAreas; ++a) {
    figures.push_back({std::string("AP") + kSizeLetters[a], pr.mean_precision(group, a, most)});
  }
}

void add_average_recalls(const PrecisionRecall& pr, const Group& group, std::vector<NamedFigure>& figures) {
  for (std::size_t k = 0; k < pr.kept().size(); ++k) {
    const std::size_t kept = std::min(pr.kept()[k], kLvisDetections);
    figures.push_back({fmt::format("AR{}", kept), pr.mean_recall(group, kAll, k)});
  }
  for (std::size_t a = 1; a < kNumAreas; ++a) {
    figures.push_back({std::string("AR") + kSizeLetters[a], pr.mean_recall(group, a, pr.kept().size() - 1)});
  }
}

Group all_categories(const PrecisionRecall& pr) {
  Group all(pr.num_categories());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

std::vector<std::vector<double>> mean_curves(const PrecisionRecall& pr) {
  std::vector<std::vector<double>> curves(kNumThresholds);
  for (std::size_t t = 0; t < kNumThresholds; ++t) {
    for (std::size_t r = 0; r < kNumRecalls; ++r) {
      std::vector<double> values;
      for (std::size_t c = 0; c < pr.num_categories(); ++c) {
        const PrecisionRecallCurves& curve = pr.curves(c, kAll, pr.kept().size() - 1);
        if (curve.exists) values.push_back(curve.precision[t][r]);
      }
      curves[t].push_back(numpy_mean(values));
    }
  }
  return curves;
}

DetectionMetrics metrics_of(std::string name, const DetectionData& data, std::span<const CategoryMatches> matches,
                            const PrecisionRecall& pr) {
  DetectionMetrics metrics{.metric = std::move(name),
                           .num_images = static_cast<std::int64_t>(data.images.size()),
                           .num_detections = static_cast<std::int64_t>(data.detections.size())};
  for (std::size_t c = 0; c < matches.size(); ++c) {
    CategoryFigures category{.name = data.categories[c].name, .num_objects = matches[c].num_objects[kAll]};
    add_average_precisions(pr, {c}, category.figures);
    add_average_recalls(pr, {c}, category.figures);
    metrics.num_objects += category.num_objects;
    metrics.categories.push_back(std::move(category));
  }
  metrics.mean_precision = mean_curves(pr);
  return metrics;
}

}  // namespace

DetectionMetrics evaluate_coco(const DetectionData& data, int num_workers) {
  const std::vector<CategoryMatches> matches = match_detections(data, {.num_workers = num_workers});
  const PrecisionRecall pr(matches, {1, 10, 100}, num_workers);
  DetectionMetrics metrics = metrics_of("coco", data, matches, pr);
  add_average_precisions(pr, all_categories(pr), metrics.figures);
  add_average_recalls(pr, all_categories(pr), metrics.figures);
  return metrics;
}

PrecisionRecall coco_precision_recall(const DetectionData& data, int num_workers) {
  return {match_detections(data, {.num_workers = num_workers}), {1, 10, 100}, num_workers};
}

void limit_detections(DetectionData& data, std::size_t most_per_image) {
  std::vector<std::vector<std::uint32_t>> of_image(data.images.size());
  for (std::uint32_t d = 0; d < data.detections.size(); ++d) of_image[data.detections[d].image].push_back(d);
  std::vector<bool> is_kept(data.detections.size(), true);
  for (std::vector<std::uint32_t>& list : of_image) {
    if (list.size() <= most_per_image) continue;
    std::stable_sort(list.begin(), list.end(), [&](std::uint32_t a, std::uint32_t b) {
      return data.detections[a].score > data.detections[b].score;
    });
    for (std::size_t i = most_per_image; i < list.size(); ++i) is_kept[list[i]] = false;
  }
  std::size_t kept = 0;
  for (std::size_t d = 0; d < is_kept.size(); ++d) {
    if (!is_kept[d]) continue;
    if (kept != d) {
      data.detections[kept] = data.detections[d];
      if (!data.detection_masks.empty()) data.detection_masks[kept] = std::move(data.detection_masks[d]);
    }
    ++kept;
  }
  data.detections.resize(kept);
  if (!data.detection_masks.empty()) data.detection_masks.resize(kept);
}

DetectionMetrics evaluate_lvis(DetectionData data, int num_workers) {
  std::array<Group, 3> groups;  // rare, common, frequent
  for (std::size_t c = 0; c < data.categories.size(); ++c) {
    const CategoryFrequency frequency = data.categories[c].frequency;
    if (frequency == CategoryFrequency::kUnknown) {
      fail("category '{}' has no 'frequency' (r, c or f), which every category of LVIS has; the coco metric needs none",
           data.categories[c].name);
    }
    groups[static_cast<std::size_t>(frequency) - 1].push_back(c);
  }
  limit_detections(data, kLvisDetections);
  constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  const std::vector<CategoryMatches> matches =
      match_detections(data, {.max_detections = kNoLimit, .is_federated = true, .num_workers = num_workers});
  const PrecisionRecall pr(matches, {kNoLimit}, num_workers);
  DetectionMetrics metrics = metrics_of("lvis", data, matches, pr);
  add_average_precisions(pr, all_categories(pr), metrics.figures);
  const std::array<const char*, 3> names{"APr", "APc", "APf"};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    metrics.figures.push_back({names[g], pr.mean_precision(groups[g], kAll, 0)});
  }
  add_average_recalls(pr, all_categories(pr), metrics.figures);
  return metrics;
}

}  // namespace soco
