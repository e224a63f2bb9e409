// SPDX-License-Identifier: MIT
#include "soco/report/study_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "soco/base/json.h"
#include "soco/report/line_plot.h"

namespace soco {
namespace {

constexpr const char* kMainFigure = "val_box_AP";
constexpr std::pair<const char*, const char*> kShownFigures[]{
    {kMainFigure, "box AP"}, {"val_box_AP50", "box AP50"}, {"val_mask_AP", "mask AP"}};

/// The values in the order in which they first come.
template <class T, class Of>
std::vector<T> in_order(const std::vector<StudyPoint>& points, Of of) {
  std::vector<T> result;
  for (const StudyPoint& point : points)
    if (std::find(result.begin(), result.end(), of(point)) == result.end()) result.push_back(of(point));
  return result;
}

std::vector<std::string> inits(const std::vector<StudyPoint>& points) {
  return in_order<std::string>(points, [](const StudyPoint& p) { return p.init; });
}

const StudyPoint* find(const std::vector<StudyPoint>& points, const std::string& init, double percent) {
  const auto is_it = [&](const StudyPoint& p) { return p.init == init && p.percent == percent; };
  const auto found = std::find_if(points.begin(), points.end(), is_it);
  return found == points.end() ? nullptr : &*found;
}

std::string cell(const StudyPoint* point) {
  if (point == nullptr) return "-";
  return std::isnan(point->deviation) ? fmt::format("{:.1f}", 100 * point->mean)
                                      : fmt::format("{:.1f} ± {:.1f}", 100 * point->mean, 100 * point->deviation);
}

std::string table_of(const std::vector<StudyPoint>& points, const std::string& name) {
  const auto percents = in_order<double>(points, [](const StudyPoint& p) { return p.percent; });
  std::string head = "| " + name, rule = "|---", rows;
  for (const double percent : percents) {
    const auto is_it = [&](const StudyPoint& p) { return p.percent == percent; };
    const StudyPoint& point = *std::find_if(points.begin(), points.end(), is_it);
    head += fmt::format(" | {:.0f} labelled images ({} %)", point.num_images, percent);
    rule += "|---";
  }
  for (const std::string& init : inits(points)) {
    rows += "| " + init;
    for (const double percent : percents) rows += " | " + cell(find(points, init, percent));
    rows += " |\n";
  }
  return head + " |\n" + rule + "|\n" + rows;
}

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

}  // namespace

std::vector<StudyPoint> study_points(const std::vector<StudyRun>& runs, const std::string& figure) {
  std::vector<StudyPoint> points;
  std::vector<std::vector<double>> values;
  for (const StudyRun& run : runs) {
    const auto found = run.figures.find(figure);
    if (found == run.figures.end() || found->second < 0) continue;
    const auto is_it = [&](const StudyPoint& p) { return p.init == run.init && p.percent == run.percent; };
    const auto at = static_cast<std::size_t>(std::find_if(points.begin(), points.end(), is_it) - points.begin());
    if (at == points.size()) {
      points.push_back({.init = run.init, .percent = run.percent});
      values.emplace_back();
    }
    points[at].num_images += static_cast<double>(run.num_images);
    values[at].push_back(found->second);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto count = static_cast<double>(values[i].size());
    double sum = 0, squares = 0;
    for (const double value : values[i]) sum += value;
    points[i].mean = sum / count;
    for (const double value : values[i]) squares += (value - points[i].mean) * (value - points[i].mean);
    points[i].deviation = count > 1 ? std::sqrt(squares / (count - 1)) : std::nan("");
    points[i].num_runs = static_cast<std::int64_t>(values[i].size());
    points[i].num_images /= count;
  }
  return points;
}

std::string study_table(const std::vector<StudyRun>& runs) {
  std::string text;
  for (const auto& [figure, name] : kShownFigures) {
    const std::vector<StudyPoint> points = study_points(runs, figure);
    if (!points.empty()) text += (text.empty() ? "" : "\n") + table_of(points, name);
  }
  return text;
}

std::string study_json(const std::vector<StudyRun>& runs) {
  Json json{{"runs", Json::array()}, {"points", Json::object()}};
  std::set<std::string> figures;
  for (const StudyRun& run : runs) {
    Json values = Json::object();
    for (const auto& [name, value] : run.figures) values[name] = value, figures.insert(name);
    json["runs"].push_back({{"init", run.init},
                            {"percent", run.percent},
                            {"seed", run.seed},
                            {"num_images", run.num_images},
                            {"figures", values}});
  }
  for (const std::string& figure : figures)
    for (const StudyPoint& point : study_points(runs, figure))
      json["points"][figure].push_back({{"init", point.init},
                                        {"percent", point.percent},
                                        {"num_images", point.num_images},
                                        {"num_runs", point.num_runs},
                                        {"mean", point.mean},
                                        {"deviation", number(point.deviation)}});
  return json.dump(2) + "\n";
}

std::string study_svg(const std::vector<StudyRun>& runs, const std::string& title) {
  std::vector<StudyPoint> points = study_points(runs, kMainFigure);
  const std::vector<std::string> names = inits(points);
  std::stable_sort(points.begin(), points.end(),
                   [](const StudyPoint& a, const StudyPoint& b) { return a.num_images < b.num_images; });
  LinePlot plot{.title = title, .x_label = "labelled images", .y_label = "box AP", .series = {}};
  double highest = 0;
  for (const StudyPoint& point : points)
    highest = std::max(highest, point.mean + (std::isfinite(point.deviation) ? point.deviation : 0));
  for (const double max_y : {0.5, 0.2, 0.1})
    if (highest <= max_y) plot.max_y = max_y;
  for (const std::string& name : names) {
    PlotSeries series{.name = name, .x = {}, .y = {}};
    for (const StudyPoint& point : points) {
      if (point.init != name) continue;
      series.x.push_back(point.num_images);
      series.y.push_back(point.mean);
      series.spread.push_back(point.deviation);
    }
    plot.series.push_back(std::move(series));
  }
  return line_plot_svg(plot);
}

}  // namespace soco
