// SPDX-License-Identifier: MIT
#include "soco/evaluation/proposal_recall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "soco/base/atomic_file.h"
#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/random.h"
#include "soco/evaluation/ranked_results.h"
#include "soco/structures/coco_json.h"
#include "testing/oracle_file.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

std::size_t at_count(std::int64_t count) {
  return static_cast<std::size_t>(std::find(kProposalCounts.begin(), kProposalCounts.end(), count) -
                                  kProposalCounts.begin());
}
const std::size_t kAll = at_count(kAllProposals);

RecallObject object(const CocoBox& box, int category = 0, bool is_crowd = false) {
  return {.box = box, .area = box.area(), .category = category, .is_crowd = is_crowd};
}

ProposalRecall measure(const std::vector<RecallObject>& objects, const std::vector<CocoBox>& proposals,
                       int num_categories = 1) {
  ProposalRecallEvaluator evaluator(std::vector<std::string>(static_cast<std::size_t>(num_categories), "c"));
  evaluator.add_image(objects, proposals);
  return evaluator.result();
}

TEST(ProposalRecall, CountsByRankThresholdAndOverlap) {
  // Objects of 10 x 10. The first proposal is shifted by 2: IoU 80 / 120 = 2/3; the third equals the second object.
  const ProposalRecall r =
      measure({object({0, 0, 10, 10}), object({50, 50, 10, 10})}, {{2, 0, 10, 10}, {90, 90, 5, 5}, {50, 50, 10, 10}});
  const GroupRecall& all = r.sizes[0];
  EXPECT_EQ(all.num_objects, 2);
  EXPECT_EQ(r.boxes_per_image, 3);
  EXPECT_EQ(all.recall[0][at_count(1)], 0.5);  // IoU 0.5: the first object
  EXPECT_EQ(all.recall[3][at_count(1)], 0.5);  // 0.65
  EXPECT_EQ(all.recall[4][at_count(1)], 0.0);  // 0.7 > 2/3
  EXPECT_EQ(all.recall[0][at_count(2)], 0.5);
  EXPECT_EQ(all.recall[0][at_count(3)], 1.0);
  EXPECT_EQ(all.recall[9][kAll], 0.5);
  // AR of all: 4 thresholds find both, 6 the second alone.
  EXPECT_NEAR(all.average_recall[kAll], (4 * 1.0 + 6 * 0.5) / 10, 1e-12);
  EXPECT_NEAR(all.average_best_overlap[at_count(2)], (2.0 / 3 + 0) / 2, 1e-12);
  EXPECT_NEAR(all.average_best_overlap[kAll], (2.0 / 3 + 1) / 2, 1e-12);
}

TEST(ProposalRecall, GivesAProposalToOneObjectWhileABestOverlapMayBeShared) {
  const ProposalRecall r = measure({object({0, 0, 10, 10}), object({0, 0, 10, 9})}, {{0, 0, 10, 10}});
  EXPECT_EQ(r.sizes[0].recall[0][kAll], 0.5);
  EXPECT_NEAR(r.sizes[0].average_best_overlap[kAll], (1 + 0.9) / 2, 1e-12);
}

TEST(ProposalRecall, LeavesCrowdsOut) {
  // The crowd holds both proposals, but it counts neither as an object nor against them.
  const ProposalRecall r =
      measure({object({0, 0, 100, 100}, 0, true), object({0, 0, 10, 10})}, {{50, 50, 20, 20}, {0, 0, 10, 10}});
  EXPECT_EQ(r.num_crowds, 1);
  EXPECT_EQ(r.sizes[0].num_objects, 1);
  EXPECT_EQ(r.sizes[0].recall[9][kAll], 1.0);
}

TEST(ProposalRecall, GroupsByAreaWithCommonBounds) {
  const ProposalRecall r =
      measure({object({0, 0, 32, 32}), object({100, 0, 96, 96}), object({300, 0, 100, 100})}, {{100, 0, 96, 96}});
  EXPECT_EQ(r.sizes[0].num_objects, 3);
  EXPECT_EQ(r.sizes[1].num_objects, 1);  // 32 x 32 is small and medium
  EXPECT_EQ(r.sizes[2].num_objects, 2);
  EXPECT_EQ(r.sizes[3].num_objects, 2);
  EXPECT_EQ(r.sizes[1].recall[0][kAll], 0);
  EXPECT_EQ(r.sizes[2].recall[0][kAll], 0.5);
  EXPECT_EQ(r.sizes[3].recall[0][kAll], 0.5);
}

TEST(ProposalRecall, MeansOverCategoriesThatHaveObjects) {
  const ProposalRecall r =
      measure({object({0, 0, 10, 10}, 0), object({20, 0, 10, 10}, 0), object({40, 0, 10, 10}, 2)}, {{0, 0, 10, 10}}, 3);
  EXPECT_EQ(r.categories[0].average_best_overlap[kAll], 0.5);
  EXPECT_TRUE(std::isnan(r.categories[1].average_best_overlap[kAll]));
  EXPECT_EQ(r.mean_abo[kAll], 0.25);
  EXPECT_EQ(r.categories[0].recall[0][kAll], 0.5);
  EXPECT_EQ(r.categories[2].recall[0][kAll], 0);
}

TEST(ProposalRecall, IsNotANumberWithoutObjects) {
  const ProposalRecall r = measure({}, {{0, 0, 1, 1}});
  EXPECT_TRUE(std::isnan(r.sizes[0].recall[0][kAll]));
  EXPECT_TRUE(std::isnan(r.mean_abo[kAll]));
  EXPECT_TRUE(std::isnan(ProposalRecallEvaluator({}).result().mean_abo[kAll]));
}

/// Found objects at a threshold with the first `count` proposals: the definition, run anew for each count.
int brute_force_found(const std::vector<RecallObject>& objects, const std::vector<CocoBox>& proposals, double threshold,
                      std::size_t count, double min_area, double max_area) {
  std::vector<int> owner(objects.size(), -1);
  for (std::size_t p = 0; p < std::min(count, proposals.size()); ++p) {
    int best = -1;
    for (const bool ignored : {false, true}) {
      double best_iou = threshold;
      for (std::size_t g = 0; g < objects.size(); ++g) {
        const RecallObject& o = objects[g];
        if (ignored != (o.is_crowd || o.area < min_area || o.area > max_area)) continue;
        if (owner[g] >= 0 && !o.is_crowd) continue;
        const double w =
            std::min(o.box.x + o.box.width, proposals[p].x + proposals[p].width) - std::max(o.box.x, proposals[p].x);
        const double h =
            std::min(o.box.y + o.box.height, proposals[p].y + proposals[p].height) - std::max(o.box.y, proposals[p].y);
        if (w <= 0 || h <= 0) continue;
        const double joint = o.is_crowd ? proposals[p].area() : proposals[p].area() + o.box.area() - w * h;
        if (w * h / joint < best_iou) continue;
        best_iou = w * h / joint;
        best = static_cast<int>(g);
      }
      if (best >= 0) break;
    }
    if (best >= 0) owner[static_cast<std::size_t>(best)] = static_cast<int>(p);
  }
  int found = 0;
  for (std::size_t g = 0; g < objects.size(); ++g) {
    found += owner[g] >= 0 && !objects[g].is_crowd && objects[g].area >= min_area && objects[g].area <= max_area;
  }
  return found;
}

TEST(ProposalRecall, EqualsTheDefinitionRunAnewForEachCount) {
  Rng rng(1, 0, 0, 0);
  const auto random_box = [&rng] {  // few different values: many equal overlaps
    const auto draw = [&rng](int n) {
      return static_cast<double>(10 * rng.uniform_int(static_cast<std::uint64_t>(n)));
    };
    return CocoBox{draw(6), draw(6), 10 + draw(12), 10 + draw(12)};
  };
  for (int round = 0; round < 40; ++round) {
    std::vector<RecallObject> objects(rng.uniform_int(7));
    for (RecallObject& o : objects) o = object(random_box(), 0, rng.bernoulli(0.15));
    std::vector<CocoBox> proposals(rng.uniform_int(120));
    for (CocoBox& box : proposals) box = random_box();
    const ProposalRecall r = measure(objects, proposals);
    const double bounds[4][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
    for (std::size_t s = 0; s < 4; ++s) {
      for (std::size_t t = 0; t < kNumThresholds; ++t) {
        for (std::size_t k = 0; k < kProposalCounts.size(); ++k) {
          if (r.sizes[s].num_objects == 0) continue;
          const int found = brute_force_found(objects, proposals, iou_thresholds()[t],
                                              static_cast<std::size_t>(kProposalCounts[k]), bounds[s][0], bounds[s][1]);
          ASSERT_EQ(r.sizes[s].recall[t][k], static_cast<double>(found) / static_cast<double>(r.sizes[s].num_objects))
              << round << " " << s << " " << t << " " << k;
        }
      }
    }
  }
}

TEST(ProposalRecall, EqualsPycocotools) {
  SOCO_ORACLE_OR_SKIP(folder, "proposal_recall");
  const AnnotationSet truth = read_coco_annotations(folder / "gt.json");
  const RankedResults results = read_ranked_results(folder / "dt.json", truth.images);
  const ProposalRecall r =
      evaluate_proposals(truth, [&](const AnnotatedImage& image) { return results.boxes_of_image.at(image.id); });
  const Json expected = parse_json(read_text_file(folder / "expected.json"), "expected.json");
  for (std::size_t t = 0; t < kNumThresholds; ++t) EXPECT_EQ(iou_thresholds()[t], expected["thresholds"][t]);
  for (std::size_t s = 0; s < 4; ++s) {
    EXPECT_EQ(r.sizes[s].name, expected["sizes"][s]);
    for (std::size_t c = 0; c < expected["counts"].size(); ++c) {
      const std::size_t k = at_count(expected["counts"][c]);
      for (std::size_t t = 0; t < kNumThresholds; ++t) {
        EXPECT_EQ(r.sizes[s].recall[t][k], expected["recall"][s][c][t].get<double>()) << s << " " << c << " " << t;
      }
      // The mean over ten thresholds is summed in another order there.
      EXPECT_NEAR(r.sizes[s].average_recall[k], expected["average_recall"][s][c].get<double>(), 1e-15);
    }
  }
}

TEST(ReadRankedResults, OrdersByScoreThenCategoryThenFile) {
  const testing::TempDir dir;
  write_file_atomic(dir / "dt.json", R"([{"image_id": 1, "category_id": 2, "bbox": [1, 0, 1, 1], "score": 0.5},
    {"image_id": 1, "category_id": 1, "bbox": [2, 0, 1, 1], "score": 0.5},
    {"image_id": 1, "category_id": 1, "bbox": [3, 0, 1, 1], "score": 0.9},
    {"image_id": 1, "category_id": 1, "bbox": [4, 0, 1, 1], "score": 0.5},
    {"image_id": 9, "category_id": 1, "bbox": [5, 0, 1, 1], "score": 0.5}])");
  const RankedResults results = read_ranked_results(dir / "dt.json", {{.id = 1}, {.id = 2}});
  std::vector<double> order;
  for (const CocoBox& box : results.boxes_of_image.at(1)) order.push_back(box.x);
  EXPECT_EQ(order, (std::vector<double>{3, 2, 4, 1}));
  EXPECT_TRUE(results.boxes_of_image.at(2).empty());
  EXPECT_EQ(results.num_results, 5);
  EXPECT_EQ(results.unknown_images.text(), "1 (9)");
}

TEST(ReadRankedResults, FailsWhenMostAreOfUnknownImages) {
  const testing::TempDir dir;
  write_file_atomic(dir / "dt.json", R"([{"image_id": 8, "category_id": 2, "bbox": [1, 0, 1, 1], "score": 0.5}])");
  try {
    read_ranked_results(dir / "dt.json", {{.id = 1}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("dt.json: of 1 results"));
    EXPECT_THAT(error.what(), HasSubstr("1 (8)"));
  }
}

}  // namespace
}  // namespace soco
