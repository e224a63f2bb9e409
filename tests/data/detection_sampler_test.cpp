// SPDX-License-Identifier: MIT
#include "soco/data/detection_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::ElementsAre;

std::map<std::int64_t, int> counts_of(const std::vector<std::int64_t>& order) {
  std::map<std::int64_t, int> counts;
  for (const std::int64_t index : order) ++counts[index];
  return counts;
}

TEST(DetectionSampler, IsAPermutationOfSeedAndEpoch) {
  const DetectionSampler sampler(20, 5, 7);
  const auto first = sampler.epoch_order(0);
  EXPECT_EQ(counts_of(first).size(), 20u);
  EXPECT_EQ(DetectionSampler(20, 5, 7).epoch_order(0), first);
  EXPECT_NE(sampler.epoch_order(1), first);
  EXPECT_NE(DetectionSampler(20, 5, 8).epoch_order(0), first);
  EXPECT_THAT(DetectionSampler(3, 1, 7, {.order = DetectionSamplerOptions::Order::kAsListed}).epoch_order(4),
              ElementsAre(0, 1, 2));
}

TEST(DetectionSampler, GroupsFillBatchesOfTheirOwn) {
  // 0 .. 29 are of group 0, 30 .. 46 of group 1.
  std::vector<std::uint8_t> groups(47, 0);
  std::fill(groups.begin() + 30, groups.end(), std::uint8_t{1});
  const DetectionSampler sampler(47, 4, 3, {}, groups);
  EXPECT_EQ(sampler.batches_per_epoch(0), 11);
  for (int epoch = 0; epoch < 20; ++epoch) {
    const auto order = sampler.epoch_order(epoch);
    ASSERT_EQ(order.size(), 44u);
    ASSERT_EQ(counts_of(order).size(), 44u);  // each image at most once
    int num_mixed = 0;
    for (std::size_t b = 0; b < 11; ++b) {
      int ones = 0;
      for (std::size_t k = 0; k < 4; ++k) ones += groups[static_cast<std::size_t>(order[b * 4 + k])];
      num_mixed += ones != 0 && ones != 4;
    }
    // 7 whole batches of group 0, 4 of group 1; 2 + 1 images are left, fewer than a batch.
    EXPECT_EQ(num_mixed, 0);
  }
}

TEST(DetectionSampler, WhatGroupsLeaveOverMakesMixedBatches) {
  const std::vector<std::uint8_t> groups{0, 0, 0, 1, 1, 1};
  EXPECT_EQ(counts_of(DetectionSampler(6, 6, 3, {}, groups).epoch_order(0)).size(), 6u);
  const DetectionSampler padded(5, 2, 3, {.last_batch = LastBatch::kPad}, {0, 0, 0, 1, 1});
  const auto order = padded.epoch_order(2);
  ASSERT_EQ(order.size(), 6u);
  EXPECT_EQ(counts_of(order).size(), 5u);
  EXPECT_EQ(order[5], order[0]);
}

TEST(DetectionSampler, GroupsAreDetectron2sInTheOrderOfTheImages) {
  // The same collecting in another way: for each full batch, the place of its last image in the ungrouped order rises,
  // and within a group images keep that order.
  std::vector<std::uint8_t> groups(40);
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = i % 3 == 0;
  const auto plain = DetectionSampler(40, 4, 9).epoch_order(0);
  const auto grouped = DetectionSampler(40, 4, 9, {}, groups).epoch_order(0);
  const auto place = [&](std::int64_t index) { return std::find(plain.begin(), plain.end(), index) - plain.begin(); };
  for (std::size_t b = 1; b < 9; ++b) EXPECT_GT(place(grouped[b * 4 + 3]), place(grouped[b * 4 - 1])) << b;
  for (const int group : {0, 1}) {
    std::ptrdiff_t last = -1;
    for (const std::int64_t index : grouped) {
      if (groups[static_cast<std::size_t>(index)] != group) continue;
      EXPECT_GT(place(index), last);
      last = place(index);
    }
  }
}

TEST(DetectionSampler, RepeatsComeAsOftenAsTheirFactorOnAverage) {
  const std::vector<double> factors{1, 1.5, 2, 3.25};
  const DetectionSampler sampler(4, 1, 11, {}, {}, factors);
  std::map<std::int64_t, int> total;
  constexpr int kEpochs = 4000;
  bool lengths_differ = false;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const auto order = sampler.epoch_order(epoch);
    ASSERT_EQ(static_cast<std::int64_t>(order.size()), sampler.batches_per_epoch(epoch));
    lengths_differ = lengths_differ || order.size() != sampler.epoch_order(0).size();
    for (const auto& [index, count] : counts_of(order)) {
      ASSERT_TRUE(count == std::floor(factors[index]) || count == std::floor(factors[index]) + 1);
      total[index] += count;
    }
  }
  EXPECT_TRUE(lengths_differ);
  // The deviation of a mean of 4000 draws of probability p is at most 0.5 / sqrt(4000) = 0.008; four of them.
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(total[i] / static_cast<double>(kEpochs), factors[i], 0.032);
}

TEST(DetectionSampler, FindsThePlaceAfterSomeBatches) {
  const std::vector<double> factors{1.3, 2.6, 1, 1.9, 1};
  for (const DetectionSampler& sampler : {DetectionSampler(5, 2, 1), DetectionSampler(5, 2, 1, {}, {}, factors)}) {
    BatchPosition expected;
    for (std::int64_t step = 0; step < 60; ++step) {
      ASSERT_EQ(sampler.position_after(step), expected) << step;
      if (++expected.batch == sampler.batches_per_epoch(expected.epoch)) expected = {expected.epoch + 1, 0};
    }
  }
}

TEST(DetectionSampler, RefusesFewerImagesThanABatch) {
  EXPECT_THROW(DetectionSampler(3, 4, 0), Error);
  EXPECT_THROW(DetectionSampler(0, 4, 0, {.last_batch = LastBatch::kPad}), Error);
  EXPECT_THROW(DetectionSampler(3, 0, 0), Error);
  EXPECT_EQ(DetectionSampler(3, 4, 0, {.last_batch = LastBatch::kPad}).epoch_order(0).size(), 4u);
}

}  // namespace
}  // namespace soco
