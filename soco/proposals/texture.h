// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "soco/image/image.h"

namespace soco {

/// Local binary patterns (Ojala et al., PAMI 2002) of an image, row by row: 8 points on a circle of radius 1 px, code
/// bit i set when point i (from the right, counter-clockwise) is at least the centre. Points outside the image count as
/// 0. Bit for bit as scikit-image's `local_binary_pattern(channel, 8, 1)` in float64, rounding errors in flat areas
/// included. Buffers are kept for the next image.
class PatternRows {
 public:
  /// Begins with the first row of `image`, which must live until the last row is read.
  void start(const Image& image);
  /// Codes of the next row for R, G and B, each [width], valid until the next call.
  std::array<const std::uint8_t*, 3> next();

 private:
  struct Row {
    std::vector<double> padded, left, right;  // a row between two zeros; at x - 0.70711; at x + 0.70711
  };
  /// Fractions of the diagonal points' coordinates.
  struct Fractions {
    std::vector<double> minus, plus;
    void extend(int n);
  };
  void load(int y);

  const Image* image_ = nullptr;
  int y_ = 0;
  Fractions fractions_;
  std::array<std::array<Row, 3>, 3> ring_;  // [y mod 3][channel]; row -1 is ring_[2]
  std::array<std::vector<std::uint8_t>, 3> codes_;
};

}  // namespace soco
