// SPDX-License-Identifier: MIT
#include "soco/evaluation/voc_metrics.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "soco/base/thread_pool.h"

namespace soco {
namespace {

constexpr std::size_t kAt50 = 0, kAt75 = 5;
using ApPerThreshold = std::array<double, kNumThresholds>;

struct CategoryWork {
  std::vector<std::uint32_t> objects, detections;
  std::int64_t num_objects = 0;  // that count
  ApPerThreshold ap{};
};

/// The object that a detection overlaps most.
struct Best {
  std::uint32_t object = 0;
  double overlap = -1;
};

double voc_overlap(const CocoBox& a, const CocoBox& b, double extra) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x) + extra;
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y) + extra;
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  const auto area = [&](const CocoBox& box) { return (box.width + extra) * (box.height + extra); };
  return common / (area(a) + area(b) - common);
}

/// Precision after each detection that counts, and recall beside it.
struct Curve {
  std::vector<double> precision, recall;
};

double ap_2007(const Curve& curve) {
  double sum = 0;
  for (int i = 0; i <= 10; ++i) {
    double highest = 0;
    for (std::size_t k = 0; k < curve.recall.size(); ++k) {
      if (curve.recall[k] >= i / 10.0) highest = std::max(highest, curve.precision[k]);
    }
    sum += highest;
  }
  return sum / 11;
}

double ap_2010(const Curve& curve) {
  double area = 0, highest = 0;
  for (std::size_t k = curve.recall.size(); k-- > 0;) {
    highest = std::max(highest, curve.precision[k]);
    area += (curve.recall[k] - (k > 0 ? curve.recall[k - 1] : 0)) * highest;
  }
  return area;
}

class CategoryEvaluator {
 public:
  CategoryEvaluator(const DetectionData& data, VocBoxes boxes) : data_(data), extra_(boxes == VocBoxes::kInclusive) {}

  void evaluate(VocYear year, CategoryWork& work) const {
    std::stable_sort(work.objects.begin(), work.objects.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return data_.objects[a].image < data_.objects[b].image; });
    std::stable_sort(work.detections.begin(), work.detections.end(), [&](std::uint32_t a, std::uint32_t b) {
      return data_.detections[a].score > data_.detections[b].score;
    });
    for (const std::uint32_t o : work.objects) work.num_objects += is_difficult(o) ? 0 : 1;
    std::vector<Best> best;
    best.reserve(work.detections.size());
    for (const std::uint32_t d : work.detections) best.push_back(best_of(work.objects, data_.detections[d]));
    const std::array<double, kNumThresholds> thresholds = iou_thresholds();
    for (std::size_t t = 0; t < kNumThresholds; ++t) {
      const Curve curve = curve_at(best, thresholds[t], work);
      work.ap[t] = year == VocYear::k2007 ? ap_2007(curve) : ap_2010(curve);
    }
  }

 private:
  bool is_difficult(std::uint32_t object) const {
    return data_.objects[object].is_difficult || data_.objects[object].is_crowd;
  }

  Best best_of(std::span<const std::uint32_t> objects, const Detection& detection) const {
    auto at = std::lower_bound(objects.begin(), objects.end(), detection.image,
                               [&](std::uint32_t o, std::uint32_t i) { return data_.objects[o].image < i; });
    Best best;
    for (; at != objects.end() && data_.objects[*at].image == detection.image; ++at) {
      const double overlap = voc_overlap(detection.box, data_.objects[*at].box, extra_ ? 1 : 0);
      if (overlap > best.overlap) best = {*at, overlap};
    }
    return best;
  }

  Curve curve_at(std::span<const Best> best, double threshold, const CategoryWork& work) const {
    Curve curve;
    std::vector<bool> found(data_.objects.size(), false);
    double num_true = 0, num_false = 0;
    for (const Best& b : best) {
      const bool overlaps = b.overlap >= threshold;
      if (overlaps && is_difficult(b.object)) continue;
      if (overlaps && !found[b.object]) {
        found[b.object] = true;
        ++num_true;
      } else {
        ++num_false;
      }
      curve.precision.push_back(num_true / (num_true + num_false));
      curve.recall.push_back(num_true / static_cast<double>(work.num_objects));
    }
    return curve;
  }

  const DetectionData& data_;
  bool extra_;
};

std::vector<NamedFigure> figures_of(const ApPerThreshold& ap) {
  return {{"AP50", ap[kAt50]}, {"AP75", ap[kAt75]}, {"AP", numpy_mean(ap)}};
}

}  // namespace

DetectionMetrics evaluate_voc(const DetectionData& data, VocYear year, VocBoxes boxes, int num_workers) {
  std::vector<CategoryWork> work(data.categories.size());
  for (std::uint32_t i = 0; i < data.objects.size(); ++i) work[data.objects[i].category].objects.push_back(i);
  for (std::uint32_t i = 0; i < data.detections.size(); ++i) work[data.detections[i].category].detections.push_back(i);
  const CategoryEvaluator evaluator(data, boxes);
  parallel_for(num_workers, static_cast<std::int64_t>(work.size()),
               [&](std::int64_t c) { evaluator.evaluate(year, work[static_cast<std::size_t>(c)]); });
  DetectionMetrics metrics{.metric = year == VocYear::k2007 ? "voc07" : "voc10",
                           .num_images = static_cast<std::int64_t>(data.images.size()),
                           .num_detections = static_cast<std::int64_t>(data.detections.size())};
  ApPerThreshold sum{}, none{};
  none.fill(kNoFigure);
  int count = 0;
  for (std::size_t c = 0; c < work.size(); ++c) {
    const bool exists = work[c].num_objects > 0;
    metrics.num_objects += work[c].num_objects;
    metrics.categories.push_back(
        {data.categories[c].name, work[c].num_objects, figures_of(exists ? work[c].ap : none)});
    if (!exists) continue;
    ++count;
    for (std::size_t t = 0; t < kNumThresholds; ++t) sum[t] += work[c].ap[t];
  }
  for (double& value : sum) value = count > 0 ? value / count : kNoFigure;
  metrics.figures = figures_of(sum);
  return metrics;
}

}  // namespace soco
