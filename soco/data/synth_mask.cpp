// SPDX-License-Identifier: MIT
#include "soco/data/synth_mask.h"

#include <algorithm>
#include <array>

namespace soco {
namespace {

// Directions of walk on the grid of pixel corners: right, down, left, up; the mask lies on the right hand.
constexpr std::array<int, 4> kStepX{1, 0, -1, 0};
constexpr std::array<int, 4> kStepY{0, 1, 0, -1};

// One bit per direction for each pixel corner inside `bounds`: the boundary edges that start there.
class EdgeGrid {
 public:
  EdgeGrid(const BinaryMask& mask, const PixelBounds& bounds)
      : bounds_(bounds), edges_(static_cast<std::size_t>(bounds.width + 1) * (bounds.height + 1), 0) {
    const auto set = [&](int x, int y) {
      return x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.at(y, x);
    };
    for (int y = bounds.y; y < bounds.y + bounds.height; ++y) {
      for (int x = bounds.x; x < bounds.x + bounds.width; ++x) {
        if (!mask.at(y, x)) continue;
        if (!set(x, y - 1)) at(x, y) |= 1;
        if (!set(x + 1, y)) at(x + 1, y) |= 2;
        if (!set(x, y + 1)) at(x + 1, y + 1) |= 4;
        if (!set(x - 1, y)) at(x, y + 1) |= 8;
      }
    }
  }

  std::uint8_t& at(int x, int y) {
    return edges_[static_cast<std::size_t>(y - bounds_.y) * (bounds_.width + 1) + (x - bounds_.x)];
  }

  // Walks one outline from an edge that starts at (x, y), removing its edges.
  std::vector<int> take_outline(int x, int y) {
    std::vector<int> corners;
    int direction = first_direction(at(x, y));
    const int start_x = x, start_y = y, start_direction = direction;
    do {
      at(x, y) = static_cast<std::uint8_t>(at(x, y) & ~(1 << direction));
      x += kStepX[direction];
      y += kStepY[direction];
      const int next = next_direction(x, y, direction, x == start_x && y == start_y ? start_direction : -1);
      if (next != direction) corners.insert(corners.end(), {x, y});
      direction = next;
    } while (x != start_x || y != start_y || direction != start_direction);
    return corners;
  }

 private:
  static int first_direction(std::uint8_t bits) {
    int direction = 0;
    while ((bits & (1 << direction)) == 0) ++direction;
    return direction;
  }

  // The sharpest right turn keeps to the same pixel where two pixels touch at a corner. `closing` is the first edge,
  // already taken, which may be the continuation.
  int next_direction(int x, int y, int direction, int closing) {
    for (const int turn : {1, 0, 3}) {
      const int next = (direction + turn) % 4;
      if (next == closing || (at(x, y) & (1 << next)) != 0) return next;
    }
    return direction;  // not reached: every corner has as many edges out as in
  }

  PixelBounds bounds_;
  std::vector<std::uint8_t> edges_;
};

}  // namespace

PixelBounds mask_bounds(const BinaryMask& mask) {
  int x1 = mask.width, y1 = mask.height, x2 = -1, y2 = -1;
  for (int y = 0; y < mask.height; ++y) {
    const auto row = mask.pixels.begin() + static_cast<std::ptrdiff_t>(y) * mask.width;
    const auto first = std::find(row, row + mask.width, 1);
    if (first == row + mask.width) continue;
    int last = mask.width - 1;
    while (row[last] == 0) --last;
    x1 = std::min(x1, static_cast<int>(first - row));
    x2 = std::max(x2, last);
    y1 = std::min(y1, y);
    y2 = y;
  }
  return x2 < 0 ? PixelBounds{} : PixelBounds{x1, y1, x2 - x1 + 1, y2 - y1 + 1};
}

std::int64_t mask_area(const BinaryMask& mask) { return std::count(mask.pixels.begin(), mask.pixels.end(), 1); }

std::vector<std::uint32_t> rle_counts(const BinaryMask& mask) {
  std::vector<std::uint32_t> counts;
  std::uint32_t run = 0;
  bool current = false;
  for (int x = 0; x < mask.width; ++x) {
    for (int y = 0; y < mask.height; ++y) {
      if (mask.at(y, x) != current) {
        counts.push_back(run);
        run = 0;
        current = !current;
      }
      ++run;
    }
  }
  counts.push_back(run);
  return counts;
}

std::string compress_rle(std::span<const std::uint32_t> counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::int64_t value = counts[i];
    if (i > 2) value -= static_cast<std::int64_t>(counts[i - 2]);
    for (bool more = true; more;) {
      std::int64_t group = value & 31;
      value >>= 5;  // arithmetic: negative values end at -1
      more = (group & 16) != 0 ? value != -1 : value != 0;
      if (more) group |= 32;
      text.push_back(static_cast<char>(group + 48));
    }
  }
  return text;
}

std::vector<std::vector<int>> mask_outlines(const BinaryMask& mask) {
  const PixelBounds bounds = mask_bounds(mask);
  std::vector<std::vector<int>> outlines;
  if (bounds.width == 0) return outlines;
  EdgeGrid edges(mask, bounds);
  for (int y = bounds.y; y <= bounds.y + bounds.height; ++y) {
    for (int x = bounds.x; x <= bounds.x + bounds.width; ++x) {
      while (edges.at(x, y) != 0) outlines.push_back(edges.take_outline(x, y));
    }
  }
  return outlines;
}

}  // namespace soco
