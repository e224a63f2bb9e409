// SPDX-License-Identifier: MIT
// Figures against pycocotools, LVIS's own tool and a second implementation of VOC's rule, on random cases.
#include <gtest/gtest.h>

#include <cmath>

#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/evaluation/detection_metrics.h"
#include "soco/evaluation/voc_metrics.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

Json read_cases(const std::filesystem::path& path) { return parse_json(read_text_file(path, 1u << 28), path.string()); }

DetectionData data_of(const Json& one, OverlapKind overlap) {
  const std::string gt = one.at("gt").dump(), dt = one.at("dt").dump();
  JsonReader truth(gt, "gt.json", kCocoAnnotationsForm), results(dt, "dt.json", kCocoResultsForm);
  const auto use = overlap == OverlapKind::kMask ? SegmentationUse::kMask : SegmentationUse::kSkip;
  DetectionDataBuilder builder(read_coco_annotations(truth, {.segmentations = use}), {.overlap = overlap});
  read_coco_results(results, {.segmentations = SegmentationUse::kKeep},
                    [&](DetectionResult& result) { builder.add(result); });
  return builder.finish();
}

OverlapKind kind_of(const Json& one) { return one.at("iou_type") == "segm" ? OverlapKind::kMask : OverlapKind::kBox; }

double figure(const DetectionMetrics& metrics, const std::string& name) {
  for (const NamedFigure& f : metrics.figures) {
    if (f.name == name) return f.value;
  }
  ADD_FAILURE() << "no figure " << name;
  return 0;
}

/// numpy's mean over one axis of many may add up in another order than ours: a few units in the last place of sums of
/// 101 values below 1.
constexpr double kMeanTolerance = 1e-12;

void expect_curves(const Json& one, const PrecisionRecall& pr, std::size_t c, std::size_t a, std::size_t m) {
  const PrecisionRecallCurves& curves = pr.curves(c, a, m);
  for (std::size_t t = 0; t < kNumThresholds; ++t) {
    const auto at = [&](const char* key) { return one.at(key)[t][c][a][m].get<double>(); };
    ASSERT_EQ(curves.exists ? curves.recall[t] : kNoFigure, at("recall"));
    ASSERT_NEAR(curves.exists ? numpy_mean(curves.precision[t]) : kNoFigure, at("precision"), kMeanTolerance);
    ASSERT_NEAR(curves.exists ? numpy_mean(curves.score[t]) : kNoFigure, at("scores"), kMeanTolerance);
  }
}

TEST(DetectionOracle, CocoFiguresArePycocotoolsToTheLastBit) {
  SOCO_ORACLE_OR_SKIP(path, "detection/coco.json");
  const Json cases = read_cases(path);
  ASSERT_GE(cases.size(), 500u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const DetectionData data = data_of(cases[i], kind_of(cases[i]));
    const DetectionMetrics metrics = evaluate_coco(data, 1);
    ASSERT_EQ(metrics.figures.size(), 12u);
    for (std::size_t f = 0; f < 12; ++f) {
      EXPECT_EQ(metrics.figures[f].value, cases[i].at("stats")[f].get<double>()) << metrics.figures[f].name;
    }
    const PrecisionRecall pr = coco_precision_recall(data, 1);
    for (std::size_t c = 0; c < pr.num_categories(); ++c) {
      for (std::size_t a = 0; a < kNumAreas; ++a) {
        for (std::size_t m = 0; m < 3; ++m) expect_curves(cases[i], pr, c, a, m);
      }
    }
    if (HasFailure()) return;
  }
}

TEST(DetectionOracle, FiguresAreTheSameForAnyNumberOfWorkers) {
  SOCO_ORACLE_OR_SKIP(path, "detection/coco.json");
  const Json cases = read_cases(path);
  for (std::size_t i = 0; i < cases.size(); i += 40) {
    const DetectionData data = data_of(cases[i], kind_of(cases[i]));
    const DetectionMetrics one = evaluate_coco(data, 1), four = evaluate_coco(data, 4);
    for (std::size_t f = 0; f < 12; ++f) EXPECT_EQ(one.figures[f].value, four.figures[f].value) << i;
    EXPECT_EQ(one.mean_precision, four.mean_precision) << i;
  }
}

TEST(DetectionOracle, LvisFiguresAreItsOwnToolsToTheLastBit) {
  SOCO_ORACLE_OR_SKIP(path, "lvis.json");
  const Json cases = read_cases(path);
  ASSERT_GE(cases.size(), 250u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const DetectionMetrics metrics = evaluate_lvis(data_of(cases[i], kind_of(cases[i])), 1);
    for (const auto& [name, value] : cases[i].at("results").items()) {
      std::string ours = name;
      if (const auto at = ours.find('@'); at != std::string::npos)
        ours = ours == "AR@300" ? "AR300" : ours.substr(0, at);
      EXPECT_EQ(figure(metrics, ours), value.get<double>()) << "case " << i << ", " << name;
    }
    if (HasFailure()) return;
  }
}

void expect_voc(const Json& one, const DetectionData& data, VocYear year, const char* key) {
  const VocBoxes boxes = one.at("inclusive").get<bool>() ? VocBoxes::kInclusive : VocBoxes::kExclusive;
  const DetectionMetrics metrics = evaluate_voc(data, year, boxes, 1);
  for (std::size_t c = 0; c < data.categories.size(); ++c) {
    const Json& expected = one.at("expected").at(key).at(fmt::format("{}", data.categories[c].id));
    for (std::size_t k = 0; k < 2; ++k) {
      // Sums of at most a few hundred terms below 1, added up in another order.
      const double value = expected[k].is_null() ? kNoFigure : expected[k].get<double>();
      EXPECT_NEAR(metrics.categories[c].figures[k].value, value, 1e-12) << key;
    }
  }
}

TEST(DetectionOracle, VocFiguresAreThoseOfTheDevelopmentKitsRule) {
  SOCO_ORACLE_OR_SKIP(path, "detection/voc.json");
  const Json cases = read_cases(path);
  ASSERT_GE(cases.size(), 200u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const DetectionData data = data_of(cases[i], OverlapKind::kBox);
    expect_voc(cases[i], data, VocYear::k2007, "2007");
    expect_voc(cases[i], data, VocYear::k2010, "2010");
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace soco
