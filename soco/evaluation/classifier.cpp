// SPDX-License-Identifier: MIT
#include "soco/evaluation/classifier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/thread_pool.h"

namespace soco {
namespace {

constexpr std::size_t kLanes = 16;  // independent sums, which the compiler keeps in vector registers

template <class T>
T dot(const T* a, const T* b, std::size_t n) {
  std::array<T, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  T total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  for (const T sum : sums) total += sum;
  return total;
}

std::vector<float> unit_rows(const LabelledFeatures& features) {
  std::vector<float> result = features.values;
  const auto n = static_cast<std::size_t>(features.channels);
  for (std::int64_t r = 0; r < features.rows(); ++r) {
    float* row = result.data() + static_cast<std::size_t>(r) * n;
    const std::vector<double> wide(row, row + n);  // squares of large floats overflow in float32
    const double length = std::sqrt(dot(wide.data(), wide.data(), n));
    for (std::size_t c = 0; c < n; ++c) row[c] = length > 0 ? static_cast<float>(wide[c] / length) : 0.0f;
  }
  return result;
}

int num_classes_of(const LabelledFeatures& features) {
  return *std::max_element(features.labels.begin(), features.labels.end()) + 1;
}

std::size_t index_of_largest(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// Mean and one over the standard deviation of each channel; 0 for a constant one.
struct Scaling {
  std::vector<double> mean, factor;
};

Scaling fit_scaling(const LabelledFeatures& train) {
  const auto d = static_cast<std::size_t>(train.channels);
  Scaling scaling{std::vector<double>(d, 0), std::vector<double>(d, 0)};
  const double n = static_cast<double>(train.rows());
  for (std::int64_t r = 0; r < train.rows(); ++r)
    for (std::size_t c = 0; c < d; ++c) scaling.mean[c] += train.row(r)[c] / n;
  for (std::int64_t r = 0; r < train.rows(); ++r)
    for (std::size_t c = 0; c < d; ++c) {
      const double difference = train.row(r)[c] - scaling.mean[c];
      scaling.factor[c] += difference * difference / n;
    }
  for (std::size_t c = 0; c < d; ++c) {
    const double deviation = std::sqrt(scaling.factor[c]);
    // The mean of equal values is off by a rounding: what is smaller than that is no deviation.
    scaling.factor[c] = deviation > 1e-12 * std::abs(scaling.mean[c]) ? 1 / deviation : 0;
  }
  return scaling;
}

/// [channels, rows]: a channel's values lie side by side.
std::vector<double> scaled_columns(const LabelledFeatures& features, const Scaling& scaling) {
  const auto d = static_cast<std::size_t>(features.channels), n = static_cast<std::size_t>(features.rows());
  std::vector<double> columns(d * n);
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t c = 0; c < d; ++c)
      columns[c * n + r] = (features.row(static_cast<std::int64_t>(r))[c] - scaling.mean[c]) * scaling.factor[c];
  return columns;
}

/// In place, the lower triangle L of `a` [d, d], symmetric and positive definite: a = L L'.
void cholesky(std::vector<double>& a, std::size_t d, int threads) {
  for (std::size_t j = 0; j < d; ++j) {
    double* pivot_row = a.data() + j * d;
    const double pivot = std::sqrt(pivot_row[j] - dot(pivot_row, pivot_row, j));
    SOCO_ASSERT(pivot > 0);  // the ridge keeps it away from 0
    pivot_row[j] = pivot;
    const std::size_t below = d - j - 1;
    parallel_for(below * j > 1'000'000 ? threads : 1, static_cast<std::int64_t>(below), [&](std::int64_t i) {
      double* row = a.data() + (j + 1 + static_cast<std::size_t>(i)) * d;
      row[j] = (row[j] - dot(row, pivot_row, j)) / pivot;
    });
  }
}

/// x of L L' x = b, in place.
void solve_cholesky(const std::vector<double>& lower, std::size_t d, double* b) {
  for (std::size_t i = 0; i < d; ++i) b[i] = (b[i] - dot(lower.data() + i * d, b, i)) / lower[i * d + i];
  for (std::size_t i = d; i-- > 0;) {
    b[i] /= lower[i * d + i];
    for (std::size_t k = 0; k < i; ++k) b[k] -= lower[i * d + k] * b[i];
  }
}

/// One against rest: weights [classes, d] for scaled channels, and the share of each class.
struct LinearModel {
  std::vector<std::vector<double>> weights;
  std::vector<double> bias;
};

LinearModel fit_ridge(const LabelledFeatures& train, const Scaling& scaling, double ridge, int threads) {
  const auto d = static_cast<std::size_t>(train.channels), n = static_cast<std::size_t>(train.rows());
  const std::vector<double> columns = scaled_columns(train, scaling);
  std::vector<double> products(d * d, 0);
  parallel_for(threads, static_cast<std::int64_t>(d), [&](std::int64_t at) {
    const auto i = static_cast<std::size_t>(at);
    for (std::size_t j = 0; j <= i; ++j) products[i * d + j] = dot(columns.data() + i * n, columns.data() + j * n, n);
    products[i * d + i] += ridge * static_cast<double>(n);
  });
  cholesky(products, d, threads);
  LinearModel model;
  for (int label = 0; label < num_classes_of(train); ++label) {
    std::vector<double> target(n);
    std::transform(train.labels.begin(), train.labels.end(), target.begin(),
                   [label](int own) { return own == label ? 1.0 : 0.0; });
    const double share =
        static_cast<double>(std::count(train.labels.begin(), train.labels.end(), label)) / static_cast<double>(n);
    for (double& value : target) value -= share;
    std::vector<double> weights(d);
    for (std::size_t c = 0; c < d; ++c) weights[c] = dot(columns.data() + c * n, target.data(), n);
    solve_cholesky(products, d, weights.data());
    model.weights.push_back(std::move(weights));
    model.bias.push_back(share);
  }
  return model;
}

}  // namespace

void LabelledFeatures::add(std::span<const float> features, int label) {
  if (labels.empty()) channels = static_cast<std::int64_t>(features.size());
  SOCO_ASSERT(channels == static_cast<std::int64_t>(features.size()));
  values.insert(values.end(), features.begin(), features.end());
  labels.push_back(label);
}

std::vector<int> classify_knn(const LabelledFeatures& train, const LabelledFeatures& query, const KnnOptions& options,
                              int threads) {
  SOCO_ASSERT(train.rows() > 0 && options.neighbours > 0 && (query.rows() == 0 || query.channels == train.channels));
  const std::vector<float> keys = unit_rows(train), queries = unit_rows(query);
  const auto d = static_cast<std::size_t>(train.channels), n = static_cast<std::size_t>(train.rows());
  const std::size_t k = std::min<std::size_t>(static_cast<std::size_t>(options.neighbours), n);
  const int num_classes = num_classes_of(train);
  std::vector<int> predictions(static_cast<std::size_t>(query.rows()));
  parallel_for(threads, query.rows(), [&](std::int64_t at) {
    const float* own = queries.data() + static_cast<std::size_t>(at) * d;
    std::vector<std::pair<float, std::size_t>> nearest(n);  // minus the cosine, row
    for (std::size_t r = 0; r < n; ++r) nearest[r] = {-dot(own, keys.data() + r * d, d), r};
    std::partial_sort(nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(k), nearest.end());
    std::vector<double> votes(static_cast<std::size_t>(num_classes), 0);
    for (std::size_t i = 0; i < k; ++i)
      // Relative to the nearest, so that a small temperature cannot overflow.
      votes[static_cast<std::size_t>(train.labels[nearest[i].second])] +=
          std::exp((static_cast<double>(nearest[0].first) - nearest[i].first) / options.temperature);
    predictions[static_cast<std::size_t>(at)] = static_cast<int>(index_of_largest(votes));
  });
  return predictions;
}

std::vector<int> classify_linear(const LabelledFeatures& train, const LabelledFeatures& query, double ridge,
                                 int threads) {
  SOCO_ASSERT(train.rows() > 0 && ridge > 0 && (query.rows() == 0 || query.channels == train.channels));
  const Scaling scaling = fit_scaling(train);
  const LinearModel model = fit_ridge(train, scaling, ridge, threads);
  const auto d = static_cast<std::size_t>(train.channels);
  std::vector<int> predictions;
  std::vector<double> scaled(d), scores(model.weights.size());
  for (std::int64_t r = 0; r < query.rows(); ++r) {
    for (std::size_t c = 0; c < d; ++c) scaled[c] = (query.row(r)[c] - scaling.mean[c]) * scaling.factor[c];
    for (std::size_t label = 0; label < scores.size(); ++label)
      scores[label] = model.bias[label] + dot(model.weights[label].data(), scaled.data(), d);
    predictions.push_back(static_cast<int>(index_of_largest(scores)));
  }
  return predictions;
}

ClassificationScore score_predictions(std::span<const int> labels, std::span<const int> predictions, int num_classes) {
  SOCO_ASSERT(labels.size() == predictions.size() && !labels.empty());
  std::vector<double> rows(static_cast<std::size_t>(num_classes), 0), right(rows);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    rows[static_cast<std::size_t>(labels[i])] += 1;
    right[static_cast<std::size_t>(labels[i])] += labels[i] == predictions[i] ? 1 : 0;
  }
  ClassificationScore score;
  double all_right = 0, sum = 0, classes = 0;
  for (std::size_t c = 0; c < rows.size(); ++c) {
    all_right += right[c];
    score.per_class.push_back(rows[c] > 0 ? right[c] / rows[c] : std::numeric_limits<double>::quiet_NaN());
    if (rows[c] > 0) sum += right[c] / rows[c], classes += 1;
  }
  score.top1 = all_right / static_cast<double>(labels.size());
  score.mean_per_class = sum / classes;
  return score;
}

int majority_class(std::span<const int> labels, int num_classes) {
  std::vector<double> counts(static_cast<std::size_t>(num_classes), 0);
  for (const int label : labels) counts[static_cast<std::size_t>(label)] += 1;
  return static_cast<int>(index_of_largest(counts));
}

}  // namespace soco
