// SPDX-License-Identifier: MIT
#include "soco/proposals/texture.h"

#include <algorithm>
#include <cstddef>

#include "soco/proposals/row_kernels.h"

namespace soco {
namespace {

/// cos(45 degrees) as scikit-image rounds it, to five digits.
constexpr double kDiagonal = 0.70711;

}  // namespace

/// The fractions differ in the last bits from one coordinate to the next, as (k + 0.70711) - k does, and in flat areas
/// the code bits depend on that.
void PatternRows::Fractions::extend(int n) {
  for (int k = static_cast<int>(minus.size()); k < n; ++k) {
    minus.push_back((k - kDiagonal) - (k - 1));
    plus.push_back((k + kDiagonal) - k);
  }
}

void PatternRows::start(const Image& image) {
  image_ = &image;
  y_ = 0;
  const std::size_t width = static_cast<std::size_t>(image.width);
  fractions_.extend(std::max(image.width, image.height));
  for (auto& rows : ring_) {
    for (Row& row : rows) {
      row.padded.resize(width + 2);
      row.left.resize(width);
      row.right.resize(width);
    }
  }
  for (auto& codes : codes_) codes.resize(width);
  load(-1);
  load(0);
}

void PatternRows::load(int y) {
  const std::size_t width = static_cast<std::size_t>(image_->width);
  for (int c = 0; c < 3; ++c) {
    Row& row = ring_[(y + 3) % 3][c];
    row.padded.front() = row.padded[width + 1] = 0;
    if (y < 0 || y >= image_->height) {
      std::fill(row.padded.begin(), row.padded.end(), 0.0);
    } else {
      const std::uint8_t* in = image_->row(y) + c;
      for (std::size_t x = 0; x < width; ++x) row.padded[x + 1] = in[3 * x];
    }
    kernels::interpolate_sideways(row.padded.data() + 1, fractions_.minus.data(), fractions_.plus.data(), width,
                                  row.left.data(), row.right.data());
  }
}

std::array<const std::uint8_t*, 3> PatternRows::next() {
  load(y_ + 1);
  const auto row = [&](int y, int c) {
    const Row& r = ring_[(y + 3) % 3][c];
    return kernels::PatternRow{r.padded.data() + 1, r.left.data(), r.right.data()};
  };
  for (int c = 0; c < 3; ++c) {
    kernels::pattern_codes(row(y_ - 1, c), row(y_, c), row(y_ + 1, c), fractions_.minus[y_], fractions_.plus[y_],
                           static_cast<std::size_t>(image_->width), codes_[c].data());
  }
  ++y_;
  return {codes_[0].data(), codes_[1].data(), codes_[2].data()};
}

}  // namespace soco
