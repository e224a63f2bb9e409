// SPDX-License-Identifier: MIT
#include "soco/data/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"

namespace soco {
namespace {

TEST(EpochSampler, GivesAPermutationEachEpoch) {
  const EpochSampler sampler(60, 6, 1);
  EXPECT_EQ(sampler.batches_per_epoch(), 10);
  std::vector<std::int64_t> order = sampler.epoch_order(3);
  ASSERT_EQ(order.size(), 60u);
  std::sort(order.begin(), order.end());
  for (int i = 0; i < 60; ++i) EXPECT_EQ(order[i], i);
}

TEST(EpochSampler, IsAFunctionOfSeedAndEpoch) {
  EXPECT_EQ(EpochSampler(50, 5, 7).epoch_order(2), EpochSampler(50, 5, 7).epoch_order(2));
  EXPECT_NE(EpochSampler(50, 5, 7).epoch_order(2), EpochSampler(50, 5, 7).epoch_order(3));
  EXPECT_NE(EpochSampler(50, 5, 7).epoch_order(2), EpochSampler(50, 5, 8).epoch_order(2));
}

TEST(EpochSampler, OrderDoesNotDependOnTheBatchSize) {
  const auto whole = EpochSampler(50, 50, 7).epoch_order(0);
  const auto cut = EpochSampler(50, 8, 7).epoch_order(0);
  ASSERT_EQ(cut.size(), 48u);
  EXPECT_TRUE(std::equal(cut.begin(), cut.end(), whole.begin()));
}

TEST(EpochSampler, DropsOtherImagesInEachEpoch) {
  const EpochSampler sampler(10, 8, 7);
  std::vector<int> seen(10);
  for (int epoch = 0; epoch < 200; ++epoch) {
    for (const std::int64_t i : sampler.epoch_order(epoch)) ++seen[i];
  }
  for (const int n : seen) EXPECT_NEAR(n, 160, 5 * std::sqrt(200 * 0.8 * 0.2));  // five standard deviations
}

TEST(EpochSampler, SaysBothNumbersWhenThereAreTooFewImages) {
  try {
    EpochSampler(5, 8, 7);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("5 images"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("one batch of 8"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("batch_size to 5"));
  }
  EXPECT_THROW(EpochSampler(5, 0, 7), Error);
}

}  // namespace
}  // namespace soco
