// SPDX-License-Identifier: MIT
#include "soco/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

namespace soco {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Known answers of Random123 (D. E. Shaw Research, tests/kat_vectors, "philox4x32 10").
TEST(Philox, GivesTheKnownAnswersOfRandom123) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, RepeatsTheStreamWhenMadeAgain) {
  Rng a(7, 3, 11, purpose::kViews), b(7, 3, 11, purpose::kViews);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next_u64(), b.next_u64());
}

TEST(Rng, DiffersWhenAnyPartOfTheStreamDiffers) {
  const std::uint64_t high = std::uint64_t{1} << 32;
  std::set<std::uint64_t> firsts;
  firsts.insert(Rng(0, 0, 0, 1).next_u64());
  for (std::uint64_t step : {std::uint64_t{1}, high}) {
    firsts.insert(Rng(step, 0, 0, 1).next_u64());
    firsts.insert(Rng(0, step, 0, 1).next_u64());
    firsts.insert(Rng(0, 0, step, 1).next_u64());
  }
  firsts.insert(Rng(0, 0, 0, 2).next_u64());
  EXPECT_EQ(firsts.size(), 8u);
}

TEST(Rng, DrawsTheBlocksOfPhiloxInOrder) {
  // The stream's key and counter, derived by hand as the comment of the constructor says.
  const Block derived = philox4x32_10({5, 0, 1, 0x534F434F}, {9, 0});
  Rng rng(9, 5, 6, 1);
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (std::uint32_t word : philox4x32_10({block, derived[2], 6, 0}, {derived[0], derived[1]})) {
      EXPECT_EQ(rng.next_u32(), word);
    }
  }
}

TEST(Rng, StaysInTheIntervalAndFillsItEvenlyWhenUniform) {
  Rng rng(1, 0, 0, 1);
  const int n = 20000;
  double sum = 0, sum_squares = 0;
  for (int i = 0; i < n; ++i) {
    const double value = rng.uniform(2, 4);
    ASSERT_GE(value, 2);
    ASSERT_LT(value, 4);
    sum += value;
    sum_squares += value * value;
  }
  const double mean = sum / n;
  // Uniform on [2, 4): mean 3, variance 1/3; five standard errors of the mean are 5 * sqrt(1/3/n) = 0.0204.
  EXPECT_NEAR(mean, 3, 0.0204);
  EXPECT_NEAR(sum_squares / n - mean * mean, 1.0 / 3, 0.02);
}

TEST(Rng, GivesTheLowEndWhenTheIntervalIsEmptyOrOneStepWide) {
  Rng rng(1, 0, 0, 1);
  EXPECT_EQ(rng.uniform(5, 5), 5);
  const double next = std::nextafter(1.0, 2.0);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(rng.uniform(1.0, next), 1.0);
  EXPECT_THROW(rng.uniform(2, 1), std::logic_error);
}

TEST(Rng, HitsEveryIntegerEquallyOften) {
  Rng rng(2, 0, 0, 1);
  std::array<int, 6> counts{};
  const int n = 60000;
  for (int i = 0; i < n; ++i) ++counts.at(rng.uniform_int(6));
  double chi_squared = 0;
  for (int count : counts) chi_squared += std::pow(count - n / 6.0, 2) / (n / 6.0);
  EXPECT_LT(chi_squared, 25.7);  // 5 degrees of freedom, p = 1e-4
}

TEST(Rng, KeepsLargeIntegersInRangeAndRefusesZero) {
  Rng rng(2, 0, 0, 1);
  const std::uint64_t n = (std::uint64_t{1} << 63) + 1;  // rejects almost every second draw
  bool any_high = false;
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t value = rng.uniform_int(n);
    ASSERT_LT(value, n);
    any_high = any_high || value > n / 2;
  }
  EXPECT_TRUE(any_high);
  EXPECT_EQ(rng.uniform_int(1), 0u);
  EXPECT_THROW(rng.uniform_int(0), std::logic_error);
}

TEST(Rng, ObeysTheEndsWhenBernoulli) {
  Rng rng(3, 0, 0, 1);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) {
    EXPECT_FALSE(rng.bernoulli(0));
    EXPECT_TRUE(rng.bernoulli(1));
    hits += rng.bernoulli(0.3) ? 1 : 0;
  }
  EXPECT_NEAR(hits, 3000, 5 * std::sqrt(10000 * 0.3 * 0.7));  // five standard deviations
}

TEST(Rng, HasTheMomentsOfTheNormalDistribution) {
  Rng rng(4, 0, 0, 1);
  const int n = 40000;
  double m1 = 0, m2 = 0, m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double value = rng.normal();
    ASSERT_TRUE(std::isfinite(value));
    m1 += value / n;
    m2 += value * value / n;
    m4 += std::pow(value, 4) / n;
  }
  // Five standard errors: var(x) = 1, var(x^2) = 2, var(x^4) = 96.
  EXPECT_NEAR(m1, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(m2, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(m4, 3, 5 * std::sqrt(96.0 / n));
}

TEST(Rng, ReachesEveryOrderEquallyOftenWhenShuffling) {
  Rng rng(5, 0, 0, 1);
  std::vector<int> counts(27);
  const int n = 12000;
  for (int i = 0; i < n; ++i) {
    std::vector<int> values{0, 1, 2};
    rng.shuffle(values);
    ++counts.at(static_cast<std::size_t>(values[0] * 9 + values[1] * 3 + values[2]));
  }
  for (int order : {5, 7, 11, 15, 19, 21}) {  // 012 021 102 120 201 210 in base three
    EXPECT_NEAR(counts[static_cast<std::size_t>(order)], 2000, 5 * std::sqrt(n / 6.0 * 5 / 6));
  }
}

TEST(Rng, SamplesDifferentIndices) {
  Rng rng(6, 0, 0, 1);
  std::vector<int> counts(10);
  for (int i = 0; i < 5000; ++i) {
    const auto sample = rng.sample_without_replacement(10, 4);
    ASSERT_EQ(std::set<std::size_t>(sample.begin(), sample.end()).size(), 4u);
    for (std::size_t index : sample) ++counts.at(index);
  }
  for (int count : counts) EXPECT_NEAR(count, 2000, 5 * std::sqrt(5000 * 0.4 * 0.6));
  auto all = rng.sample_without_replacement(5, 5);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(rng.sample_without_replacement(0, 0).empty());
  EXPECT_THROW(rng.sample_without_replacement(3, 4), std::logic_error);
}

}  // namespace
}  // namespace soco
