// SPDX-License-Identifier: MIT
#include "soco/evaluation/proposal_recall.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct SizeGroup {
  const char* name;
  double min_area, max_area;  // px, both within
};
// COCO's; an object of exactly 32 * 32 px is small and medium.
constexpr std::array<SizeGroup, 4> kSizeGroups{
    {{"all", 0, 1e10}, {"small", 0, 1024}, {"medium", 1024, 9216}, {"large", 9216, 1e10}}};
constexpr std::size_t kAllSizes = 0;

/// IoU; of a crowd, the share of the proposal that lies in it. The order of operations is COCO's.
double overlap(const CocoBox& proposal, const RecallObject& object) {
  const CocoBox& g = object.box;
  const double width = std::fmin(proposal.width + proposal.x, g.width + g.x) - std::fmax(proposal.x, g.x);
  const double height = std::fmin(proposal.height + proposal.y, g.height + g.y) - std::fmax(proposal.y, g.y);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  const double joint = object.is_crowd ? proposal.area() : proposal.area() + g.area() - common;
  return common / joint;
}

/// The first count that keeps the proposal of this rank (from 0).
std::size_t count_index(std::size_t rank) {
  const auto keeps = std::upper_bound(kProposalCounts.begin(), kProposalCounts.end(), static_cast<std::int64_t>(rank));
  return static_cast<std::size_t>(keeps - kProposalCounts.begin());
}

}  // namespace

std::array<double, kNumThresholds> iou_thresholds() {
  // numpy.linspace(0.5, 0.95, 10): i * step + start, the end given exactly; never quite 1, as in COCO's matching.
  const double step = (0.95 - 0.5) / (kNumThresholds - 1);
  std::array<double, kNumThresholds> thresholds{};
  for (std::size_t i = 0; i < kNumThresholds; ++i) thresholds[i] = static_cast<double>(i) * step + 0.5;
  thresholds.back() = 0.95;
  return thresholds;
}

ProposalRecallEvaluator::ProposalRecallEvaluator(std::vector<std::string> category_names)
    : category_names_(std::move(category_names)), categories_(category_names_.size()) {}

/// Adds the best overlaps up, and returns the proposals that can be matched at all, which are few.
std::vector<ProposalRecallEvaluator::Candidate> ProposalRecallEvaluator::scan(const std::vector<RecallObject>& objects,
                                                                              std::span<const CocoBox> proposals) {
  std::vector<Candidate> candidates;
  std::vector<double> best(objects.size(), 0), row(objects.size());
  const auto add_best = [&](std::size_t k) {
    for (std::size_t g = 0; g < objects.size(); ++g) {
      if (objects[g].is_crowd) continue;
      categories_[static_cast<std::size_t>(objects[g].category)].overlap[k] += best[g];
      for (std::size_t s = 0; s < kSizeGroups.size(); ++s) {
        if (objects[g].area >= kSizeGroups[s].min_area && objects[g].area <= kSizeGroups[s].max_area) {
          sizes_[s].overlap[k] += best[g];
        }
      }
    }
  };
  std::size_t k = 0;
  for (std::size_t rank = 0; rank < proposals.size(); ++rank) {
    for (; kProposalCounts[k] == static_cast<std::int64_t>(rank); ++k) add_best(k);
    double highest = 0;
    for (std::size_t g = 0; g < objects.size(); ++g) {
      row[g] = overlap(proposals[rank], objects[g]);
      best[g] = std::max(best[g], row[g]);
      highest = std::max(highest, row[g]);
    }
    if (highest >= thresholds_.front()) candidates.push_back({rank, row});
  }
  for (; k < kProposalCounts.size(); ++k) add_best(k);
  return candidates;
}

void ProposalRecallEvaluator::match(const std::vector<RecallObject>& objects, const std::vector<Candidate>& candidates,
                                    std::size_t size) {
  const SizeGroup& group = kSizeGroups[size];
  const auto ignored = [&](std::size_t g) {
    return objects[g].is_crowd || objects[g].area < group.min_area || objects[g].area > group.max_area;
  };
  std::vector<std::size_t> order(objects.size());
  for (std::size_t g = 0; g < order.size(); ++g) order[g] = g;
  const auto first_ignored =
      std::stable_partition(order.begin(), order.end(), [&](std::size_t g) { return !ignored(g); });
  sizes_[size].num_objects += first_ignored - order.begin();
  for (std::size_t t = 0; t < kNumThresholds; ++t) {
    std::vector<bool> taken(objects.size(), false);
    for (const Candidate& candidate : candidates) {
      double highest = thresholds_[t];
      std::size_t chosen = objects.size();
      const auto consider = [&](std::size_t g) {
        if (taken[g] && !objects[g].is_crowd) return;
        if (candidate.overlaps[g] < highest) return;
        highest = candidate.overlaps[g];  // of equals the last, as in COCO's
        chosen = g;
      };
      std::for_each(order.begin(), first_ignored, consider);
      if (chosen == objects.size()) {
        std::for_each(first_ignored, order.end(), consider);
        if (chosen < objects.size()) taken[chosen] = true;
        continue;
      }
      taken[chosen] = true;
      const std::size_t k = count_index(candidate.rank);
      ++sizes_[size].found[t][k];
      if (size == kAllSizes) ++categories_[static_cast<std::size_t>(objects[chosen].category)].found[t][k];
    }
  }
}

void ProposalRecallEvaluator::add_image(std::vector<RecallObject> objects, std::span<const CocoBox> proposals) {
  // COCO's evaluation goes through an image's objects by category, which decides between equal overlaps.
  std::stable_sort(objects.begin(), objects.end(),
                   [](const RecallObject& a, const RecallObject& b) { return a.category < b.category; });
  for (const RecallObject& object : objects) {
    SOCO_ASSERT(object.category >= 0 && static_cast<std::size_t>(object.category) < categories_.size());
    if (object.is_crowd) {
      ++num_crowds_;
    } else {
      ++categories_[static_cast<std::size_t>(object.category)].num_objects;
    }
  }
  ++num_images_;
  num_boxes_ += static_cast<std::int64_t>(proposals.size());
  const std::vector<Candidate> candidates = scan(objects, proposals);
  for (std::size_t size = 0; size < kSizeGroups.size(); ++size) match(objects, candidates, size);
}

GroupRecall ProposalRecallEvaluator::summarize(const Tally& tally, std::string name) {
  GroupRecall group;
  group.name = std::move(name);
  group.num_objects = tally.num_objects;
  const auto share = [&](double sum) {
    return tally.num_objects > 0 ? sum / static_cast<double>(tally.num_objects) : kNaN;
  };
  std::array<std::int64_t, kNumThresholds> found{};
  for (std::size_t k = 0; k < kProposalCounts.size(); ++k) {
    double sum = 0;
    for (std::size_t t = 0; t < kNumThresholds; ++t) {
      found[t] += tally.found[t][k];
      group.recall[t][k] = share(static_cast<double>(found[t]));
      sum += group.recall[t][k];
    }
    group.average_recall[k] = sum / kNumThresholds;
    group.average_best_overlap[k] = share(tally.overlap[k]);
  }
  return group;
}

ProposalRecall ProposalRecallEvaluator::result() const {
  ProposalRecall result;
  result.num_images = num_images_;
  result.num_crowds = num_crowds_;
  result.boxes_per_image = num_images_ > 0 ? static_cast<double>(num_boxes_) / static_cast<double>(num_images_) : 0;
  for (std::size_t s = 0; s < kSizeGroups.size(); ++s) result.sizes[s] = summarize(sizes_[s], kSizeGroups[s].name);
  for (std::size_t c = 0; c < categories_.size(); ++c) {
    result.categories.push_back(summarize(categories_[c], category_names_[c]));
  }
  for (std::size_t k = 0; k < kProposalCounts.size(); ++k) {
    double sum = 0;
    int count = 0;
    for (const GroupRecall& category : result.categories) {
      if (category.num_objects == 0) continue;
      sum += category.average_best_overlap[k];
      ++count;
    }
    result.mean_abo[k] = count > 0 ? sum / count : kNaN;
  }
  return result;
}

ProposalRecall evaluate_proposals(const AnnotationSet& truth,
                                  const std::function<std::vector<CocoBox>(const AnnotatedImage&)>& ranked_boxes_of) {
  std::vector<std::string> names;
  std::unordered_map<std::int64_t, int> category_of_id;
  for (const ObjectCategory& category : truth.categories) {
    category_of_id.emplace(category.id, static_cast<int>(names.size()));
    names.push_back(category.name);
  }
  std::unordered_map<std::int64_t, std::vector<RecallObject>> objects_of_image;
  for (const ObjectAnnotation& a : truth.annotations) {
    objects_of_image[a.image_id].push_back(
        {.box = a.box, .area = a.area, .category = category_of_id.at(a.category_id), .is_crowd = a.is_crowd});
  }
  ProposalRecallEvaluator evaluator(std::move(names));
  for (const AnnotatedImage& image : truth.images) {
    evaluator.add_image(std::move(objects_of_image[image.id]), ranked_boxes_of(image));
  }
  return evaluator.result();
}

}  // namespace soco
