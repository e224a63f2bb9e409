// SPDX-License-Identifier: MIT
#include "soco/image/draw_detections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "soco/base/error.h"

namespace soco {
namespace {

constexpr std::array<Color, 12> kColors{{{230, 70, 70},
                                         {60, 180, 75},
                                         {70, 120, 240},
                                         {245, 190, 40},
                                         {170, 70, 200},
                                         {60, 200, 210},
                                         {240, 120, 40},
                                         {220, 70, 170},
                                         {160, 210, 60},
                                         {120, 120, 230},
                                         {0, 150, 130},
                                         {190, 140, 90}}};
constexpr int kLargeSide = 900;  // px from which lines and letters are twice as large

/// A coordinate of a box, wherever a network put it, as a pixel of, or beside, the image.
int pixel_of(float value, int extent) {
  return std::isfinite(value) ? static_cast<int>(std::lround(std::clamp(value, -1.0f, static_cast<float>(extent) + 1)))
                              : -1;
}

std::string text_of(const ImageDetections& detections, std::size_t i, std::span<const std::string> names,
                    DrawDetectionsOptions::Text text) {
  const auto label = static_cast<std::size_t>(detections.labels[i]);
  const std::string name = label < names.size() ? names[label] : std::to_string(detections.labels[i]);
  return text == DrawDetectionsOptions::Text::kName ? name : fmt::format("{} {:.2f}", name, detections.scores[i]);
}

/// Black or white, whichever stands out.
Color ink_on(Color color) {
  return color[0] * 299 + color[1] * 587 + color[2] * 114 > 140'000 ? Color{0, 0, 0} : Color{255, 255, 255};
}

void draw_label(Image& image, int x, int y, const std::string& text, Color color, int scale) {
  const int height = (kTextHeight + 2) * scale, width = text_width(text, scale) + 2 * scale;
  const int top = std::max(0, y - height), left = std::clamp(x, 0, std::max(0, image.width - width));
  fill_rectangle(image, left, top, left + width, top + height, color);
  draw_text(image, left + scale, top + scale, text, ink_on(color), scale);
}

}  // namespace

Color label_color(int label) { return kColors[static_cast<std::size_t>(label) % kColors.size()]; }

void draw_detections(Image& image, const ImageDetections& detections, std::span<const std::string> names,
                     const DrawDetectionsOptions& options) {
  const std::size_t count = detections.boxes.size();
  SOCO_ASSERT(detections.scores.size() == count && detections.labels.size() == count);
  const int scale = std::max(image.height, image.width) >= kLargeSide ? 2 : 1;
  const auto is_drawn = [&](std::size_t i) { return detections.scores[i] >= options.min_score; };
  for (std::size_t i = count; i-- > 0 && options.mask_opacity > 0;) {
    if (is_drawn(i) && i < detections.masks.size())
      blend_mask(image, detections.masks[i], label_color(detections.labels[i]), options.mask_opacity);
  }
  for (std::size_t i = count; i-- > 0;) {
    if (!is_drawn(i)) continue;
    const Box& box = detections.boxes[i];
    const Color color = label_color(detections.labels[i]);
    const int x1 = pixel_of(box.x1, image.width), y1 = pixel_of(box.y1, image.height);
    draw_rectangle(image, x1, y1, pixel_of(box.x2, image.width), pixel_of(box.y2, image.height), color, 2 * scale);
    if (options.text != DrawDetectionsOptions::Text::kNone)
      draw_label(image, x1, y1, text_of(detections, i, names, options.text), color, scale);
  }
}

}  // namespace soco
