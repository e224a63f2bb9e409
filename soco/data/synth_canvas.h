// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "soco/base/random.h"
#include "soco/data/synth_shape.h"
#include "soco/data/synth_texture.h"
#include "soco/image/image.h"

namespace soco {

/// A shape at a place of the picture, with the distances of the pixels around it.
class PlacedShape {
 public:
  /// Centre (x, y) in px of a picture of height x width.
  PlacedShape(const Shape& shape, float x, float y, int height, int width);

  /// Signed distance of the pixel centre (x + 0.5, y + 0.5); far outside the shape a large positive number.
  float distance(int x, int y) const;

  float center_x, center_y;
  float radius;
  int x1, y1, x2, y2;      // pixels that may belong to the shape, clipped to the picture; x2, y2 exclusive
  std::int64_t full_area;  // pixels of the shape, those beyond the picture's border too

 private:
  int grid_x_, grid_y_, grid_width_, grid_height_;
  std::vector<float> grid_;
};

/// A picture of SceneColor on which a scene is painted from back to front.
class Canvas {
 public:
  Canvas(int height, int width);

  int height() const { return height_; }
  int width() const { return width_; }

  /// One or two background textures, soft blobs and strokes.
  void paint_background(const NoiseField& noise, Rng& rng);
  /// A soft shadow, displaced by (dx, dy) px.
  void paint_shadow(const PlacedShape& shape, float dx, float dy, float strength);
  /// The shape, antialiased, lit from the direction (light_x, light_y), darker towards its outline.
  void paint_shape(const PlacedShape& shape, const Texture& texture, float light_x, float light_y);
  /// A light gradient over the whole picture, a colour cast, vignetting and noise, then 8 bits.
  Image develop(Rng& rng) const;

 private:
  SceneColor& at(int y, int x) { return pixels_[static_cast<std::size_t>(y) * width_ + x]; }
  void paint_blob(Rng& rng);
  void paint_stroke(Rng& rng);

  int height_, width_;
  std::vector<SceneColor> pixels_;
};

}  // namespace soco
