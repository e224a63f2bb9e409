// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "soco/base/random.h"
#include "soco/data/view_plan.h"
#include "soco/image/image.h"

namespace soco {

/// One view's colour changes, drawn. A step whose option is 0 has an empty factor, as in torchvision's ColorJitter.
struct PhotometricDecision {
  bool jitter = false;
  std::array<int, 4> order{0, 1, 2, 3};  ///< of 0 brightness, 1 contrast, 2 saturation, 3 hue
  double brightness = 1.0;
  double contrast = 1.0;
  double saturation = 1.0;
  double hue = 0.0;
  std::array<bool, 4> enabled{true, true, true, true};  ///< steps whose option is not 0
  bool gray = false;
  bool blur = false;
  double blur_radius = 0.0;
  bool solarize = false;
  int solarize_threshold = 128;
};

/// Draws all decisions, used or not, so that one probability does not move the draws that follow.
PhotometricDecision draw_photometric(const PhotometricOptions& options, Rng& rng);

/// Colour jitter in the drawn order, then grey, blur, solarize.
void apply_photometric(const PhotometricDecision& decision, Image& image);

}  // namespace soco
