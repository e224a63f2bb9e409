// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>

#include "soco/image/draw.h"
#include "soco/image/image.h"
#include "soco/structures/detection_batch.h"

namespace soco {

struct DrawDetectionsOptions {
  float min_score = 0.5f;     ///< those below are left out
  double mask_opacity = 0.4;  ///< 0: masks are not drawn
  enum class Text { kNone, kName, kNameAndScore } text = Text::kNameAndScore;
};

/// Colours far apart for neighbouring labels; the same label always has the same.
Color label_color(int label);

/// Draws masks, boxes and above each box its name and score, the best on top, on the image they are detections of.
/// `names`: by label; a label beyond them is drawn as its number.
void draw_detections(Image& image, const ImageDetections& detections, std::span<const std::string> names,
                     const DrawDetectionsOptions& options = {});

}  // namespace soco
