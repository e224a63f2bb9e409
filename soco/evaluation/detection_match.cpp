// SPDX-License-Identifier: MIT
#include "soco/evaluation/detection_match.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "soco/base/thread_pool.h"
#include "soco/structures/mask_rle.h"

namespace soco {
namespace {

constexpr std::uint16_t kAllThresholds = (1u << kNumThresholds) - 1;

/// IoU; of a crowd, the share of the detection that lies in it. The order of operations is COCO's.
double box_overlap(const CocoBox& d, const CocoBox& g, bool is_crowd) {
  const double width = std::fmin(d.width + d.x, g.width + g.x) - std::fmax(d.x, g.x);
  if (width <= 0) return 0;
  const double height = std::fmin(d.height + d.y, g.height + g.y) - std::fmax(d.y, g.y);
  if (height <= 0) return 0;
  const double common = width * height;
  return common / (is_crowd ? d.area() : d.area() + g.area() - common);
}

/// Indices into the data's lists, those of one image in one stretch.
struct CategoryLists {
  std::vector<std::uint32_t> objects, detections;
};

/// One image's share of a category, with where its judged detections begin.
struct Cell {
  std::span<const std::uint32_t> objects, detections;
  std::size_t first_judged = 0;
};

/// Matches one cell after the other; holds what they need between them.
class CellMatcher {
 public:
  CellMatcher(const DetectionData& data, const MatchRules& rules) : data_(data), rules_(rules) {}

  void match(const Cell& cell, CategoryMatches& matches) {
    objects_ = cell.objects;
    detections_ = cell.detections;
    judged_ = std::span(matches.detections).subspan(cell.first_judged, detections_.size());
    is_incomplete_ = rules_.is_federated && !detections_.empty() && category_is_incomplete();
    for (std::size_t d = 0; d < detections_.size(); ++d) {
      judged_[d].score = data_.detections[detections_[d]].score;
      judged_[d].rank = static_cast<std::uint32_t>(d);
    }
    compute_overlaps();
    for (std::size_t area = 0; area < kNumAreas; ++area) match_area(area);
  }

  bool is_ignored(const TruthObject& object, std::size_t area) const {
    return (rules_.is_federated ? object.is_difficult : object.is_crowd) || !kAreaRanges[area].holds(object.area);
  }

 private:
  bool category_is_incomplete() const {
    const Detection& first = data_.detections[detections_[0]];
    const std::vector<std::int64_t>& ids = data_.images[first.image].incomplete_categories;
    return std::find(ids.begin(), ids.end(), data_.categories[first.category].id) != ids.end();
  }

  bool counts_as_crowd(const TruthObject& object) const { return object.is_crowd && !rules_.is_federated; }

  void compute_overlaps() {
    overlaps_.assign(objects_.size() * detections_.size(), 0);
    candidates_.clear();
    if (overlaps_.empty()) return;
    if (data_.overlap == OverlapKind::kMask) decode_objects();
    for (std::size_t d = 0; d < detections_.size(); ++d) {
      double* row = &overlaps_[d * objects_.size()];
      data_.overlap == OverlapKind::kMask ? mask_overlaps(detections_[d], row) : box_overlaps(detections_[d], row);
      if (*std::max_element(row, row + objects_.size()) >= thresholds_[0]) candidates_.push_back(d);
    }
  }

  void box_overlaps(std::uint32_t detection, double* row) const {
    for (std::size_t g = 0; g < objects_.size(); ++g) {
      const TruthObject& object = data_.objects[objects_[g]];
      row[g] = box_overlap(data_.detections[detection].box, object.box, counts_as_crowd(object));
    }
  }

  void decode_objects() {
    masks_.resize(objects_.size());
    boxes_.resize(objects_.size());
    for (std::size_t g = 0; g < objects_.size(); ++g) {
      const TruthObject& object = data_.objects[objects_[g]];
      masks_[g] = decode(object.mask, object.image);
      boxes_[g] = mask_box(masks_[g]);
    }
  }

  MaskRle decode(const std::string& text, std::uint32_t image) const {
    return mask_from_text(data_.images[image].height, data_.images[image].width, text);
  }

  void mask_overlaps(std::uint32_t detection, double* row) const {
    const MaskRle mask = decode(data_.detection_masks[detection], data_.detections[detection].image);
    const CocoBox box = mask_box(mask);
    for (std::size_t g = 0; g < objects_.size(); ++g) {
      if (box_overlap(box, boxes_[g], true) <= 0) continue;
      row[g] = mask_iou(mask, masks_[g], counts_as_crowd(data_.objects[objects_[g]]));
    }
  }

  void match_area(std::size_t area) {
    for (std::size_t d = 0; d < detections_.size(); ++d) {
      const bool outside = is_incomplete_ || !kAreaRanges[area].holds(data_.detections[detections_[d]].area);
      judged_[d].flags.ignored[area] = outside ? kAllThresholds : 0;
    }
    if (candidates_.empty()) return;
    order_.resize(objects_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    const auto counted = [&](std::size_t g) { return !is_ignored(data_.objects[objects_[g]], area); };
    num_counted_ =
        static_cast<std::size_t>(std::stable_partition(order_.begin(), order_.end(), counted) - order_.begin());
    for (std::size_t t = 0; t < kNumThresholds; ++t) match_threshold(area, t);
  }

  void match_threshold(std::size_t area, std::size_t t) {
    taken_.assign(objects_.size(), 0);
    const auto bit = static_cast<std::uint16_t>(1u << t);
    for (const std::size_t d : candidates_) {
      const double* row = &overlaps_[d * objects_.size()];
      std::size_t chosen = best(row, 0, num_counted_, thresholds_[t]);
      const bool is_counted = chosen < objects_.size();
      if (!is_counted) chosen = best(row, num_counted_, objects_.size(), thresholds_[t]);
      if (chosen == objects_.size()) continue;
      taken_[chosen] = 1;
      MatchFlags& flags = judged_[d].flags;
      flags.found[area] |= bit;
      flags.ignored[area] =
          static_cast<std::uint16_t>(is_counted ? flags.ignored[area] & ~bit : flags.ignored[area] | bit);
    }
  }

  /// Of the objects at places [begin, end) of the order, the free one of highest overlap (of equals the last).
  std::size_t best(const double* row, std::size_t begin, std::size_t end, double least) const {
    std::size_t chosen = objects_.size();
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t g = order_[i];
      if (row[g] < least || (taken_[g] != 0 && !counts_as_crowd(data_.objects[objects_[g]]))) continue;
      least = row[g];
      chosen = g;
    }
    return chosen;
  }

  const DetectionData& data_;
  const MatchRules& rules_;
  const std::array<double, kNumThresholds> thresholds_ = iou_thresholds();
  std::span<const std::uint32_t> objects_, detections_;
  std::span<JudgedDetection> judged_;
  bool is_incomplete_ = false;
  std::vector<double> overlaps_;         // [detection][object]
  std::vector<std::size_t> candidates_;  // detections with an overlap of at least the first threshold
  std::vector<MaskRle> masks_;           // of the objects
  std::vector<CocoBox> boxes_;
  std::vector<std::size_t> order_;  // of the objects: those that count first
  std::size_t num_counted_ = 0;
  std::vector<char> taken_;
};

/// LVIS: whether the category was looked for in the image.
bool is_judged(const DetectionData& data, const CategoryLists& lists, std::uint32_t image, std::uint32_t category) {
  const std::vector<std::int64_t>& absent = data.images[image].absent_categories;
  if (std::find(absent.begin(), absent.end(), data.categories[category].id) != absent.end()) return true;
  const auto at = std::lower_bound(lists.objects.begin(), lists.objects.end(), image,
                                   [&](std::uint32_t o, std::uint32_t i) { return data.objects[o].image < i; });
  return at != lists.objects.end() && data.objects[*at].image == image;
}

void sort_lists(const DetectionData& data, const MatchRules& rules, std::uint32_t category, CategoryLists& lists) {
  std::stable_sort(lists.objects.begin(), lists.objects.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return data.objects[a].image < data.objects[b].image; });
  if (rules.is_federated) {
    std::erase_if(lists.detections,
                  [&](std::uint32_t d) { return !is_judged(data, lists, data.detections[d].image, category); });
  }
  std::stable_sort(lists.detections.begin(), lists.detections.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Detection &x = data.detections[a], &y = data.detections[b];
    return x.image != y.image ? x.image < y.image : x.score > y.score;
  });
}

/// Cuts a category's sorted lists into cells of one image each.
std::vector<Cell> cells_of(const DetectionData& data, const MatchRules& rules, const CategoryLists& lists) {
  std::vector<Cell> cells;
  std::size_t object = 0, detection = 0, num_judged = 0;
  while (object < lists.objects.size() || detection < lists.detections.size()) {
    const auto image_at = [&](const auto& list, std::size_t at, const auto& items) {
      return at < list.size() ? items[list[at]].image : std::numeric_limits<std::uint32_t>::max();
    };
    const std::uint32_t image =
        std::min(image_at(lists.objects, object, data.objects), image_at(lists.detections, detection, data.detections));
    const std::size_t first_object = object, first_detection = detection;
    while (image_at(lists.objects, object, data.objects) == image) ++object;
    while (image_at(lists.detections, detection, data.detections) == image) ++detection;
    const std::size_t count = std::min(detection - first_detection, rules.max_detections);
    cells.push_back({.objects = std::span(lists.objects).subspan(first_object, object - first_object),
                     .detections = std::span(lists.detections).subspan(first_detection, count),
                     .first_judged = num_judged});
    num_judged += count;
  }
  return cells;
}

}  // namespace

std::vector<CategoryMatches> match_detections(const DetectionData& data, const MatchRules& rules) {
  std::vector<CategoryLists> lists(data.categories.size());
  for (std::uint32_t i = 0; i < data.objects.size(); ++i) lists[data.objects[i].category].objects.push_back(i);
  for (std::uint32_t i = 0; i < data.detections.size(); ++i) lists[data.detections[i].category].detections.push_back(i);
  std::vector<CategoryMatches> matches(data.categories.size());
  const auto num_categories = static_cast<std::int64_t>(data.categories.size());
  std::vector<std::vector<Cell>> cells(data.categories.size());
  parallel_for(rules.num_workers, num_categories, [&](std::int64_t i) {
    const auto c = static_cast<std::size_t>(i);
    sort_lists(data, rules, static_cast<std::uint32_t>(c), lists[c]);
    cells[c] = cells_of(data, rules, lists[c]);
    if (!cells[c].empty())
      matches[c].detections.resize(cells[c].back().first_judged + cells[c].back().detections.size());
  });
  // Blocks of cells, so that one category that most objects are of is shared out too.
  constexpr std::size_t kBlock = 256;
  std::vector<std::pair<std::size_t, std::size_t>> blocks;  // category, first cell
  for (std::size_t c = 0; c < cells.size(); ++c) {
    for (std::size_t first = 0; first < cells[c].size(); first += kBlock) blocks.emplace_back(c, first);
  }
  parallel_for(rules.num_workers, static_cast<std::int64_t>(blocks.size()), [&](std::int64_t i) {
    const auto [c, first] = blocks[static_cast<std::size_t>(i)];
    CellMatcher matcher(data, rules);
    const std::size_t end = std::min(first + kBlock, cells[c].size());
    for (std::size_t k = first; k < end; ++k) matcher.match(cells[c][k], matches[c]);
  });
  parallel_for(rules.num_workers, num_categories, [&](std::int64_t i) {
    const auto c = static_cast<std::size_t>(i);
    const CellMatcher matcher(data, rules);
    for (const std::uint32_t o : lists[c].objects) {
      for (std::size_t a = 0; a < kNumAreas; ++a) {
        matches[c].num_objects[a] += matcher.is_ignored(data.objects[o], a) ? 0 : 1;
      }
    }
    std::stable_sort(matches[c].detections.begin(), matches[c].detections.end(),
                     [](const JudgedDetection& a, const JudgedDetection& b) { return a.score > b.score; });
  });
  return matches;
}

}  // namespace soco
