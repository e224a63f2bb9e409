// SPDX-License-Identifier: MIT
#include "soco/report/recall_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "soco/base/format.h"
#include "soco/base/json.h"
#include "soco/report/line_plot.h"

namespace soco {
namespace {

constexpr std::array<std::int64_t, 7> kShownCounts{1, 10, 100, 300, 1000, 2000, kAllProposals};
constexpr std::size_t kAt50 = 0, kAt70 = 4;  // places of IoU 0.5 and 0.7 among the thresholds

std::string figure(double value) { return std::isnan(value) ? "-" : fmt::format("{:.4f}", value); }

std::string count_name(std::int64_t count) { return count == kAllProposals ? "all" : fmt::format("{}", count); }

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }

Json numbers(const GroupRecall::PerCount& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

Json group_json(const GroupRecall& group) {
  Json recall = Json::array();
  for (const GroupRecall::PerCount& values : group.recall) recall.push_back(numbers(values));
  return {{"name", group.name},
          {"num_objects", group.num_objects},
          {"recall", recall},
          {"ar", numbers(group.average_recall)},
          {"abo", numbers(group.average_best_overlap)}};
}

}  // namespace

std::string recall_table(const ProposalRecall& r) {
  std::string out =
      fmt::format("{} images, {} objects, {} crowds left out, {:.1f} boxes an image\n\n", format_count(r.num_images),
                  format_count(r.sizes[0].num_objects), r.num_crowds, r.boxes_per_image);
  out += fmt::format("{:>6} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "boxes", "R@0.5", "R@0.7", "AR.5:.95",
                     "AR small", "medium", "large", "ABO", "MABO");
  for (std::size_t k = 0; k < kProposalCounts.size(); ++k) {
    if (std::find(kShownCounts.begin(), kShownCounts.end(), kProposalCounts[k]) == kShownCounts.end()) continue;
    const GroupRecall& all = r.sizes[0];
    out +=
        fmt::format("{:>6} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}\n", count_name(kProposalCounts[k]),
                    figure(all.recall[kAt50][k]), figure(all.recall[kAt70][k]), figure(all.average_recall[k]),
                    figure(r.sizes[1].average_recall[k]), figure(r.sizes[2].average_recall[k]),
                    figure(r.sizes[3].average_recall[k]), figure(all.average_best_overlap[k]), figure(r.mean_abo[k]));
  }
  const std::size_t last = kProposalCounts.size() - 1;
  out += fmt::format("\n{:<20} {:>8} {:>8} {:>8} {:>10} {:>8}   (all boxes)\n", "category", "objects", "R@0.5", "R@0.7",
                     "AR.5:.95", "ABO");
  for (const GroupRecall& c : r.categories) {
    out += fmt::format("{:<20} {:>8} {:>8} {:>8} {:>10} {:>8}\n", c.name, c.num_objects, figure(c.recall[kAt50][last]),
                       figure(c.recall[kAt70][last]), figure(c.average_recall[last]),
                       figure(c.average_best_overlap[last]));
  }
  return out;
}

std::string recall_json(const ProposalRecall& r, const std::string& gt, const std::string& proposals) {
  Json counts = Json::array(), sizes = Json::array(), categories = Json::array();
  for (const std::int64_t count : kProposalCounts) counts.push_back(count == kAllProposals ? Json() : Json(count));
  for (const GroupRecall& group : r.sizes) sizes.push_back(group_json(group));
  for (const GroupRecall& group : r.categories) categories.push_back(group_json(group));
  return dump_json({{"gt", gt},
                    {"proposals", proposals},
                    {"num_images", r.num_images},
                    {"num_crowds", r.num_crowds},
                    {"boxes_per_image", r.boxes_per_image},
                    {"counts", counts},
                    {"thresholds", iou_thresholds()},
                    {"sizes", sizes},
                    {"categories", categories},
                    {"mabo", numbers(r.mean_abo)}},
                   1) +
         "\n";
}

std::string recall_svg(const ProposalRecall& r, const std::string& title) {
  // Beyond the number of boxes there is nothing to keep; the last point, "all", stands at that number.
  const double most = std::max(r.boxes_per_image, 1.0);
  const auto series = [&](const std::string& name, const GroupRecall::PerCount& values, bool dashed) {
    PlotSeries s{.name = name, .x = {}, .y = {}, .dashed = dashed};
    for (std::size_t k = 0; k < kProposalCounts.size(); ++k) {
      if (kProposalCounts[k] != kAllProposals && static_cast<double>(kProposalCounts[k]) >= most) continue;
      s.x.push_back(std::min(static_cast<double>(kProposalCounts[k]), most));
      s.y.push_back(values[k]);
    }
    return s;
  };
  LinePlot plot{.title = title, .x_label = "boxes kept of each image", .y_label = "recall, overlap", .series = {}};
  plot.series.push_back(series("recall at IoU 0.5", r.sizes[0].recall[kAt50], false));
  plot.series.push_back(series("recall at IoU 0.7", r.sizes[0].recall[kAt70], false));
  plot.series.push_back(series("recall 0.5:0.95", r.sizes[0].average_recall, false));
  for (std::size_t s = 1; s < r.sizes.size(); ++s) {
    plot.series.push_back(series("0.5:0.95, " + r.sizes[s].name, r.sizes[s].average_recall, true));
  }
  plot.series.push_back(series("MABO", r.mean_abo, false));
  return line_plot_svg(plot);
}

}  // namespace soco
