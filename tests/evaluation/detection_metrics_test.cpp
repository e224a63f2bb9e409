// SPDX-License-Identifier: MIT
#include "soco/evaluation/detection_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/evaluation/voc_metrics.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Two images, 7 and 3, of 100 x 100 px; categories 1 "a" (rare) and 2 "b" (common).
AnnotationSet truth_of(std::vector<ObjectAnnotation> annotations) {
  return {.images = {{.id = 7, .height = 100, .width = 100, .file_name = "7.jpg"},
                     {.id = 3, .height = 100, .width = 100, .file_name = "3.jpg"}},
          .categories = {{1, "a", CategoryFrequency::kRare}, {2, "b", CategoryFrequency::kCommon}},
          .annotations = std::move(annotations)};
}
ObjectAnnotation object(std::int64_t image, std::int64_t category, const CocoBox& box) {
  static std::int64_t next_id = 1;
  return {.id = next_id++, .image_id = image, .category_id = category, .box = box, .area = box.area()};
}
DetectionResult found(std::int64_t image, std::int64_t category, const CocoBox& box, double score) {
  return {.image_id = image, .category_id = category, .box = box, .score = score};
}
DetectionData data_of(AnnotationSet truth, std::vector<DetectionResult> results,
                      const DetectionReadOptions& options = {}) {
  DetectionDataBuilder builder(std::move(truth), options);
  for (DetectionResult& result : results) builder.add(result);
  return builder.finish();
}
double value(const std::vector<NamedFigure>& figures, const std::string& name) {
  for (const NamedFigure& figure : figures) {
    if (figure.name == name) return figure.value;
  }
  ADD_FAILURE() << "no " << name;
  return 0;
}

TEST(EvaluateCoco, ByHand) {
  // Category a: objects A and B; detections in order: A (true), a miss (false), B (true). Precision 1 up to recall 0.5,
  // 2/3 beyond: 51 recall points (0 to 0.50) of 1 and 50 of 2/3. Category b has an object that nothing finds.
  const CocoBox a{0, 0, 40, 40}, b{50, 50, 40, 40}, miss{0, 60, 10, 10};
  const DetectionMetrics metrics =
      evaluate_coco(data_of(truth_of({object(7, 1, a), object(7, 1, b), object(3, 2, a)}),
                            {found(7, 1, a, 0.9), found(7, 1, miss, 0.8), found(7, 1, b, 0.7)}),
                    1);
  const double expected = (51 * 1.0 + 50 * 2 / 3.0) / 101;
  EXPECT_NEAR(value(metrics.categories[0].figures, "AP"), expected, 1e-12);
  EXPECT_NEAR(value(metrics.figures, "AP"), expected / 2, 1e-12);
  EXPECT_NEAR(value(metrics.figures, "AP50"), expected / 2, 1e-12);
  EXPECT_EQ(value(metrics.figures, "APs"), kNoFigure);     // 40 x 40 is medium
  EXPECT_NEAR(value(metrics.figures, "APm"), 0.5, 1e-12);  // the miss, 10 x 10, is not medium: a has 1, b 0
  EXPECT_EQ(value(metrics.figures, "AR1"), 0.25);          // A alone is kept: half of a, none of b
  EXPECT_EQ(value(metrics.figures, "AR100"), 0.5);
  EXPECT_EQ(metrics.num_objects, 3);
}

TEST(EvaluateCoco, WithoutResultsApIsZero) {
  const DetectionMetrics metrics = evaluate_coco(data_of(truth_of({object(7, 1, {0, 0, 40, 40})}), {}), 1);
  EXPECT_EQ(value(metrics.figures, "AP"), 0);
  EXPECT_EQ(value(metrics.figures, "AR100"), 0);
  EXPECT_EQ(value(metrics.categories[1].figures, "AP"), kNoFigure);
}

TEST(EvaluateCoco, WithoutObjectsThereIsNoFigure) {
  const DetectionMetrics metrics = evaluate_coco(data_of(truth_of({}), {found(7, 1, {0, 0, 4, 4}, 0.5)}), 1);
  for (const NamedFigure& figure : metrics.figures) EXPECT_EQ(figure.value, kNoFigure) << figure.name;
  EXPECT_EQ(value(evaluate_coco({}, 1).figures, "AP"), kNoFigure);
}

TEST(EvaluateCoco, ObjectsWithTheIdZeroCount) {  // pycocotools takes them for not found
  ObjectAnnotation zero = object(7, 1, {0, 0, 40, 40});
  zero.id = 0;
  EXPECT_GT(value(evaluate_coco(data_of(truth_of({zero}), {found(7, 1, zero.box, 0.5)}), 1).figures, "AP"), 0.99);
}

TEST(EvaluateLvis, JudgesOnlyWhatWasLookedFor) {
  // Category b in image 3: neither seen nor known to be absent, so its detection does not count; in image 7 it is known
  // to be absent, where one does. Category a in image 3 is not annotated completely: what matches nothing is ignored.
  AnnotationSet truth = truth_of({object(7, 1, {0, 0, 40, 40}), object(3, 1, {0, 0, 40, 40})});
  truth.annotations.push_back(object(7, 2, {50, 50, 20, 20}));
  truth.images[1].incomplete_categories = {1};
  const std::vector<DetectionResult> results{
      found(3, 1, {60, 60, 20, 20}, 0.9),                                       // ignored
      found(7, 1, {0, 0, 40, 40}, 0.8), found(3, 1, {0, 0, 40, 40}, 0.7),       // true
      found(3, 2, {10, 10, 10, 10}, 0.9), found(7, 2, {50, 50, 20, 20}, 0.6)};  // not judged; true
  const DetectionMetrics metrics = evaluate_lvis(data_of(truth, results), 1);
  EXPECT_NEAR(value(metrics.figures, "AP"), 1, 1e-12);
  EXPECT_NEAR(value(metrics.figures, "APr"), 1, 1e-12);
  EXPECT_NEAR(value(metrics.figures, "APc"), 1, 1e-12);
  EXPECT_EQ(value(metrics.figures, "APf"), kNoFigure);
  truth.images[1].absent_categories = {2};  // now b was looked for there: one false before one true
  EXPECT_NEAR(value(evaluate_lvis(data_of(truth, results), 1).figures, "APc"), 0.5, 1e-12);
}

TEST(EvaluateLvis, NeedsFrequencies) {
  AnnotationSet truth = truth_of({});
  truth.categories[1].frequency = CategoryFrequency::kUnknown;
  EXPECT_THROW(evaluate_lvis(data_of(truth, {}), 1), Error);
}

TEST(LimitDetections, KeepsTheBestOfEachImage) {
  DetectionData data = data_of(truth_of({}), {found(7, 1, {1, 0, 1, 1}, 0.1), found(3, 1, {2, 0, 1, 1}, 0.1),
                                              found(7, 2, {3, 0, 1, 1}, 0.5), found(7, 1, {4, 0, 1, 1}, 0.1)});
  limit_detections(data, 2);
  std::vector<double> left;
  for (const Detection& d : data.detections) left.push_back(d.box.x);
  EXPECT_THAT(left, ElementsAre(1, 2, 3));
}

TEST(EvaluateVoc, ByHand) {
  // True, false, true again (a duplicate: false), true: precision 1, 1/2, 1/3, 2/4 at recalls 1/2, 1/2, 1/2, 1.
  // 2007: six points (0 to 0.5) of 1 and five of 1/2. 2010: 0.5 * 1 + 0.5 * 0.5. The difficult one counts nowhere.
  const CocoBox a{0, 0, 40, 40}, b{50, 50, 40, 40}, hard{0, 60, 20, 20};
  ObjectAnnotation difficult = object(7, 1, hard);
  difficult.is_difficult = true;
  const DetectionData data = data_of(truth_of({object(7, 1, a), object(7, 1, b), difficult}),
                                     {found(7, 1, a, 0.9), found(7, 1, {90, 0, 9, 9}, 0.8), found(7, 1, hard, 0.75),
                                      found(7, 1, a, 0.7), found(7, 1, b, 0.6)});
  const auto ap50 = [&](VocYear year) {
    return value(evaluate_voc(data, year, VocBoxes::kExclusive, 1).figures, "AP50");
  };
  EXPECT_NEAR(ap50(VocYear::k2007), (6 * 1.0 + 5 * 0.5) / 11, 1e-12);
  EXPECT_NEAR(ap50(VocYear::k2010), 0.75, 1e-12);
}

TEST(EvaluateVoc, InclusiveBoxesAreAPixelLarger) {
  // 9 and 4 wide: IoU 4 / 9; as inclusive pixels 10 and 5: 5 / 10, which reaches 0.5.
  const DetectionData data = data_of(truth_of({object(7, 1, {0, 0, 9, 9})}), {found(7, 1, {0, 0, 4, 9}, 0.9)});
  EXPECT_EQ(value(evaluate_voc(data, VocYear::k2010, VocBoxes::kExclusive, 1).figures, "AP50"), 0);
  EXPECT_EQ(value(evaluate_voc(data, VocYear::k2010, VocBoxes::kInclusive, 1).figures, "AP50"), 1);
}

TEST(NumpyMean, OfNothingThereIsNone) { EXPECT_EQ(numpy_mean({}), kNoFigure); }

TEST(DetectionData, SizesWithMasksAreTheBoxesAsInPycocotoolsOrTheMasks) {
  // A mask of 4 pixels in a box of 100 x 50.
  AnnotationSet truth = truth_of({});
  DetectionResult result = found(7, 1, {0, 0, 100, 50}, 0.5);
  result.segmentation.polygons = {{1, 1, 3, 1, 3, 3, 1, 3}};
  EXPECT_EQ(data_of(truth, {result}, {.overlap = OverlapKind::kMask}).detections[0].area, 5000);
  EXPECT_EQ(data_of(truth, {result}, {.overlap = OverlapKind::kMask, .size_of = SizeOf::kMask}).detections[0].area, 4);
  result.has_box = false;
  EXPECT_EQ(data_of(truth, {result}, {.overlap = OverlapKind::kMask}).detections[0].area, 4);
  EXPECT_EQ(data_of(truth, {result}).detections[0].box, (CocoBox{1, 1, 2, 2}));
}

}  // namespace
}  // namespace soco
