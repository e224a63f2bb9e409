// SPDX-License-Identifier: MIT
#include "soco/data/synth_canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace soco {
namespace {

constexpr float kFar = 1e6F;
constexpr int kShadowReach = 12;  // px around a shape whose distances are kept, for the shadow's soft edge

float narrow(double value) { return static_cast<float>(value); }

}  // namespace

PlacedShape::PlacedShape(const Shape& shape, float x, float y, int height, int width)
    : center_x(x), center_y(y), radius(shape.radius()), full_area(0) {
  const int left = static_cast<int>(std::floor(x - radius)) - 1, right = static_cast<int>(std::ceil(x + radius)) + 2;
  const int top = static_cast<int>(std::floor(y - radius)) - 1, bottom = static_cast<int>(std::ceil(y + radius)) + 2;
  x1 = std::clamp(left, 0, width);
  x2 = std::clamp(right, x1, width);
  y1 = std::clamp(top, 0, height);
  y2 = std::clamp(bottom, y1, height);
  grid_x_ = left;
  grid_y_ = top;
  grid_width_ = right - left;
  grid_height_ = bottom - top;
  grid_.reserve(static_cast<std::size_t>(grid_width_) * grid_height_);
  for (int row = top; row < bottom; ++row) {
    for (int column = left; column < right; ++column) {
      const float d = shape.distance(narrow(column + 0.5) - x, narrow(row + 0.5) - y);
      full_area += d <= 0 ? 1 : 0;
      grid_.push_back(d);
    }
  }
}

float PlacedShape::distance(int x, int y) const {
  const int column = std::clamp(x - grid_x_, 0, grid_width_ - 1), row = std::clamp(y - grid_y_, 0, grid_height_ - 1);
  const float known = grid_[static_cast<std::size_t>(row) * grid_width_ + column];
  const int away = std::abs(x - grid_x_ - column) + std::abs(y - grid_y_ - row);
  if (away == 0) return known;
  return away > 2 * kShadowReach ? kFar : known + narrow(away);
}

Canvas::Canvas(int height, int width)
    : height_(height), width_(width), pixels_(static_cast<std::size_t>(height) * width) {}

void Canvas::paint_background(const NoiseField& noise, Rng& rng) {
  const double side = std::max(height_, width_);
  const Texture back = Texture::draw_background(side, noise, rng);
  const Texture front = Texture::draw_background(side, noise, rng);
  // Half of the scenes have two grounds that meet along a wavy, slanted horizon.
  const bool horizon = rng.bernoulli(0.5);
  const float level = narrow(height_ * rng.uniform(0.2, 0.8)), slope = narrow(rng.uniform(-0.4, 0.4));
  const float waviness = narrow(side * rng.uniform(0.0, 0.15)), blur = narrow(rng.uniform(1.0, 8.0));
  const float noise_y = narrow(rng.uniform(0.0, 64.0));
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      const float fx = narrow(x), fy = narrow(y);
      if (!horizon) {
        at(y, x) = back.at(fx, fy);
        continue;
      }
      const float wave = waviness * (noise.at(fx * 6 / narrow(side), noise_y) - 0.5F);
      const float share = std::clamp((fy - level - slope * (fx - 0.5F * width_) - wave) / blur + 0.5F, 0.0F, 1.0F);
      at(y, x) = share <= 0   ? back.at(fx, fy)
                 : share >= 1 ? front.at(fx, fy)
                              : mix(back.at(fx, fy), front.at(fx, fy), share);
    }
  }
  for (std::uint64_t i = rng.uniform_int(5); i > 0; --i) paint_blob(rng);
  for (std::uint64_t i = rng.uniform_int(6); i > 0; --i) paint_stroke(rng);
}

void Canvas::paint_blob(Rng& rng) {
  const float cx = narrow(rng.uniform(0.0, width_)), cy = narrow(rng.uniform(0.0, height_));
  const float radius = narrow(std::max(height_, width_) * rng.uniform(0.08, 0.35));
  const float strength = narrow(rng.uniform(0.15, 0.6));
  const SceneColor color = color_from_hsv(rng.uniform(), rng.uniform(0.0, 0.6), rng.uniform(0.15, 0.9));
  const int top = std::max(0, static_cast<int>(cy - radius)), bottom = std::min(height_, static_cast<int>(cy + radius));
  const int left = std::max(0, static_cast<int>(cx - radius)), right = std::min(width_, static_cast<int>(cx + radius));
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const float t = 1 - ((x - cx) * (x - cx) + (y - cy) * (y - cy)) / (radius * radius);
      if (t > 0) at(y, x) = mix(at(y, x), color, strength * t * t);
    }
  }
}

void Canvas::paint_stroke(Rng& rng) {
  const float x0 = narrow(rng.uniform(0.0, width_)), y0 = narrow(rng.uniform(0.0, height_));
  const double angle = rng.uniform(0.0, 2 * std::numbers::pi);
  const float length = narrow(std::max(height_, width_) * rng.uniform(0.1, 0.8));
  const float ex = length * narrow(std::cos(angle)), ey = length * narrow(std::sin(angle));
  const float half_width = narrow(rng.uniform(0.5, 2.5)), strength = narrow(rng.uniform(0.3, 0.9));
  const SceneColor color = color_from_hsv(rng.uniform(), rng.uniform(0.0, 0.5), rng.uniform(0.1, 0.9));
  const float reach = half_width + 1;
  const int top = std::max(0, static_cast<int>(std::min(y0, y0 + ey) - reach));
  const int bottom = std::min(height_, static_cast<int>(std::max(y0, y0 + ey) + reach) + 1);
  const int left = std::max(0, static_cast<int>(std::min(x0, x0 + ex) - reach));
  const int right = std::min(width_, static_cast<int>(std::max(x0, x0 + ex) + reach) + 1);
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const float px = x + 0.5F - x0, py = y + 0.5F - y0;
      const float along = std::clamp((px * ex + py * ey) / (length * length), 0.0F, 1.0F);
      const float dx = px - along * ex, dy = py - along * ey;
      const float cover = std::clamp(half_width + 0.5F - std::sqrt(dx * dx + dy * dy), 0.0F, 1.0F);
      if (cover > 0) at(y, x) = mix(at(y, x), color, strength * cover);
    }
  }
}

void Canvas::paint_shadow(const PlacedShape& shape, float dx, float dy, float strength) {
  const int sx = static_cast<int>(std::lround(dx)), sy = static_cast<int>(std::lround(dy));
  const int top = std::max(0, shape.y1 + sy - kShadowReach), bottom = std::min(height_, shape.y2 + sy + kShadowReach);
  const int left = std::max(0, shape.x1 + sx - kShadowReach), right = std::min(width_, shape.x2 + sx + kShadowReach);
  const float soft = std::min(narrow(kShadowReach), 2 + 0.15F * shape.radius);
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const float t = std::clamp(0.5F - shape.distance(x - sx, y - sy) / (2 * soft), 0.0F, 1.0F);
      if (t > 0) at(y, x) = at(y, x) * (1 - strength * t * t * (3 - 2 * t));
    }
  }
}

void Canvas::paint_shape(const PlacedShape& shape, const Texture& texture, float light_x, float light_y) {
  const float inverse = 1 / shape.radius;
  for (int y = shape.y1; y < shape.y2; ++y) {
    for (int x = shape.x1; x < shape.x2; ++x) {
      const float d = shape.distance(x, y);
      const float cover = std::clamp(0.5F - d, 0.0F, 1.0F);
      if (cover <= 0) continue;
      const float u = x + 0.5F - shape.center_x, v = y + 0.5F - shape.center_y;
      const float lit = 1 + 0.3F * (u * light_x + v * light_y) * inverse;
      const float rim = std::clamp(-d * inverse * 5, 0.0F, 1.0F);  // 0 at the outline, 1 from a fifth inside
      at(y, x) = mix(at(y, x), texture.at(u, v) * (lit * (0.72F + 0.28F * rim)), cover);
    }
  }
}

Image Canvas::develop(Rng& rng) const {
  const double angle = rng.uniform(0.0, 2 * std::numbers::pi);
  const float slope = narrow(rng.uniform(0.0, 0.35));
  const float gx = slope * narrow(std::cos(angle)) * 2 / width_, gy = slope * narrow(std::sin(angle)) * 2 / height_;
  const float vignette = narrow(rng.uniform(0.0, 0.25)), exposure = narrow(rng.uniform(0.75, 1.2));
  const SceneColor cast{narrow(rng.uniform(0.92, 1.08)), 1.0F, narrow(rng.uniform(0.92, 1.08))};
  // The sum of four random bytes has mean 510 and standard deviation 147.8: near enough to normal for sensor noise.
  const float noise_scale = narrow(rng.uniform(0.0, 8.0)) / 147.8F;
  const auto develop_channel = [&](float value) {
    const std::uint32_t bits = rng.next_u32();
    const int sum = static_cast<int>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24));
    const float level = value * 255 + noise_scale * narrow(sum - 510);
    return static_cast<std::uint8_t>(std::clamp(level + 0.5F, 0.0F, 255.0F));
  };

  Image image;
  image.height = height_;
  image.width = width_;
  image.pixels.resize(pixels_.size() * 3);
  std::size_t i = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x, ++i) {
      const float u = x - 0.5F * width_, v = y - 0.5F * height_;
      const float rx = 2 * u / width_, ry = 2 * v / height_;
      const float light = exposure * (1 + gx * u + gy * v) * (1 - vignette * 0.5F * (rx * rx + ry * ry));
      const SceneColor& color = pixels_[i];
      image.pixels[3 * i] = develop_channel(color.r * light * cast.r);
      image.pixels[3 * i + 1] = develop_channel(color.g * light * cast.g);
      image.pixels[3 * i + 2] = develop_channel(color.b * light * cast.b);
    }
  }
  return image;
}

}  // namespace soco
