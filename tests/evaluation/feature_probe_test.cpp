// SPDX-License-Identifier: MIT
#include "soco/evaluation/feature_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

LabelledFeatures rows(const std::vector<int>& labels, float sign = 1) {
  LabelledFeatures result;
  for (const int label : labels) result.add(std::vector<float>{sign * (label == 0 ? 1.0f : -1.0f), 1}, label);
  return result;
}

std::string error_of(const LabelledFeatures& train, const LabelledFeatures& val) {
  try {
    judge_features(train, val, {"cat", "dog"}, {}, "labelled boxes");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(JudgeFeatures, PutsBothClassifiersBesideTheMostFrequentClass) {
  const FeatureProbe probe = judge_features(rows({0, 1, 1, 0, 1}), rows({0, 1, 0, 0}), {"cat", "dog"}, {}, "boxes");
  EXPECT_EQ(probe.knn.top1, 1);
  EXPECT_EQ(probe.linear.top1, 1);
  EXPECT_EQ(probe.majority.top1, 0.25);  // "dog" always: three of five to learn from, one of four to predict
  EXPECT_EQ(probe.majority.mean_per_class, 0.5);
  EXPECT_THAT(probe.train_per_class, ElementsAre(2, 3));
  EXPECT_THAT(probe.val_per_class, ElementsAre(3, 1));
  EXPECT_EQ(probe.channels, 2);
}

TEST(JudgeFeatures, FindsFeaturesThatMislead) {
  const FeatureProbe probe = judge_features(rows({0, 1, 1, 0}), rows({0, 1, 0}, -1), {"cat", "dog"}, {}, "boxes");
  EXPECT_EQ(probe.linear.top1, 0);
}

TEST(JudgeFeatures, SaysWhatIsMissing) {
  EXPECT_THAT(error_of(rows({0, 1}), {}), HasSubstr("2 labelled boxes to learn from and 0 to predict"));
  EXPECT_THAT(error_of(rows({1, 1}), rows({0})), HasSubstr("are of the class 'dog'"));
  LabelledFeatures broken = rows({0, 1});
  broken.values[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of(broken, rows({0})), HasSubstr("not finite"));
}

}  // namespace
}  // namespace soco
