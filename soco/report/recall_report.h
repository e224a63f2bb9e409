// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "soco/evaluation/proposal_recall.h"

namespace soco {

/// The figures as tables for people: by number of boxes kept, and by category with all boxes.
std::string recall_table(const ProposalRecall& recall);

/// All figures as JSON: {"num_images", "num_crowds", "boxes_per_image", "counts" (last: null, all), "thresholds",
/// "sizes" and "categories": [{"name", "num_objects", "recall" [threshold][count], "ar" [count], "abo" [count]}],
/// "mabo" [count]}. Null stands for figures that do not exist (no objects). `gt`, `proposals`: what was measured.
std::string recall_json(const ProposalRecall& recall, const std::string& gt, const std::string& proposals);

/// Recall against the number of boxes kept, up to the mean number there is: at IoU 0.5, 0.7, averaged, by size, MABO.
std::string recall_svg(const ProposalRecall& recall, const std::string& title);

}  // namespace soco
