// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

namespace soco {

/// Weights of a Gaussian of standard deviation `sigma` (> 0, px), cut at 4 sigma and normalised to sum 1; odd length,
/// as scipy.ndimage computes them (the sum follows numpy's order of addition).
std::vector<double> gaussian_weights(double sigma);

/// Three planes of one image, float64 in [0, 1], each [height * width].
struct Planes {
  int height = 0, width = 0;
  std::vector<double> channels[3];
};

/// Smooths each plane in place along columns, then along rows, with half-sample symmetric borders, in the order of
/// operations of scipy.ndimage.gaussian_filter (mode "reflect", truncate 4). sigma 0 changes nothing.
void gaussian_smooth(Planes& planes, double sigma);

}  // namespace soco
