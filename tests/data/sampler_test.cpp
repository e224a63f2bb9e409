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

std::vector<std::int64_t> backwards(std::int64_t n) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = n; i-- > 0;) order.push_back(i);
  return order;
}

EpochSampler buffered(std::int64_t n, int buffer, std::uint64_t seed = 7) {
  return EpochSampler(n, 1, seed, {.order = SampleOrder::kBuffered, .shuffle_buffer = buffer}, backwards(n));
}

TEST(EpochSampler, PadsWithTheEpochsFirstImages) {
  const EpochSampler sampler(10, 4, 7, {.last_batch = LastBatch::kPad});
  EXPECT_EQ(sampler.batches_per_epoch(), 3);
  const auto order = sampler.epoch_order(1);
  ASSERT_EQ(order.size(), 12u);
  EXPECT_EQ(order[10], order[0]);
  EXPECT_EQ(order[11], order[1]);
  const auto few = EpochSampler(2, 5, 7, {.last_batch = LastBatch::kPad}).epoch_order(0);
  EXPECT_EQ(few, (std::vector{few[0], few[1], few[0], few[1], few[0]}));
  EXPECT_EQ(EpochSampler(8, 4, 7, {.last_batch = LastBatch::kPad}).batches_per_epoch(), 2);
}

TEST(EpochSampler, BufferedOrderIsAPermutationOfSeedAndEpoch) {
  auto order = buffered(5000, 300).epoch_order(2);
  EXPECT_EQ(order, buffered(5000, 300).epoch_order(2));
  EXPECT_NE(order, buffered(5000, 300).epoch_order(3));
  EXPECT_NE(order, buffered(5000, 300, 8).epoch_order(2));
  std::sort(order.begin(), order.end());
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(order[i], i);
}

TEST(EpochSampler, ArrivalsAreRunsAsTheyLie) {
  const EpochSampler sampler = buffered(5000, 300);
  const auto arrivals = sampler.arrival_order(2);
  int num_jumps = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) num_jumps += arrivals[i] != arrivals[i - 1] - 1;
  EXPECT_LE(num_jumps, 5000 / EpochSampler::kRunLength);
  EXPECT_GT(num_jumps, 0);
}

TEST(EpochSampler, NoImageComesBeforeItEnteredTheBuffer) {
  const EpochSampler sampler = buffered(5000, 300);
  const auto arrivals = sampler.arrival_order(0), order = sampler.epoch_order(0);
  std::vector<std::int64_t> arrival(5000);
  for (int i = 0; i < 5000; ++i) arrival[static_cast<std::size_t>(arrivals[i])] = i;
  double moved = 0;
  for (int i = 0; i < 5000; ++i) {
    ASSERT_LT(arrival[static_cast<std::size_t>(order[i])], i + 300) << i;
    moved += std::abs(static_cast<double>(arrival[static_cast<std::size_t>(order[i])] - i));
  }
  EXPECT_GT(moved / 5000, 100);                           // the buffer does mix: an image waits 300 draws in the mean
  EXPECT_EQ(buffered(5000, 1).epoch_order(0), arrivals);  // a buffer of one does not
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
