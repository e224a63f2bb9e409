// SPDX-License-Identifier: MIT
#include "soco/proposals/gaussian.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "soco/proposals/row_kernels.h"

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

void RowSmoother::start(const Image& image, double sigma) {
  image_ = &image;
  if (sigma != sigma_) weights_ = sigma <= 1e-15 ? std::vector<double>{1.0} : gaussian_weights(sigma);  // scipy's limit
  sigma_ = sigma;
  radius_ = static_cast<int>(weights_.size() / 2);
  ring_rows_ = std::min(image.height, 2 * radius_ + 1);  // all that a row needs, however often it is mirrored
  num_loaded_ = y_ = 0;
  const std::size_t width = static_cast<std::size_t>(image.width);
  ring_.resize(3 * static_cast<std::size_t>(ring_rows_) * width);
  line_.resize(width + 2 * static_cast<std::size_t>(radius_));
  out_.resize(2 * 3 * width);
  taps_.resize(weights_.size());
}

double* RowSmoother::ring_row(int channel, int y) {
  return ring_.data() + static_cast<std::size_t>(channel * ring_rows_ + y % ring_rows_) * image_->width;
}

void RowSmoother::load_row(int y) {
  double* const rows[3] = {ring_row(0, y), ring_row(1, y), ring_row(2, y)};
  kernels::unit_rows(image_->row(y), static_cast<std::size_t>(image_->width), rows);
}

RowOfThree RowSmoother::next() {
  const int width = image_->width, height = image_->height;
  const std::size_t n = static_cast<std::size_t>(width);
  while (num_loaded_ < std::min(height, y_ + radius_ + 1)) load_row(num_loaded_++);
  RowOfThree result{};
  for (int c = 0; c < 3; ++c) {
    double* const middle = line_.data() + radius_;
    for (int k = -radius_; k <= radius_; ++k) taps_[k + radius_] = ring_row(c, mirrored(y_ + k, height));
    kernels::symmetric_filter(taps_.data(), weights_.data(), radius_, n, middle);
    for (int k = 1; k <= radius_; ++k) {
      middle[-k] = middle[mirrored(-k, width)];
      middle[width - 1 + k] = middle[mirrored(width - 1 + k, width)];
    }
    for (int k = -radius_; k <= radius_; ++k) taps_[k + radius_] = middle + k;
    double* const out = out_.data() + static_cast<std::size_t>(3 * (y_ % 2) + c) * n;
    kernels::symmetric_filter(taps_.data(), weights_.data(), radius_, n, out);
    result[c] = out;
  }
  ++y_;
  return result;
}

}  // namespace soco
