// SPDX-License-Identifier: MIT
#include "soco/data/transforms/photometric.h"

#include <algorithm>
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

}  // namespace soco
