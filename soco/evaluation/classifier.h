// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace soco {

/// Feature vectors with a class each: what frozen features are judged by.
struct LabelledFeatures {
  std::int64_t channels = 0;
  std::vector<float> values;  ///< [rows, channels], finite
  std::vector<int> labels;    ///< [rows], from 0

  std::int64_t rows() const { return static_cast<std::int64_t>(labels.size()); }
  std::span<const float> row(std::int64_t index) const {
    return {values.data() + index * channels, static_cast<std::size_t>(channels)};
  }
  void add(std::span<const float> features, int label);
};

struct KnnOptions {
  int neighbours = 20;        ///< k; all rows when there are fewer
  double temperature = 0.07;  ///< votes weigh exp(cosine / temperature)
};

/// The class of each row of `query` by a weighted vote of its k nearest rows of `train` by cosine similarity (Wu et
/// al., CVPR 2018, section 3.4, whose temperature this is). A zero vector has cosine 0 with everything. Of rows equally
/// near the earlier counts, of classes with equal votes the lower. `threads` do not change the result. `train` must
/// have rows, both as many channels.
std::vector<int> classify_knn(const LabelledFeatures& train, const LabelledFeatures& query, const KnnOptions& options,
                              int threads);

/// The class of each row of `query` by the largest of one-against-rest linear scores, fitted by ridge regression in
/// closed form and float64: channels are centred and scaled by mean and standard deviation of `train` (a constant
/// channel counts nothing), targets are 1 for the class and 0 else, centred too, and `ridge` times the number of rows
/// is added to the diagonal of the channels' products. Costs rows * channels^2 / 2 + channels^3 / 6 multiplications.
/// `ridge` above 0. `threads` do not change the result.
std::vector<int> classify_linear(const LabelledFeatures& train, const LabelledFeatures& query, double ridge,
                                 int threads);

/// How often predictions are right.
struct ClassificationScore {
  double top1 = 0;                ///< share of rows
  double mean_per_class = 0;      ///< mean over the classes that have rows
  std::vector<double> per_class;  ///< NaN for a class without rows
};

/// Errors: none; both lists are of equal, positive length and hold classes below `num_classes`.
ClassificationScore score_predictions(std::span<const int> labels, std::span<const int> predictions, int num_classes);

/// The class that most of `labels` have; the lower of equals.
int majority_class(std::span<const int> labels, int num_classes);

}  // namespace soco
