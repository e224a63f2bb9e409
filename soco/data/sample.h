// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "soco/base/random.h"
#include "soco/data/transforms/boxes.h"
#include "soco/data/transforms/cutout.h"
#include "soco/data/transforms/photometric.h"
#include "soco/data/transforms/random_resized_crop.h"
#include "soco/data/view_plan.h"
#include "soco/image/codec.h"
#include "soco/image/image.h"
#include "soco/structures/box.h"
#include "soco/structures/proposal_set.h"

namespace soco {

/// The boxes of one pair on one of its views; K entries each.
struct SampleSide {
  std::vector<Box> boxes;   ///< xyxy in [0, 1] of the view, after its flip
  std::vector<int> ids;     ///< boxes of a pair with equal ids match; from 1
  std::vector<int> levels;  ///< 0.. = P2.., kNoLevel: none
};

/// All that chance decided for one view.
struct ViewTrace : ViewChanges {
  CropRect crop;  ///< px of the image
  CropDraw draw;  ///< of random crops
};

/// All that chance decided for one selection of boxes.
struct BoxSetTrace {
  int num_candidates = 0;          ///< proposals that lie in both crops
  std::vector<int> selected_ids;   ///< in the order drawn
  std::vector<BoxJitter> jitters;  ///< one per selected box
  std::vector<int> padding_a;      ///< rows repeated on side a
  std::vector<int> padding_b;
};

/// Every random decision of a sample, in data: drawings show it, and an oracle replays it.
struct SampleTrace {
  int num_tries = 0;
  std::vector<Box> random_boxes;  ///< BoxChoice::kRandom: what took the proposals' place, px of the image
  std::vector<ViewTrace> views;
  std::vector<BoxSetTrace> box_sets;
  std::vector<int> box_set_of_pair;  ///< index into box_sets
};

struct Sample {
  struct Pair {
    SampleSide a, b;
  };
  std::vector<std::vector<float>> views;  ///< per view [3, size, size] float32, RGB, normalised
  std::vector<Pair> pairs;                ///< per pair of the plan
  SampleTrace trace;
};

/// Everything of a sample but its pixels (`views` stays empty): all random decisions and the boxes that follow from
/// them. `height`, `width`: the image's.
Sample draw_sample(int height, int width, const ProposalSet& proposals, const ViewPlan& plan, Rng& rng);

/// Whether views have Pillow's pixels, or are made with less work where it hardly shows: libjpeg's fast ways and
/// smaller scales, see decode_request_for, and finish_view with less rounding between its steps.
enum class Quality { kExact, kFast };

/// What the views of a sample need of an image of `height` x `width` px. Exact: the region of all crops. Fast: the
/// whole at the smallest scale that leaves each crop kFastSideRatio of its view's side.
DecodeRequest decode_request_for(const ViewPlan& plan, const SampleTrace& trace, Quality quality);

inline constexpr double kFastSideRatio = 0.6;

/// Memory of render_views, kept between samples by one thread.
struct SampleScratch {
  std::vector<Image> resized;  // before mirror and colours: what a "same:" view is made from
  ResizeScratch resize;
  PhotometricScratch photometric;
  FastView fast;
};

/// The views as the trace says, each to its place. Draws nothing. `source` holds what decode_request_for asks for.
/// Allocates nothing once `scratch` has held a sample of this plan, and as large crops. Fast: a "same:" view is made
/// from the image, not from the other view. Views of bytes (exact, [height, width, 3]) are cut and resized alone: what
/// else the trace says is left to others.
void render_views(const DecodedPart& source, const ViewPlan& plan, const SampleTrace& trace, Quality quality,
                  std::span<const ViewMemory> out, SampleScratch& scratch);

/// The views of a whole image, each [3, size, size] float32.
std::vector<std::vector<float>> render_views(const Image& image, const ViewPlan& plan, const SampleTrace& trace);

/// One training sample: views and the boxes of each pair (SoCo section 3.1 to 3.3; the release's order of steps).
/// `proposals`: true px bounds in `image`, looked at when plan.boxes is kObjects; their height and width must be the
/// image's, else Error. `plan` must be valid. The same rng state gives the same sample.
Sample make_sample(const Image& image, const ProposalSet& proposals, const ViewPlan& plan, Rng& rng);

}  // namespace soco
