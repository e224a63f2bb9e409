// SPDX-License-Identifier: MIT
#include "soco/data/transforms/photometric.h"

#include <algorithm>
#include <span>
#include <vector>

#include "soco/image/color.h"

namespace soco {
namespace {

double draw_factor(double value, Rng& rng) { return rng.uniform(std::max(0.0, 1.0 - value), 1.0 + value); }

std::array<int, 4> draw_order(Rng& rng) {
  std::vector<int> steps{0, 1, 2, 3};
  rng.shuffle(steps);
  return {steps[0], steps[1], steps[2], steps[3]};
}

void apply_step(int step, const PhotometricDecision& decision, PlanarImage& image) {
  if (!decision.enabled[step]) return;
  switch (step) {
    case 0:
      return adjust_brightness(image, decision.brightness);
    case 1:
      return adjust_contrast(image, decision.contrast);
    case 2:
      return adjust_saturation(image, decision.saturation);
    default:
      return adjust_hue(image, decision.hue);
  }
}

void apply_photometric(const PhotometricDecision& decision, PlanarImage& image, BlurScratch& scratch) {
  if (decision.jitter) {
    for (const int step : decision.order) apply_step(step, decision, image);
  }
  if (decision.gray) to_grayscale(image);
  if (decision.blur) gaussian_blur(image, decision.blur_radius, scratch);
  if (decision.solarize) solarize(image, decision.solarize_threshold);
}

using kernels::ColourStep;

/// Steps of a fast view that wait to be done together.
struct PendingSteps {
  std::array<ColourStep, 6> steps;
  std::size_t count = 0;
  void add(ColourStep step) { steps[count++] = step; }
  std::span<const ColourStep> all() const { return {steps.data(), count}; }
};

void change_now(FastView& view, PendingSteps& pending) {
  if (pending.count > 0) fast_colours(view, pending.all());
  pending.count = 0;
}

void add_step(int step, const PhotometricDecision& decision, const FastView& view, PendingSteps& pending) {
  if (!decision.enabled[step]) return;
  switch (step) {
    case 0:
      return pending.add(fast_blend(0, decision.brightness));
    case 1:
      return pending.add(fast_blend(static_cast<int>(fast_mean(view, pending.all()) + 0.5), decision.contrast));
    case 2:
      return pending.add(fast_saturation(decision.saturation));
    default:  // as coarse as Pillow's hue
      return pending.add(fast_hue(6.0 * static_cast<int>(decision.hue * 255) / 255));
  }
}

}  // namespace

PhotometricDecision draw_photometric(const PhotometricOptions& options, Rng& rng) {
  PhotometricDecision decision;
  decision.jitter = rng.bernoulli(options.jitter_prob);
  decision.order = draw_order(rng);
  decision.brightness = draw_factor(options.brightness, rng);
  decision.contrast = draw_factor(options.contrast, rng);
  decision.saturation = draw_factor(options.saturation, rng);
  decision.hue = rng.uniform(-options.hue, options.hue);
  decision.enabled = {options.brightness > 0, options.contrast > 0, options.saturation > 0, options.hue > 0};
  decision.gray = rng.bernoulli(options.gray_prob);
  decision.blur = rng.bernoulli(options.blur_prob);
  decision.blur_radius = rng.uniform(options.blur_min, options.blur_max);
  decision.solarize = rng.bernoulli(options.solarize_prob);
  decision.solarize_threshold = options.solarize_threshold;
  return decision;
}

void apply_photometric(const PhotometricDecision& decision, Image& image) {
  PhotometricScratch scratch;
  split_planes(image, scratch.planes);
  apply_photometric(decision, scratch.planes, scratch.blur);
  join_planes(scratch.planes, image);
}

void finish_view(const PhotometricDecision& decision, Mirror mirror, const Image& resized, const ViewMemory& out,
                 PhotometricScratch& scratch) {
  split_planes(resized, scratch.planes);
  apply_photometric(decision, scratch.planes, scratch.blur);
  normalize(scratch.planes, mirror, kImageNetMean, kImageNetStd, out);
}

void finish_view(const PhotometricDecision& decision, Mirror mirror, FastView& view, const ViewMemory& out) {
  PendingSteps pending;
  if (decision.jitter) {
    for (const int step : decision.order) add_step(step, decision, view, pending);
  }
  if (decision.gray) pending.add(fast_saturation(0));
  if (decision.blur) {
    change_now(view, pending);
    fast_blur(view, decision.blur_radius);
  }
  if (decision.solarize) pending.add(fast_solarize(decision.solarize_threshold));
  change_now(view, pending);
  fast_finish(view, mirror, kImageNetMean, kImageNetStd, out);
}

}  // namespace soco
