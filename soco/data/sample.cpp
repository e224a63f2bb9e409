// SPDX-License-Identifier: MIT
#include "soco/data/sample.h"

#include <algorithm>
#include <utility>

#include "soco/base/error.h"
#include "soco/data/transforms/level.h"
#include "soco/image/normalize.h"
#include "soco/proposals/random_boxes.h"

namespace soco {
namespace {

/// One selection of boxes, shared by all pairs whose two views come from the same two crops.
struct BoxSet {
  int root_a = 0, root_b = 0;         // views whose crops the sides lie in
  std::vector<IdBox> selected;        // px of the image
  std::vector<IdBox> side_a, side_b;  // px of the crops, K each
};

std::vector<BoxSet> box_sets_of_plan(const ViewPlan& plan, std::vector<int>& set_of_pair) {
  std::vector<BoxSet> sets;
  for (const PairOptions& pair : plan.pairs) {
    const int root_a = root_view(plan, pair.a), root_b = root_view(plan, pair.b);
    const auto known = std::find_if(sets.begin(), sets.end(),
                                    [&](const BoxSet& set) { return set.root_a == root_a && set.root_b == root_b; });
    set_of_pair.push_back(static_cast<int>(known - sets.begin()));
    if (known == sets.end()) sets.push_back({root_a, root_b, {}, {}, {}});
  }
  return sets;
}

void draw_crops(int height, int width, const ViewPlan& plan, SampleTrace& trace, Rng& rng) {
  for (std::size_t v = 0; v < plan.views.size(); ++v) {
    const CropSource source = parse_crop_source(plan.views[v].crop, static_cast<int>(v));
    ViewTrace& view = trace.views[v];
    view.crop = {0, 0, width, height};
    view.draw = {};
    if (source.kind == CropSource::Kind::kRandom) {
      const RandomCrop crop = draw_random_crop(height, width, plan.views[v], rng);
      view.crop = crop.rect;
      view.draw = crop.draw;
    } else if (source.kind == CropSource::Kind::kSame) {
      view.crop = trace.views[source.view].crop;
      view.draw = trace.views[source.view].draw;
    }
  }
}

/// Selects for every set; true when each has at least `required` boxes.
bool draw_selections(const std::vector<IdBox>& boxes, const ViewPlan& plan, int required, std::vector<BoxSet>& sets,
                     SampleTrace& trace, Rng& rng) {
  bool enough = true;
  for (std::size_t s = 0; s < sets.size(); ++s) {
    const auto candidates =
        boxes_in_both_crops(boxes, trace.views[sets[s].root_a].crop, trace.views[sets[s].root_b].crop);
    sets[s].selected = select_boxes(candidates, plan.num_boxes, rng);
    trace.box_sets[s].num_candidates = static_cast<int>(candidates.size());
    enough = enough && static_cast<int>(sets[s].selected.size()) >= required;
  }
  return enough;
}

/// What is drawn from, px of the image.
std::vector<IdBox> candidate_boxes(const ProposalSet& proposals, const ViewPlan& plan, SampleTrace& trace, Rng& rng) {
  if (plan.boxes != BoxChoice::kRandom) return id_boxes_from_proposals(proposals);
  trace.random_boxes = random_boxes(proposals.height, proposals.width, {}, rng);
  return id_boxes_from_proposals({proposals.height, proposals.width, trace.random_boxes});
}

/// Draws crops and boxes until every set has enough boxes; each failure halves what is enough.
void draw_crops_and_selections(int height, int width, const ProposalSet& proposals, const ViewPlan& plan,
                               std::vector<BoxSet>& sets, SampleTrace& trace, Rng& rng) {
  const std::vector<IdBox> boxes = candidate_boxes(proposals, plan, trace, rng);
  int required = std::max(plan.num_boxes / 2, 1);
  for (trace.num_tries = 1;; ++trace.num_tries) {
    draw_crops(height, width, plan, trace, rng);
    const bool enough = draw_selections(boxes, plan, required, sets, trace, rng);
    if (enough || trace.num_tries == plan.max_tries) return;
    required = std::max(required / 2, 1);
  }
}

void jitter_clip_and_pad(const ViewPlan& plan, BoxSet& set, BoxSetTrace& set_trace, const SampleTrace& trace,
                         Rng& rng) {
  std::vector<IdBox> jittered;
  for (const IdBox& box : set.selected) {
    set_trace.selected_ids.push_back(box.id);
    set_trace.jitters.push_back(draw_box_jitter(plan.box_jitter_prob, plan.box_jitter_ratio, rng));
    jittered.push_back(jitter_box(box, set_trace.jitters.back()));
  }
  set.side_a = clip_boxes(jittered, trace.views[set.root_a].crop);
  set.side_b = clip_boxes(set.selected, trace.views[set.root_b].crop);
  set_trace.padding_a = draw_padding(set.side_a, set.side_b, plan.num_boxes, rng);
  set_trace.padding_b = draw_padding(set.side_b, set.side_a, plan.num_boxes, rng);
  set.side_a = pad_boxes(std::move(set.side_a), set_trace.padding_a);
  set.side_b = pad_boxes(std::move(set.side_b), set_trace.padding_b);
}

/// The boxes of every set, as they lie in its two crops.
void draw_box_sets(int height, int width, const ProposalSet& proposals, const ViewPlan& plan, std::vector<BoxSet>& sets,
                   SampleTrace& trace, Rng& rng) {
  if (plan.boxes != BoxChoice::kImage) {
    draw_crops_and_selections(height, width, proposals, plan, sets, trace, rng);
    for (std::size_t s = 0; s < sets.size(); ++s) jitter_clip_and_pad(plan, sets[s], trace.box_sets[s], trace, rng);
    return;
  }
  trace.num_tries = 1;
  draw_crops(height, width, plan, trace, rng);
  for (BoxSet& set : sets) {
    set.side_a = clip_boxes({}, trace.views[set.root_a].crop);  // of no box: the whole crop
    set.side_b = clip_boxes({}, trace.views[set.root_b].crop);
  }
}

int assigned_level(const IdBox& box, const CropRect& crop, int view_size, const ViewPlan& plan) {
  if (plan.level_rule == LevelRule::kDetectron2 && !plan.level_thresholds.empty())
    return detectron2_level_of_box(box, crop, view_size);
  return level_of_box(box, crop, view_size, plan.level_thresholds);
}

SampleSide side_in_view(const std::vector<IdBox>& boxes, const ViewTrace& view, int view_size, const ViewPlan& plan) {
  SampleSide side;
  for (const IdBox& box : boxes) {
    const Box normalized = normalized_box(box, view.crop);
    side.boxes.push_back(view.flipped ? flip_box(normalized) : normalized);
    side.ids.push_back(box.id);
    side.levels.push_back(assigned_level(box, view.crop, view_size, plan));
  }
  return side;
}

void draw_cutouts(const ViewPlan& plan, int view, const SampleSide& side, ViewTrace& trace, Rng& rng) {
  if (!plan.views[view].cutout) return;
  for (const Box& box : side.boxes) {
    if (const auto rect = draw_cutout(box, plan.views[view].size, plan, rng)) trace.cutouts.push_back(*rect);
  }
}

void check_sizes(int height, int width, const ProposalSet& proposals) {
  if (height < 1 || width < 1) fail("an image of {} x {} px cannot be cut into views", height, width);
  if (proposals.height != height || proposals.width != width) {
    fail(
        "proposals were made for an image of {} x {} px (height x width), but the image has {} x {}; make the "
        "proposals again",
        proposals.height, proposals.width, height, width);
  }
}

}  // namespace

Sample draw_sample(int height, int width, const ProposalSet& proposals, const ViewPlan& plan, Rng& rng) {
  check_sizes(height, width, proposals);
  Sample sample;
  SampleTrace& trace = sample.trace;
  std::vector<BoxSet> sets = box_sets_of_plan(plan, trace.box_set_of_pair);
  trace.views.resize(plan.views.size());
  trace.box_sets.resize(sets.size());

  draw_box_sets(height, width, proposals, plan, sets, trace, rng);
  for (std::size_t v = 0; v < plan.views.size(); ++v) {
    trace.views[v].flipped = rng.bernoulli(plan.flip_prob);
    trace.views[v].photometric = draw_photometric(plan.views[v].photometric, rng);
  }
  for (std::size_t p = 0; p < plan.pairs.size(); ++p) {
    const auto [a, b] = plan.pairs[p];
    const BoxSet& set = sets[trace.box_set_of_pair[p]];
    Sample::Pair pair{side_in_view(set.side_a, trace.views[a], plan.views[a].size, plan),
                      side_in_view(set.side_b, trace.views[b], plan.views[b].size, plan)};
    draw_cutouts(plan, a, pair.a, trace.views[a], rng);
    draw_cutouts(plan, b, pair.b, trace.views[b], rng);
    sample.pairs.push_back(std::move(pair));
  }
  return sample;
}

DecodeRequest decode_request_for(const ViewPlan& plan, const SampleTrace& trace, Quality quality) {
  DecodeRequest request;
  request.fast = quality == Quality::kFast;
  int x_end = 0, y_end = 0, scale = 8;  // libjpeg's greatest
  CropRect& region = request.region;
  for (std::size_t v = 0; v < plan.views.size(); ++v) {
    const CropRect& crop = trace.views[v].crop;
    region.x = v == 0 ? crop.x : std::min(region.x, crop.x);
    region.y = v == 0 ? crop.y : std::min(region.y, crop.y);
    x_end = std::max(x_end, crop.x + crop.width);
    y_end = std::max(y_end, crop.y + crop.height);
    const double least = kFastSideRatio * plan.views[v].size;
    while (scale > 1 && std::min(crop.width, crop.height) < scale * least) scale /= 2;
  }
  region.width = x_end - region.x;
  region.height = y_end - region.y;
  if (request.fast) {
    request.region = {};
    request.scale = scale;
  }
  return request;
}

namespace {

/// The crop in px of what was decoded.
CropWindow window_of(const DecodedPart& source, const CropRect& crop) {
  const double scale = source.scale;  // the last row and column of a scaled picture may stand for fewer px
  const double x = crop.x / scale - source.x, y = crop.y / scale - source.y;
  return {x, y, std::min(crop.width / scale, source.image.width - x),
          std::min(crop.height / scale, source.image.height - y)};
}

/// The crop of view `v`, scaled to the view's size.
const Image& resized_view(const DecodedPart& source, const ViewPlan& plan, const SampleTrace& trace, std::size_t v,
                          SampleScratch& scratch) {
  const CropSource crop = parse_crop_source(plan.views[v].crop, static_cast<int>(v));
  Image& resized = scratch.resized[v];
  reshape(resized, plan.views[v].size, plan.views[v].size);
  if (crop.kind == CropSource::Kind::kSame) {
    const Image& base = scratch.resized[static_cast<std::size_t>(crop.view)];
    crop_and_resize(base, CropRect{0, 0, base.width, base.height}, resized, Filter::kBilinear, scratch.resize);
  } else {
    crop_and_resize(source.image, window_of(source, trace.views[v].crop), resized, Filter::kBilinear, scratch.resize);
  }
  return resized;
}

}  // namespace

void render_views(const DecodedPart& source, const ViewPlan& plan, const SampleTrace& trace, Quality quality,
                  std::span<const ViewMemory> out, SampleScratch& scratch) {
  SOCO_ASSERT(out.size() == plan.views.size() && trace.views.size() == plan.views.size());
  scratch.resized.resize(plan.views.size());
  for (std::size_t v = 0; v < plan.views.size(); ++v) {
    const ViewTrace& view = trace.views[v];
    const int size = plan.views[v].size;
    const Mirror mirror = view.flipped ? Mirror::kYes : Mirror::kNo;
    if (out[v].type == ElementType::kUint8) {
      SOCO_ASSERT(quality == Quality::kExact && out[v].layout == PixelLayout::kHwc);
      std::ranges::copy(resized_view(source, plan, trace, v, scratch).pixels, static_cast<std::uint8_t*>(out[v].data));
      continue;
    }
    if (quality == Quality::kFast) {
      fast_resize(source.image, window_of(source, view.crop), size, size, scratch.fast);
      finish_view(view.photometric, mirror, scratch.fast, out[v]);
    } else {
      finish_view(view.photometric, mirror, resized_view(source, plan, trace, v, scratch), out[v], scratch.photometric);
    }
    for (const CutoutRect& rect : view.cutouts) apply_cutout(rect, size, out[v]);
  }
}

std::vector<std::vector<float>> render_views(const Image& image, const ViewPlan& plan, const SampleTrace& trace) {
  std::vector<std::vector<float>> views;
  std::vector<ViewMemory> memory;
  for (const ViewOptions& view : plan.views)
    memory.push_back({views.emplace_back(std::size_t{3} * view.size * view.size).data()});
  SampleScratch scratch;
  render_views(DecodedPart{image}, plan, trace, Quality::kExact, memory, scratch);
  return views;
}

Sample make_sample(const Image& image, const ProposalSet& proposals, const ViewPlan& plan, Rng& rng) {
  Sample sample = draw_sample(image.height, image.width, proposals, plan, rng);
  sample.views = render_views(image, plan, sample.trace);
  return sample;
}

}  // namespace soco
