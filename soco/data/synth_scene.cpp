// SPDX-License-Identifier: MIT
#include "soco/data/synth_scene.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "soco/data/synth_canvas.h"

namespace soco {
namespace {

constexpr double kMinVisibleRatio = 0.15;
constexpr std::int64_t kMinVisibleArea = 40;  // px; about the smallest object that an eye still tells by its shape
constexpr int kMaxTries = 12;
constexpr int kFree = -1;

struct Part {
  PlacedShape shape;
  Texture texture;
};

// An object (one part) or a crowd (many), in the order front to back.
struct Unit {
  int category = 0;
  bool crowd = false;
  std::vector<Part> parts;
};

// Places units from front to back, so that what is accepted stays as visible as it was when it was accepted.
class Arrangement {
 public:
  Arrangement(int height, int width, const SynthOptions& options, const NoiseField& noise, Rng& rng)
      : height_(height),
        width_(width),
        options_(options),
        noise_(noise),
        rng_(rng),
        owner_(static_cast<std::size_t>(height) * width, kFree) {}

  void place_object() {
    for (int i = 0; i < kMaxTries; ++i) {
      // Uniform in size rather than in log size: the filter of proposals keeps 0.3 .. 0.8 of the image's side, and
      // small objects are in the crowds already. The circle around a shape is larger than its box.
      const double diameter = std::min(height_, width_) * rng_.uniform(options_.min_size, options_.max_size);
      Unit unit{draw_category(), false, {}};
      unit.parts.push_back(
          draw_part(unit.category, diameter / 2, rng_.uniform(0.0, width_), rng_.uniform(0.0, height_)));
      if (accept(std::move(unit))) return;
    }
  }

  void place_crowd() {
    for (int i = 0; i < kMaxTries; ++i) {
      const double side = std::min(height_, width_), spread = side * rng_.uniform(0.12, 0.3);
      const double cx = rng_.uniform(0.1, 0.9) * width_, cy = rng_.uniform(0.1, 0.9) * height_;
      Unit unit{draw_category(), true, {}};
      for (std::uint64_t left = 12 + rng_.uniform_int(19); left > 0; --left) {
        const double angle = rng_.uniform(0.0, 2 * std::numbers::pi), r = spread * std::sqrt(rng_.uniform());
        const double x = cx + 1.5 * r * std::cos(angle), y = cy + r * std::sin(angle);
        unit.parts.push_back(draw_part(unit.category, side * rng_.uniform(0.02, 0.045), x, y));
      }
      if (accept(std::move(unit))) return;
    }
  }

  const std::vector<Unit>& units() const { return units_; }

  BinaryMask visible_mask(int unit) const {
    BinaryMask mask{height_, width_, std::vector<std::uint8_t>(owner_.size())};
    std::transform(owner_.begin(), owner_.end(), mask.pixels.begin(),
                   [unit](int owner) { return static_cast<std::uint8_t>(owner == unit); });
    return mask;
  }

 private:
  int draw_category() { return static_cast<int>(rng_.uniform_int(static_cast<std::uint64_t>(options_.categories))); }

  Part draw_part(int category, double radius, double x, double y) {
    const Shape shape = Shape::draw(static_cast<ShapeFamily>(category), radius, rng_);
    Texture texture = Texture::draw_object(category, radius, noise_, rng_);
    return {PlacedShape(shape, static_cast<float>(x), static_cast<float>(y), height_, width_), texture};
  }

  // Takes the unit when enough of it would be seen; else the picture stays as it is.
  bool accept(Unit unit) {
    const int index = static_cast<int>(units_.size());
    std::int64_t full = 0;
    std::vector<std::size_t> taken;
    for (const Part& part : unit.parts) {
      full += part.shape.full_area;
      for (int y = part.shape.y1; y < part.shape.y2; ++y) {
        for (int x = part.shape.x1; x < part.shape.x2; ++x) {
          const std::size_t at = static_cast<std::size_t>(y) * width_ + x;
          if (owner_[at] != kFree || part.shape.distance(x, y) > 0) continue;
          owner_[at] = index;
          taken.push_back(at);
        }
      }
    }
    const auto visible = static_cast<std::int64_t>(taken.size());
    if (visible >= kMinVisibleArea && static_cast<double>(visible) >= kMinVisibleRatio * static_cast<double>(full)) {
      units_.push_back(std::move(unit));
      return true;
    }
    for (const std::size_t at : taken) owner_[at] = kFree;
    return false;
  }

  int height_, width_;
  const SynthOptions& options_;
  const NoiseField& noise_;
  Rng& rng_;
  std::vector<int> owner_;  // per pixel: the frontmost unit, or kFree
  std::vector<Unit> units_;
};

void paint_units(Canvas& canvas, const std::vector<Unit>& units, Rng& rng) {
  const double angle = rng.uniform(0.0, 2 * std::numbers::pi);
  const float light_x = static_cast<float>(std::cos(angle)), light_y = static_cast<float>(std::sin(angle));
  const float shadow = static_cast<float>(rng.uniform(0.0, 0.5)), reach = static_cast<float>(rng.uniform(0.05, 0.2));
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    for (auto part = unit->parts.rbegin(); part != unit->parts.rend(); ++part) {
      const float offset = reach * part->shape.radius;
      canvas.paint_shadow(part->shape, -light_x * offset, -light_y * offset, shadow);
      canvas.paint_shape(part->shape, part->texture, light_x, light_y);
    }
  }
}

std::pair<int, int> draw_size(const SynthOptions& options, Rng& rng) {
  const auto side = [&](int mean) {
    const double factor = rng.uniform(1 - options.size_variation, 1 + options.size_variation);
    return std::max(32, static_cast<int>(std::lround(mean * factor)));
  };
  std::pair<int, int> size{side(options.height), side(options.width)};
  if (options.size_variation > 0 && rng.bernoulli(0.2)) std::swap(size.first, size.second);
  return size;
}

}  // namespace

Scene draw_scene(const SynthOptions& options, Rng& rng) {
  const auto [height, width] = draw_size(options, rng);
  const NoiseField noise(rng);
  Arrangement arrangement(height, width, options, noise, rng);
  if (rng.bernoulli(options.crowd_prob)) arrangement.place_crowd();
  for (std::uint64_t left = 1 + rng.uniform_int(static_cast<std::uint64_t>(options.max_objects)); left > 0; --left) {
    arrangement.place_object();
  }

  Canvas canvas(height, width);
  canvas.paint_background(noise, rng);
  paint_units(canvas, arrangement.units(), rng);
  Scene scene;
  scene.image = canvas.develop(rng);
  for (std::size_t i = 0; i < arrangement.units().size(); ++i) {
    const Unit& unit = arrangement.units()[i];
    scene.objects.push_back({unit.category, unit.crowd, arrangement.visible_mask(static_cast<int>(i))});
  }
  return scene;
}

}  // namespace soco
