// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "soco/data/sample.h"
#include "soco/data/view_plan.h"
#include "soco/image/image.h"
#include "soco/structures/proposal_set.h"

namespace soco {

/// One image with what training makes of it.
struct DrawnSample {
  std::string title;  // e.g. the image's key
  Image image;
  ProposalSet proposals;  // px of `image`
  Sample sample;
};

/// A picture of the views as the network sees them. One row per sample: the source image (all proposals thin grey, the
/// selected ones in their id's colour, the crop of each view in the view's colour), then each view with its boxes.
/// A box is labelled "id/level" ("pair:id/level" when the view takes part in several pairs), and matching boxes have
/// one colour. Boxes that were jittered also show where they were, dashed. Cutouts are outlined white. Below each view:
/// flip, colour changes. The last lines are the legend.
/// `plan` must be the plan of all samples. Throws Error when there are no samples, when a sample's parts do not fit the
/// plan or when the sheet would be larger than an image may be.
Image draw_views(const std::vector<DrawnSample>& samples, const ViewPlan& plan);

/// The 8-bit picture of a normalised view; `view`: [3, size, size] float32, ImageNet mean and std. Throws Error when
/// the number of values is another.
Image image_from_view(const std::vector<float>& view, int size);

/// Where the boxes selected for side a of pair `pair` lie without their jitter, for those that were jittered; in [0, 1]
/// of the view, after its flip. Boxes that leave the crop are left out.
std::vector<Box> unjittered_boxes(const ProposalSet& proposals, const Sample& sample, const ViewPlan& plan, int pair);

}  // namespace soco
