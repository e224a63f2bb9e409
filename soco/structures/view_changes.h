// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <vector>

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

/// Pixels x1..x2, y1..y2 of a view, both ends included.
struct CutoutRect {
  int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  bool operator==(const CutoutRect&) const = default;
};

/// What is done to a view once it is cut and resized.
struct ViewChanges {
  bool flipped = false;  ///< left and right change places
  PhotometricDecision photometric;
  std::vector<CutoutRect> cutouts;  ///< set to 0 once the view is flipped and normalised
};

}  // namespace soco
