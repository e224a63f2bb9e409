// SPDX-License-Identifier: MIT
#include "soco/proposals/gaussian.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace soco {
namespace {

/// numpy's pairwise sum: eight running sums in blocks of at most 128, halves above. The weights' last bits hang on it.
double pairwise_sum(const double* values, std::size_t n) {
  if (n < 8) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += values[i];
    return sum;
  }
  if (n > 128) {
    const std::size_t half = n / 2 - (n / 2) % 8;
    return pairwise_sum(values, half) + pairwise_sum(values + half, n - half);
  }
  double r[8];
  std::copy(values, values + 8, r);
  std::size_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) r[k] += values[i + k];
  }
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i) sum += values[i];
  return sum;
}

/// Index into 0..n-1 of position i of the signal mirrored at its outer edges (d c b a | a b c d | d c b a).
int mirrored(int i, int n) {
  const int period = 2 * n;
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - 1 - i;
}

/// out = centre * w0 + sum over pairs, farthest first: the order of scipy's symmetric correlation.
void accumulate_centre(const double* in, double weight, int n, double* out) {
  for (int x = 0; x < n; ++x) out[x] = in[x] * weight;
}

void accumulate_pair(const double* before, const double* after, double weight, int n, double* out) {
  for (int x = 0; x < n; ++x) out[x] += (before[x] + after[x]) * weight;
}

void smooth_columns(std::vector<double>& plane, int height, int width, const std::vector<double>& weights) {
  const int radius = static_cast<int>(weights.size() / 2);
  const std::vector<double> in = plane;
  const auto row = [&](int y) { return in.data() + static_cast<std::size_t>(mirrored(y, height)) * width; };
  for (int y = 0; y < height; ++y) {
    double* out = plane.data() + static_cast<std::size_t>(y) * width;
    accumulate_centre(row(y), weights[radius], width, out);
    for (int k = radius; k >= 1; --k) accumulate_pair(row(y - k), row(y + k), weights[radius - k], width, out);
  }
}

void smooth_rows(std::vector<double>& plane, int height, int width, const std::vector<double>& weights) {
  const int radius = static_cast<int>(weights.size() / 2);
  std::vector<double> line(static_cast<std::size_t>(width) + 2 * radius);
  for (int y = 0; y < height; ++y) {
    double* row = plane.data() + static_cast<std::size_t>(y) * width;
    for (int x = -radius; x < 0; ++x) line[x + radius] = row[mirrored(x, width)];
    std::copy(row, row + width, line.begin() + radius);
    for (int x = width; x < width + radius; ++x) line[x + radius] = row[mirrored(x, width)];
    const double* centre = line.data() + radius;
    accumulate_centre(centre, weights[radius], width, row);
    for (int k = radius; k >= 1; --k) accumulate_pair(centre - k, centre + k, weights[radius - k], width, row);
  }
}

}  // namespace

std::vector<double> gaussian_weights(double sigma) {
  const int radius = static_cast<int>(4.0 * sigma + 0.5);
  const double factor = -0.5 / (sigma * sigma);
  std::vector<double> weights(2 * static_cast<std::size_t>(radius) + 1);
  for (int i = -radius; i <= radius; ++i) weights[i + radius] = std::exp(factor * (static_cast<double>(i) * i));
  const double sum = pairwise_sum(weights.data(), weights.size());
  for (double& w : weights) w /= sum;
  return weights;
}

void gaussian_smooth(Planes& planes, double sigma) {
  if (sigma <= 1e-15) return;  // scipy's own threshold
  const std::vector<double> weights = gaussian_weights(sigma);
  for (std::vector<double>& plane : planes.channels) {
    smooth_columns(plane, planes.height, planes.width, weights);
    smooth_rows(plane, planes.height, planes.width, weights);
  }
}

}  // namespace soco
