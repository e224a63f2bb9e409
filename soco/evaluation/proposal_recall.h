// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "soco/structures/annotation.h"

namespace soco {

/// Figures are given for so many proposals kept of each image, best first; the last: all.
inline constexpr std::int64_t kAllProposals = std::numeric_limits<std::int64_t>::max();
inline constexpr std::array<std::int64_t, 18> kProposalCounts{
    1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10000, kAllProposals};
/// IoU thresholds 0.5, 0.55, ..., 0.95, to the last bit as COCO's evaluation computes them.
inline constexpr std::size_t kNumThresholds = 10;
std::array<double, kNumThresholds> iou_thresholds();

/// One object to be found.
struct RecallObject {
  CocoBox box;
  double area = 0;   ///< px, decides the object's size group
  int category = 0;  ///< index, below the number of categories
  bool is_crowd = false;
};

/// Figures of one group of objects. NaN where the group is empty. Index k: kProposalCounts[k].
struct GroupRecall {
  std::string name;
  std::int64_t num_objects = 0;
  using PerCount = std::array<double, kProposalCounts.size()>;
  std::array<PerCount, kNumThresholds> recall{};  ///< share of the objects found at each IoU threshold
  PerCount average_recall{};                      ///< mean over the thresholds: COCO's AR
  PerCount average_best_overlap{};                ///< mean over the objects of the best IoU of any proposal: ABO
};

/// How well ranked boxes cover annotated objects.
struct ProposalRecall {
  std::int64_t num_images = 0, num_crowds = 0;
  double boxes_per_image = 0;
  std::array<GroupRecall, 4> sizes;     ///< all, small, medium, large: COCO's areas, with common bounds
  std::vector<GroupRecall> categories;  ///< of all sizes, in the order given
  GroupRecall::PerCount mean_abo{};     ///< mean of ABO over the categories that have objects: MABO
};

/// Measures class-agnostic boxes image by image; memory does not grow with the images.
///
/// Recall is COCO's (pycocotools with useCats = 0), to the last bit: proposals are taken by rank, and each takes the
/// object of highest IoU at or above the threshold that none before it took. An object outside the size group, or a
/// crowd, does not count, but may take the proposal. By category: the objects of that category among those found in
/// the matching of all. ABO (Uijlings et al., IJCV 2013, section 5) has no such matching: one proposal may be best for
/// several objects.
class ProposalRecallEvaluator {
 public:
  explicit ProposalRecallEvaluator(std::vector<std::string> category_names);

  /// `objects`: of one image, any order. `proposals`: best first; sizes not negative.
  void add_image(std::vector<RecallObject> objects, std::span<const CocoBox> proposals);

  ProposalRecall result() const;

 private:
  /// Objects found first with [count index] proposals, and sums of best overlaps with that many.
  struct Tally {
    std::int64_t num_objects = 0;
    std::array<std::array<std::int64_t, kProposalCounts.size()>, kNumThresholds> found{};
    std::array<double, kProposalCounts.size()> overlap{};
  };
  struct Candidate {
    std::size_t rank;
    std::vector<double> overlaps;  // with each object
  };

  std::vector<Candidate> scan(const std::vector<RecallObject>& objects, std::span<const CocoBox> proposals);
  void match(const std::vector<RecallObject>& objects, const std::vector<Candidate>& candidates, std::size_t size);
  static GroupRecall summarize(const Tally& tally, std::string name);

  std::vector<std::string> category_names_;
  std::array<double, kNumThresholds> thresholds_ = iou_thresholds();
  std::array<Tally, 4> sizes_;
  std::vector<Tally> categories_;
  std::int64_t num_images_ = 0, num_crowds_ = 0, num_boxes_ = 0;
};

/// Measures a whole set. `ranked_boxes_of` gives an image's boxes, best first, and is called once for each image.
ProposalRecall evaluate_proposals(const AnnotationSet& truth,
                                  const std::function<std::vector<CocoBox>(const AnnotatedImage&)>& ranked_boxes_of);

}  // namespace soco
