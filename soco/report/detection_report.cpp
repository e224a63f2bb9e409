// SPDX-License-Identifier: MIT
#include "soco/report/detection_report.h"

#include <fmt/format.h>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/base/json.h"
#include "soco/report/line_plot.h"

namespace soco {
namespace {

std::string percent(double share) { return share == kNoFigure ? "-" : fmt::format("{:.2f}", 100 * share); }

Json figures_json(const std::vector<NamedFigure>& figures) {
  Json object = Json::object();
  for (const NamedFigure& figure : figures) object[figure.name] = figure.value;
  return object;
}

std::string row(const std::string& name, const std::string& count, const std::vector<NamedFigure>& figures) {
  std::string out = fmt::format("{:<24} {:>8}", name, count);
  for (const NamedFigure& figure : figures) out += fmt::format(" {:>6}", percent(figure.value));
  return out + "\n";
}

}  // namespace

std::string detection_table(const DetectionMetrics& m) {
  std::string out = fmt::format("{} images, {} objects, {} detections\n\n", format_count(m.num_images),
                                format_count(m.num_objects), format_count(m.num_detections));
  for (const NamedFigure& figure : m.figures) out += fmt::format("{:<6} {:>6}\n", figure.name, percent(figure.value));
  if (m.categories.empty()) return out;
  out += fmt::format("\n{:<24} {:>8}", "category", "objects");
  for (const NamedFigure& figure : m.categories[0].figures) out += fmt::format(" {:>6}", figure.name);
  out += "\n";
  for (const CategoryFigures& c : m.categories) out += row(c.name, format_count(c.num_objects), c.figures);
  return out;
}

std::string detection_json(const DetectionMetrics& m, const MeasuredFiles& files) {
  Json categories = Json::array();
  for (const CategoryFigures& c : m.categories) {
    categories.push_back({{"name", c.name}, {"num_objects", c.num_objects}, {"figures", figures_json(c.figures)}});
  }
  return dump_json({{"metric", m.metric},
                    {"iou_type", files.iou_type},
                    {"gt", files.truth},
                    {"dt", files.results},
                    {"num_images", m.num_images},
                    {"num_objects", m.num_objects},
                    {"num_detections", m.num_detections},
                    {"figures", figures_json(m.figures)},
                    {"categories", categories},
                    {"recalls", recall_points()},
                    {"thresholds", iou_thresholds()},
                    {"mean_precision", m.mean_precision},
                    {"repairs", files.repairs.lines()}},
                   1) +
         "\n";
}

std::string detection_svg(const DetectionMetrics& m, const std::string& title) {
  if (m.mean_precision.empty()) fail("plot: the {} metric has no curves to draw", m.metric);
  const auto recalls = recall_points();
  LinePlot plot{.title = title, .x_label = "recall", .y_label = "precision", .series = {}, .x_axis = PlotAxis::kShare};
  const auto add = [&](const std::string& name, const std::vector<double>& precision, bool dashed) {
    plot.series.push_back({.name = fmt::format("{}: {}", name, percent(numpy_mean(precision))),
                           .x = {recalls.begin(), recalls.end()},
                           .y = precision,
                           .dashed = dashed});
  };
  add("IoU 0.5", m.mean_precision[0], false);
  add("IoU 0.75", m.mean_precision[5], false);
  add("IoU 0.9", m.mean_precision[8], false);
  std::vector<double> mean(kNumRecalls, 0);
  for (std::size_t r = 0; r < kNumRecalls; ++r) {
    for (const std::vector<double>& row : m.mean_precision) mean[r] += row[r] / kNumThresholds;
  }
  add("IoU 0.5:0.95", mean, true);
  return line_plot_svg(plot);
}

}  // namespace soco
