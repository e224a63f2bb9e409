// SPDX-License-Identifier: MIT
#include "soco/report/probe_report.h"

#include <fmt/format.h>

#include <cmath>

#include "soco/base/format.h"
#include "soco/base/json.h"

namespace soco {
namespace {

std::string percent(double value) { return std::isnan(value) ? "-" : fmt::format("{:.1f}", 100 * value); }

std::string score_line(const char* name, const ClassificationScore& score) {
  return fmt::format("{:<20} {:>8} {:>16}\n", name, percent(score.top1), percent(score.mean_per_class));
}

Json score_json(const ClassificationScore& score) {
  Json per_class = Json::array();
  for (const double value : score.per_class) per_class.push_back(std::isnan(value) ? Json() : Json(value));
  return {{"top1", score.top1}, {"mean_per_class", score.mean_per_class}, {"per_class", per_class}};
}

}  // namespace

std::string probe_table(const FeatureProbe& p) {
  std::string out = fmt::format("{}: {} channels, {} to learn from, {} to predict, {} classes\n\n", p.feature,
                                p.channels, format_count(p.num_train), format_count(p.num_val), p.classes.size());
  out += fmt::format("{:<20} {:>8} {:>16}\n", "accuracy, %", "top-1", "mean per class");
  out +=
      score_line("k nearest", p.knn) + score_line("linear", p.linear) + score_line("most frequent class", p.majority);
  out += fmt::format("\n{:<20} {:>8} {:>8} {:>10} {:>8}\n", "class", "learned", "predict", "k nearest", "linear");
  for (std::size_t c = 0; c < p.classes.size(); ++c)
    out += fmt::format("{:<20} {:>8} {:>8} {:>10} {:>8}\n", p.classes[c], p.train_per_class[c], p.val_per_class[c],
                       percent(p.knn.per_class[c]), percent(p.linear.per_class[c]));
  return out;
}

std::string probe_json(const FeatureProbe& p, const std::string& source) {
  const Json json{{"source", source},
                  {"feature", p.feature},
                  {"channels", p.channels},
                  {"num_train", p.num_train},
                  {"num_val", p.num_val},
                  {"classes", p.classes},
                  {"train_per_class", p.train_per_class},
                  {"val_per_class", p.val_per_class},
                  {"knn", score_json(p.knn)},
                  {"linear", score_json(p.linear)},
                  {"majority", score_json(p.majority)}};
  return dump_json(json, 2) + "\n";
}

}  // namespace soco
