// SPDX-License-Identifier: MIT
#include "soco/image/draw.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "soco/base/error.h"
#include "soco/image/font.h"

namespace soco {
namespace {

constexpr int kAdvance = kGlyphWidth + 1;
static_assert(kTextHeight == kGlyphHeight);

// Sums of coordinates are made in 64 bits: callers may pass any int.
using Wide = std::int64_t;

int clamped(Wide value, int low, int high) {
  return static_cast<int>(std::clamp<Wide>(value, low, std::max(low, high)));
}

void set_pixel(Image& image, Wide x, Wide y, Color color) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  std::copy(color.begin(), color.end(), image.row(static_cast<int>(y)) + x * 3);
}

void fill(Image& image, Wide x1, Wide y1, Wide x2, Wide y2, Color color) {
  const int left = clamped(x1, 0, image.width), right = clamped(x2, left, image.width);
  const int top = clamped(y1, 0, image.height), bottom = clamped(y2, top, image.height);
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) set_pixel(image, x, y, color);
  }
}

/// The steps i in [0, num_steps] of a line for which start + i * direction lies in [0, size).
std::pair<Wide, Wide> steps_inside(Wide start, bool forward, Wide num_steps, int size) {
  const Wide first = forward ? -start : start - (size - 1);
  const Wide last = forward ? size - 1 - start : start;
  return {std::max<Wide>(first, 0), std::min(last, num_steps)};
}

}  // namespace

void fill_rectangle(Image& image, int x1, int y1, int x2, int y2, Color color) { fill(image, x1, y1, x2, y2, color); }

void draw_rectangle(Image& image, int x1, int y1, int x2, int y2, Color color, int thickness) {
  const Wide t = thickness;
  fill(image, x1, y1, x2, std::min<Wide>(y1 + t, y2), color);
  fill(image, x1, std::max<Wide>(y2 - t, y1), x2, y2, color);
  fill(image, x1, y1, std::min<Wide>(x1 + t, x2), y2, color);
  fill(image, std::max<Wide>(x2 - t, x1), y1, x2, y2, color);
}

void draw_dashed_rectangle(Image& image, int x1, int y1, int x2, int y2, Color color, int dash) {
  if (x1 >= x2 || y1 >= y2) return;
  const Wide length = std::max(dash, 1);
  const auto drawn = [&](Wide distance) { return distance / length % 2 == 0; };
  for (int x = std::max(x1, 0); x < std::min(x2, image.width); ++x) {
    if (!drawn(Wide{x} - x1)) continue;
    set_pixel(image, x, y1, color);
    set_pixel(image, x, Wide{y2} - 1, color);
  }
  for (int y = std::max(y1, 0); y < std::min(y2, image.height); ++y) {
    if (!drawn(Wide{y} - y1)) continue;
    set_pixel(image, x1, y, color);
    set_pixel(image, Wide{x2} - 1, y, color);
  }
}

void draw_line(Image& image, int x1, int y1, int x2, int y2, Color color) {
  const Wide dx = Wide{x2} - x1, dy = Wide{y2} - y1;
  const bool flat = std::abs(dx) >= std::abs(dy);
  const Wide steps = flat ? std::abs(dx) : std::abs(dy);
  // Only where the longer side is inside the image: a line may begin and end far away.
  const auto [first, last] =
      flat ? steps_inside(x1, dx >= 0, steps, image.width) : steps_inside(y1, dy >= 0, steps, image.height);
  for (Wide i = first; i <= last; ++i) {
    const double t = steps == 0 ? 0.0 : static_cast<double>(i) / static_cast<double>(steps);
    set_pixel(image, x1 + std::llround(t * static_cast<double>(dx)), y1 + std::llround(t * static_cast<double>(dy)),
              color);
  }
}

void draw_text(Image& image, int x, int y, std::string_view text, Color color, int scale) {
  const Wide dot = scale;
  Wide left = x;
  for (const char letter : text) {
    if (left >= image.width) return;
    const std::string_view dots = glyph(letter);
    for (int column = 0; column < kGlyphWidth; ++column) {
      for (int row = 0; row < kGlyphHeight; ++row) {
        if (!has_dot(dots, column, row)) continue;
        fill(image, left + column * dot, y + row * dot, left + (column + 1) * dot, y + (row + 1) * dot, color);
      }
    }
    left += kAdvance * dot;
  }
}

int text_width(std::string_view text, int scale) {
  return text.empty() ? 0 : (static_cast<int>(text.size()) * kAdvance - 1) * scale;
}

void blend_mask(Image& image, const MaskRle& mask, Color color, double opacity) {
  SOCO_ASSERT(mask.height == image.height && mask.width == image.width);
  std::int64_t at = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    const std::int64_t end = at + mask.runs[i];
    if (i % 2 == 0) at = end;
    for (; at < end; ++at) {
      std::uint8_t* pixel = image.row(static_cast<int>(at % mask.height)) + at / mask.height * 3;
      for (std::size_t c = 0; c < 3; ++c)
        pixel[c] = static_cast<std::uint8_t>(std::lround(pixel[c] + (color[c] - pixel[c]) * opacity));
    }
  }
}

void paste(Image& image, const Image& source, int x, int y) {
  const int left = clamped(x, 0, image.width), right = clamped(Wide{x} + source.width, 0, image.width);
  const int top = clamped(y, 0, image.height), bottom = clamped(Wide{y} + source.height, 0, image.height);
  if (left >= right) return;
  const auto count = static_cast<std::size_t>(right - left) * 3;
  for (int row = top; row < bottom; ++row) {
    std::memcpy(image.row(row) + Wide{left} * 3, source.row(static_cast<int>(Wide{row} - y)) + (Wide{left} - x) * 3,
                count);
  }
}

Image contact_sheet(const std::vector<Image>& images, int num_columns, int gap, Color background) {
  SOCO_ASSERT(!images.empty() && num_columns > 0 && gap >= 0);
  const int num_images = static_cast<int>(images.size());
  const int columns = std::min(num_columns, num_images), rows = (num_images + columns - 1) / columns;
  int cell_height = 0, cell_width = 0;
  for (const Image& image : images) {
    cell_height = std::max(cell_height, image.height);
    cell_width = std::max(cell_width, image.width);
  }
  Image sheet = make_image(rows * (cell_height + gap) + gap, columns * (cell_width + gap) + gap);
  fill_rectangle(sheet, 0, 0, sheet.width, sheet.height, background);
  for (int i = 0; i < num_images; ++i) {
    const Image& image = images[static_cast<std::size_t>(i)];
    const int x = gap + i % columns * (cell_width + gap) + (cell_width - image.width) / 2;
    const int y = gap + i / columns * (cell_height + gap) + (cell_height - image.height) / 2;
    paste(sheet, image, x, y);
  }
  return sheet;
}

}  // namespace soco
