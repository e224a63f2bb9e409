// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "soco/evaluation/classifier.h"

namespace soco {

/// How well frozen features tell classes apart.
struct FeatureProbe {
  std::string feature;  ///< what was judged, for people
  std::int64_t num_train = 0, num_val = 0;
  std::int64_t channels = 0;
  std::vector<std::string> classes;
  std::vector<std::int64_t> train_per_class, val_per_class;
  ClassificationScore majority;  ///< of saying the most frequent class of the training rows always
  ClassificationScore knn, linear;
};

struct FeatureProbeOptions {
  KnnOptions knn;
  double ridge = 0.01;
  int threads = 1;
};

/// Learns from `train` and predicts `val`. Errors: no rows on one side, rows of one class alone to learn from, values
/// that are not finite (a network that has diverged); `what` names the rows ("labelled boxes").
FeatureProbe judge_features(const LabelledFeatures& train, const LabelledFeatures& val,
                            std::vector<std::string> classes, const FeatureProbeOptions& options,
                            const std::string& what);

}  // namespace soco
