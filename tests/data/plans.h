// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include "soco/base/random.h"
#include "soco/data/view_plan.h"
#include "soco/image/image.h"
#include "soco/structures/proposal_set.h"

namespace soco::testing {

/// SoCo-C4 (REFERENCE: two views, one pair, area 0.6..1, cutout, one feature map).
inline ViewPlan c4_plan() {
  ViewPlan plan = soco_fpn_view_plan(true);
  plan.views.pop_back();
  plan.views[1].min_scale = 0.6;
  plan.pairs = {{.a = 0, .b = 1}};
  plan.level_thresholds = {};
  return plan;
}

/// SoCo* (four views: view 3 is a random crop at 192 px, view 4 is view 2 at 112 px; pairs 12, 13 and 14).
inline ViewPlan star_plan() {
  ViewPlan plan = soco_fpn_view_plan(false);
  plan.views[2].size = 192;
  plan.views.push_back(plan.views[1]);
  plan.views[3].name = "crop, small";
  plan.views[3].crop = "same:1";
  plan.views[3].size = 112;
  plan.pairs.push_back({.a = 0, .b = 3});
  return plan;
}

/// The plan without any change of colours, so that pixels can be recognised in the views.
inline ViewPlan without_colors(ViewPlan plan) {
  for (ViewOptions& view : plan.views) {
    view.photometric.jitter_prob = view.photometric.gray_prob = 0;
    view.photometric.blur_prob = view.photometric.solarize_prob = 0;
    view.cutout = false;
  }
  return plan;
}

/// Smooth coloured waves with some noise: every operation on it shows.
inline Image test_image(int height, int width, std::uint64_t seed) {
  Rng rng(seed, 0, 0, purpose::kSynth);
  Image image{.height = height, .width = width, .pixels = {}};
  image.pixels.reserve(std::size_t{3} * height * width);
  const double u = rng.uniform(0.02, 0.1), v = rng.uniform(0.02, 0.1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(u * x + c) + std::cos(v * y - 2 * c);
        image.pixels.push_back(static_cast<std::uint8_t>(110 + 45 * wave + rng.uniform(-20, 20)));
      }
    }
  }
  return image;
}

/// `count` boxes of whole numbers, sides from 32 px to most of the image.
inline ProposalSet test_proposals(int height, int width, int count, std::uint64_t seed) {
  Rng rng(seed, 1, 0, purpose::kSynth);
  ProposalSet set{.height = height, .width = width, .boxes = {}};
  for (int i = 0; i < count; ++i) {
    const int w = 32 + static_cast<int>(rng.uniform_int(width - 32));
    const int h = 32 + static_cast<int>(rng.uniform_int(height - 32));
    const int x = static_cast<int>(rng.uniform_int(width - w + 1));
    const int y = static_cast<int>(rng.uniform_int(height - h + 1));
    set.boxes.push_back(
        {static_cast<float>(x), static_cast<float>(y), static_cast<float>(x + w), static_cast<float>(y + h)});
  }
  return set;
}

}  // namespace soco::testing
