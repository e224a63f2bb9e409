// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "soco/image/image.h"
#include "soco/structures/proposal_set.h"

namespace soco {

/// An image with its ranked boxes, best first, px of `image`.
struct DrawnProposals {
  std::string title;
  Image image;
  std::vector<Box> boxes;
};

/// A contact sheet of images, each at most 360 px wide and high, with its first `num_boxes` boxes: the best thick and
/// numbered, colours from warm to cold with the rank; below, title, size and number of boxes.
/// Error when there is nothing to draw or the sheet would be larger than 100 megapixels.
Image draw_proposals(const std::vector<DrawnProposals>& images, int num_boxes);

/// Counts of what a store holds, gathered image by image.
class ProposalHistograms {
 public:
  /// `boxes`: all of an image; `num_kept`: how many of them a filter leaves. Sides positive.
  void add(int height, int width, const std::vector<Box>& boxes, std::size_t num_kept);
  void add_bad() { ++num_bad_; }

  /// Histograms as text: boxes an image, sizes (sqrt of box over image area), aspect (width over height), share kept.
  std::string text() const;

 private:
  std::int64_t num_images_ = 0, num_bad_ = 0, num_boxes_ = 0, num_kept_ = 0;
  std::vector<std::int64_t> counts_ = std::vector<std::int64_t>(32, 0);  // [i]: 2^(i-1) to 2^i - 1 boxes
  std::vector<std::int64_t> sizes_ = std::vector<std::int64_t>(10, 0);   // tenths
  std::vector<std::int64_t> aspects_ = std::vector<std::int64_t>(8, 0);  // by powers of 2, 1/16 to 16
};

}  // namespace soco
