// SPDX-License-Identifier: MIT
#include "soco/evaluation/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "soco/base/random.h"

namespace soco {
namespace {

using ::testing::ElementsAre;

using Rows = std::vector<std::pair<std::vector<float>, int>>;

LabelledFeatures features(const Rows& rows) {
  LabelledFeatures result;
  for (const auto& [values, label] : rows) result.add(values, label);
  return result;
}

/// `n` rows around one random centre a class, which overlap: neither method gets all of them right.
LabelledFeatures clusters(int n, int channels, int classes, std::uint64_t stream) {
  LabelledFeatures result;
  for (int r = 0; r < n; ++r) {
    const int label = r % classes;
    Rng centre(7, 0, static_cast<std::uint64_t>(label), 0), noise(8, stream, static_cast<std::uint64_t>(r), 0);
    std::vector<float> row;
    for (int c = 0; c < channels; ++c)
      row.push_back(static_cast<float>(3 + c % 3 + centre.normal() * (1 + c % 4) + 9 * noise.normal()));
    result.add(row, label);
  }
  return result;
}

/// A vector of this cosine with (1, 0).
std::vector<float> at_cosine(double cosine) {
  return {static_cast<float>(cosine), static_cast<float>(std::sqrt(1 - cosine * cosine))};
}

TEST(ClassifyKnn, WeighsNeighboursByCosine) {
  const LabelledFeatures train = features({{at_cosine(1), 0}, {at_cosine(0.9), 1}, {at_cosine(0.9), 1}, {{0, -1}, 2}});
  const LabelledFeatures query = features({{{5, 0}, 0}});
  // exp(1 / t) against 2 exp(0.9 / t): the nearest alone wins where exp(0.1 / t) > 2, t < 0.144.
  EXPECT_THAT(classify_knn(train, query, {.neighbours = 3, .temperature = 0.14}, 1), ElementsAre(0));
  EXPECT_THAT(classify_knn(train, query, {.neighbours = 3, .temperature = 0.15}, 1), ElementsAre(1));
  EXPECT_THAT(classify_knn(train, query, {.neighbours = 1, .temperature = 0.15}, 1), ElementsAre(0));
  EXPECT_THAT(classify_knn(train, query, {.neighbours = 100, .temperature = 0.15}, 1), ElementsAre(1));
}

TEST(ClassifyKnn, TakesTheLowerOfEqualClassesAndTheEarlierOfEqualRows) {
  const LabelledFeatures query = features({{{1, 0}, 0}, {{0, 0}, 0}});
  EXPECT_THAT(classify_knn(features({{{0, 1}, 1}, {{0, 2}, 0}}), query, {.neighbours = 2}, 1), ElementsAre(0, 0));
  EXPECT_THAT(classify_knn(features({{{0, 1}, 1}, {{0, 2}, 0}}), query, {.neighbours = 1}, 1), ElementsAre(1, 1));
}

TEST(ClassifyKnn, AgreesWithTheDefinitionInFloat64) {
  const LabelledFeatures train = clusters(150, 37, 5, 1), query = clusters(60, 37, 5, 2);
  const auto cosine = [](std::span<const float> a, std::span<const float> b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t c = 0; c < a.size(); ++c) {
      ab += static_cast<double>(a[c]) * b[c];
      aa += static_cast<double>(a[c]) * a[c];
      bb += static_cast<double>(b[c]) * b[c];
    }
    return ab / std::sqrt(aa * bb);
  };
  std::vector<int> expected;
  for (std::int64_t q = 0; q < query.rows(); ++q) {
    std::vector<std::pair<double, int>> all;
    for (std::int64_t r = 0; r < train.rows(); ++r)
      all.emplace_back(cosine(train.row(r), query.row(q)), train.labels[static_cast<std::size_t>(r)]);
    std::sort(all.rbegin(), all.rend());
    std::vector<double> votes(5, 0);
    for (int i = 0; i < 20; ++i)
      votes[static_cast<std::size_t>(all[static_cast<std::size_t>(i)].second)] +=
          std::exp(all[static_cast<std::size_t>(i)].first / 0.07);
    expected.push_back(static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin()));
  }
  EXPECT_EQ(classify_knn(train, query, {}, 1), expected);
  EXPECT_EQ(classify_knn(train, query, {}, 3), expected);
  EXPECT_GT(score_predictions(query.labels, expected, 5).top1, 0.5);  // the data can be learned, and not wholly
  EXPECT_LT(score_predictions(query.labels, expected, 5).top1, 1);
}

TEST(ClassifyLinear, PutsTheBorderWhereTheFormulaSays) {
  // One channel, values -1 and 1 (mean 0, deviation 1), two rows a class: the weight of class 1 is 0.5 / (1 + ridge)
  // and its bias 0.5, that of class 0 the negative and 0.5: the border is at 0 whatever the ridge.
  const LabelledFeatures even = features({{{-1}, 0}, {{-1}, 0}, {{1}, 1}, {{1}, 1}});
  EXPECT_THAT(classify_linear(even, features({{{-0.01f}, 0}, {{0.01f}, 0}}), 0.5, 1), ElementsAre(0, 1));
  // Three rows against one: mean -0.5, deviation sqrt(0.75). Scaled x = -1/sqrt(3) three times and sqrt(3). Class 1:
  // products 4, x'y = sqrt(3), w = sqrt(3) / (4 (1 + ridge)), bias 1/4. With ridge = 1: scores w x + 1/4 and -w x + 3/4
  // meet at x = 0.25 / w = 2 / sqrt(3), in values -0.5 + sqrt(0.75) * 2 / sqrt(3) = 0.5.
  const LabelledFeatures uneven = features({{{-1}, 0}, {{-1}, 0}, {{-1}, 0}, {{1}, 1}});
  EXPECT_THAT(classify_linear(uneven, features({{{0.49f}, 0}, {{0.51f}, 0}}), 1, 1), ElementsAre(0, 1));
}

/// Solves a x = b by elimination with pivots: another way than the code's.
std::vector<double> eliminate(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i) pivot = std::abs(a[i][k]) > std::abs(a[pivot][k]) ? i : pivot;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = 0; k < n; ++k) b[k] /= a[k][k];
  return b;
}

std::vector<int> ridge_by_definition(const LabelledFeatures& train, const LabelledFeatures& query, double ridge,
                                     int classes) {
  const auto n = static_cast<std::size_t>(train.rows()), d = static_cast<std::size_t>(train.channels);
  std::vector<double> mean(d, 0), deviation(d, 0);
  for (std::size_t c = 0; c < d; ++c) {
    for (std::size_t r = 0; r < n; ++r) mean[c] += train.values[r * d + c];
    mean[c] /= static_cast<double>(n);
    for (std::size_t r = 0; r < n; ++r) deviation[c] += std::pow(train.values[r * d + c] - mean[c], 2);
    deviation[c] = std::sqrt(deviation[c] / static_cast<double>(n));
  }
  const auto x = [&](const LabelledFeatures& f, std::size_t r, std::size_t c) {
    return (f.values[r * d + c] - mean[c]) / deviation[c];
  };
  std::vector<std::vector<double>> scores(static_cast<std::size_t>(query.rows()));
  for (int label = 0; label < classes; ++label) {
    double share = 0;
    for (const int own : train.labels) share += own == label ? 1.0 / static_cast<double>(n) : 0;
    std::vector<std::vector<double>> a(d, std::vector<double>(d, 0));
    std::vector<double> b(d, 0);
    for (std::size_t r = 0; r < n; ++r)
      for (std::size_t i = 0; i < d; ++i) {
        b[i] += x(train, r, i) * ((train.labels[r] == label ? 1 : 0) - share);
        for (std::size_t j = 0; j < d; ++j) a[i][j] += x(train, r, i) * x(train, r, j);
      }
    for (std::size_t i = 0; i < d; ++i) a[i][i] += ridge * static_cast<double>(n);
    const std::vector<double> w = eliminate(a, b);
    for (std::size_t q = 0; q < scores.size(); ++q) {
      double score = share;
      for (std::size_t c = 0; c < d; ++c) score += w[c] * x(query, q, c);
      scores[q].push_back(score);
    }
  }
  std::vector<int> result;
  for (const auto& row : scores)
    result.push_back(static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin()));
  return result;
}

TEST(ClassifyLinear, AgreesWithTheNormalEquationsSolvedByElimination) {
  const LabelledFeatures train = clusters(120, 37, 4, 3), query = clusters(80, 37, 4, 4);
  const std::vector<int> expected = ridge_by_definition(train, query, 0.01, 4);
  EXPECT_EQ(classify_linear(train, query, 0.01, 1), expected);
  EXPECT_EQ(classify_linear(train, query, 0.01, 3), expected);
  EXPECT_GT(score_predictions(query.labels, expected, 4).top1, 0.5);
  EXPECT_LT(score_predictions(query.labels, expected, 4).top1, 1);
}

TEST(ClassifyLinear, LearnsFromFewerRowsThanChannels) {
  const LabelledFeatures train = clusters(20, 64, 2, 5);
  EXPECT_EQ(classify_linear(train, train, 0.01, 1), train.labels);
}

TEST(ClassifyLinear, PassesOverConstantChannels) {
  // 0.1 has no exact mean: what rounding leaves must not be scaled up.
  const LabelledFeatures train =
      features({{{0.1f, -1}, 0}, {{0.1f, -2}, 0}, {{0.1f, 1}, 1}, {{0.1f, 2}, 1}, {{0.1f, 1}, 1}});
  EXPECT_THAT(classify_linear(train, features({{{1e6f, -1.5f}, 0}, {{-1e6f, 1.5f}, 0}}), 0.01, 1), ElementsAre(0, 1));
}

TEST(ScorePredictions, CountsByRowAndByClass) {
  const std::vector<int> labels{0, 0, 0, 2}, predictions{0, 0, 2, 2};
  const ClassificationScore score = score_predictions(labels, predictions, 3);
  EXPECT_DOUBLE_EQ(score.top1, 0.75);
  EXPECT_DOUBLE_EQ(score.mean_per_class, (2.0 / 3 + 1) / 2);  // class 1 has no rows
  EXPECT_DOUBLE_EQ(score.per_class[0], 2.0 / 3);
  EXPECT_TRUE(std::isnan(score.per_class[1]));
  EXPECT_EQ(majority_class(std::vector<int>{1, 2, 2, 1, 0}, 3), 1);
}

}  // namespace
}  // namespace soco
