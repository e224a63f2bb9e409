// SPDX-License-Identifier: MIT
#include "soco/proposals/texture.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace soco {
namespace {

/// cos(45 degrees) as scikit-image rounds it, to five digits.
constexpr double kDiagonal = 0.70711;

/// Fractions of the diagonal points' coordinates. They differ in the last bits from one coordinate to the next, as
/// (k + 0.70711) - k does, and in flat areas the code bits depend on that.
struct Fractions {
  std::vector<double> minus, plus;
  explicit Fractions(int n) : minus(n), plus(n) {
    for (int k = 0; k < n; ++k) {
      minus[k] = (k - kDiagonal) - (k - 1);
      plus[k] = (k + kDiagonal) - k;
    }
  }
};

/// One image row as float64 between two zeros, and its values interpolated at x - 0.70711 and x + 0.70711.
struct Row {
  std::vector<double> padded, left, right;
  explicit Row(int width) : padded(width + 2), left(width), right(width) {}

  const double* pixels() const { return padded.data() + 1; }

  void load(const Image& image, int y, int channel, const Fractions& columns) {
    const int width = image.width;
    if (y < 0 || y >= image.height) {
      std::fill(padded.begin(), padded.end(), 0.0);
    } else {
      const std::uint8_t* in = image.pixels.data() + 3 * static_cast<std::size_t>(y) * width + channel;
      for (int x = 0; x < width; ++x) padded[x + 1] = in[3 * x];
    }
    const double* p = pixels();
    const double *minus = columns.minus.data(), *plus = columns.plus.data();
    for (int x = 0; x < width; ++x) left[x] = (1 - minus[x]) * p[x - 1] + minus[x] * p[x];
    for (int x = 0; x < width; ++x) right[x] = (1 - plus[x]) * p[x] + plus[x] * p[x + 1];
  }
};

void add_straight_bits(const Row& above, const Row& row, const Row& below, int width, std::uint8_t* codes) {
  const double *up = above.pixels(), *p = row.pixels(), *down = below.pixels();
  for (int x = 0; x < width; ++x) {
    codes[x] = static_cast<std::uint8_t>((p[x + 1] >= p[x]) << 0 | (up[x] >= p[x]) << 2 | (p[x - 1] >= p[x]) << 4 |
                                         (down[x] >= p[x]) << 6);
  }
}

/// Bits of the diagonal points between `top` and `bottom`, `fraction` of the way down.
void add_diagonal_bits(const Row& top, const Row& bottom, const Row& centre, double fraction, int left_bit,
                       int right_bit, int width, std::uint8_t* codes) {
  const double* p = centre.pixels();
  const double *tl = top.left.data(), *tr = top.right.data(), *bl = bottom.left.data(), *br = bottom.right.data();
  const double rest = 1 - fraction;
  for (int x = 0; x < width; ++x) {
    const bool left = rest * tl[x] + fraction * bl[x] >= p[x];
    const bool right = rest * tr[x] + fraction * br[x] >= p[x];
    codes[x] = static_cast<std::uint8_t>(codes[x] | left << left_bit | right << right_bit);
  }
}

}  // namespace

std::vector<std::uint8_t> local_binary_pattern(const Image& image, int channel) {
  const int height = image.height, width = image.width;
  const Fractions columns(width), rows(height);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(height) * width);
  std::array<Row, 3> ring{Row(width), Row(width), Row(width)};  // row y is ring[y mod 3], row -1 is ring[2]
  ring[2].load(image, -1, channel, columns);
  ring[0].load(image, 0, channel, columns);
  for (int y = 0; y < height; ++y) {
    Row &above = ring[(y + 2) % 3], &row = ring[y % 3], &below = ring[(y + 1) % 3];
    below.load(image, y + 1, channel, columns);
    std::uint8_t* out = codes.data() + static_cast<std::size_t>(y) * width;
    add_straight_bits(above, row, below, width, out);
    add_diagonal_bits(above, row, row, rows.minus[y], 3, 1, width, out);
    add_diagonal_bits(row, below, row, rows.plus[y], 5, 7, width, out);
  }
  return codes;
}

}  // namespace soco
