// SPDX-License-Identifier: MIT
#include "soco/evaluation/feature_probe.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

std::vector<std::int64_t> count_labels(const LabelledFeatures& features, std::size_t num_classes) {
  std::vector<std::int64_t> counts(num_classes, 0);
  for (const int label : features.labels) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

bool all_finite(const LabelledFeatures& features) {
  return std::all_of(features.values.begin(), features.values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace

FeatureProbe judge_features(const LabelledFeatures& train, const LabelledFeatures& val,
                            std::vector<std::string> classes, const FeatureProbeOptions& options,
                            const std::string& what) {
  FeatureProbe probe;
  probe.num_train = train.rows();
  probe.num_val = val.rows();
  probe.channels = train.channels;
  probe.classes = std::move(classes);
  if (train.rows() == 0 || val.rows() == 0)
    fail("{} {} to learn from and {} to predict: one of each side is the least; give more labelled images",
         train.rows(), what, val.rows());
  probe.train_per_class = count_labels(train, probe.classes.size());
  probe.val_per_class = count_labels(val, probe.classes.size());
  if (*std::max_element(probe.train_per_class.begin(), probe.train_per_class.end()) == train.rows())
    fail("all {} {} to learn from are of the class '{}'; classification needs two or more", train.rows(), what,
         probe.classes[static_cast<std::size_t>(train.labels[0])]);
  if (!all_finite(train) || !all_finite(val))
    fail("the network gives values that are not finite: its weights have diverged");
  const int num_classes = static_cast<int>(probe.classes.size());
  const std::vector<int> majority(val.labels.size(), majority_class(train.labels, num_classes));
  probe.majority = score_predictions(val.labels, majority, num_classes);
  probe.knn = score_predictions(val.labels, classify_knn(train, val, options.knn, options.threads), num_classes);
  probe.linear =
      score_predictions(val.labels, classify_linear(train, val, options.ridge, options.threads), num_classes);
  return probe;
}

}  // namespace soco
