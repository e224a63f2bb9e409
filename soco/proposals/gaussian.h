// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <vector>

#include "soco/image/image.h"

namespace soco {

/// Weights of a Gaussian of standard deviation `sigma` (> 0, px), cut at 4 sigma and normalised to sum 1; odd length,
/// as scipy.ndimage computes them (the sum follows numpy's order of addition).
std::vector<double> gaussian_weights(double sigma);

/// One row of three channels, float64.
using RowOfThree = std::array<const double*, 3>;

/// Smooths an image row by row, keeping only the rows that the filter reaches: what scipy.ndimage.gaussian_filter (mode
/// "reflect", truncate 4: half-sample symmetric borders) gives for each channel in [0, 1], bit for bit. Columns are
/// smoothed first, then rows. Buffers are kept for the next image.
class RowSmoother {
 public:
  /// Begins with the first row of `image`, which must live until the last row is read. sigma 0: no smoothing.
  void start(const Image& image, double sigma);
  /// The next row, from the top, [3][width]; it stays valid until the second call after this.
  RowOfThree next();

 private:
  void load_row(int y);
  double* ring_row(int channel, int y);

  const Image* image_ = nullptr;
  std::vector<double> weights_;
  int radius_ = 0;
  int ring_rows_ = 0, num_loaded_ = 0, y_ = 0;
  double sigma_ = -1;
  std::vector<double> ring_;         // [3][ring_rows][width], image row y at y mod ring_rows
  std::vector<double> line_;         // one row smoothed along columns, with radius mirrored values at each end
  std::vector<double> out_;          // [2][3][width]
  std::vector<const double*> taps_;  // [2 radius + 1]
};

}  // namespace soco
