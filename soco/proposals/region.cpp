// SPDX-License-Identifier: MIT
#include "soco/proposals/region.h"

#include <algorithm>
#include <cstddef>

namespace soco {
namespace {

/// Bin of each value 0..255 among `num_bins` equal bins over [0, 255], the last one closed; edges are the float64
/// multiples of the bin width, as numpy.histogram has them.
std::array<std::uint8_t, 256> bin_table(int num_bins) {
  std::array<std::uint8_t, 256> table{};
  const double step = 255.0 / num_bins;
  for (int value = 0; value < 256; ++value) {
    int bin = 0;
    while (bin + 1 < num_bins && value >= (bin + 1) * step) ++bin;
    table[value] = static_cast<std::uint8_t>(bin);
  }
  return table;
}

/// Adds a row of pixels to the bounds and sizes of their segments.
void grow_bounds(const std::int32_t* labels, int width, int y, std::vector<Region>& regions) {
  for (int x = 0; x < width;) {
    const int begin = x;
    while (x < width && labels[x] == labels[begin]) ++x;
    Region& r = regions[labels[begin]];
    if (r.size == 0) r.min_x = begin, r.max_x = x - 1, r.min_y = y;
    r.min_x = std::min(r.min_x, begin);
    r.max_x = std::max(r.max_x, x - 1);
    r.max_y = y;
    r.size += x - begin;
  }
}

template <std::size_t N>
void merge_histograms(const std::array<double, N>& a, double size_a, const std::array<double, N>& b, double size_b,
                      double size, std::array<double, N>& out) {
  for (std::size_t i = 0; i < N; ++i) out[i] = (a[i] * size_a + b[i] * size_b) / size;
}

/// start + sum of min(a, b) added in order: the order is part of the result.
template <std::size_t N>
double intersection(double start, const std::array<double, N>& a, const std::array<double, N>& b) {
  double sum = start;
  for (std::size_t i = 0; i < N; ++i) sum += std::min(a[i], b[i]);
  return sum;
}

}  // namespace

std::vector<Region> RegionExtractor::extract(const Image& image, const Segmentation& segmentation) {
  static const std::array<std::uint8_t, 256> colour_bins = bin_table(kNumColourBins);
  static const std::array<std::uint8_t, 256> texture_bins = bin_table(kNumTextureBins);
  std::vector<Region> regions(segmentation.num_segments);
  counts_.assign(segmentation.num_segments, {});
  patterns_.start(image);
  for (int y = 0; y < image.height; ++y) {
    const std::int32_t* labels = segmentation.labels.data() + static_cast<std::size_t>(y) * image.width;
    const std::uint8_t* rgb = image.row(y);
    const std::array<const std::uint8_t*, 3> codes = patterns_.next();
    grow_bounds(labels, image.width, y, regions);
    for (int x = 0; x < image.width; ++x) {
      Counts& counts = counts_[labels[x]];
      ++counts.colour[colour_bins[std::max({rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2]})]];
      for (int c = 0; c < 3; ++c) ++counts.texture[c * kNumTextureBins + texture_bins[codes[c][x]]];
    }
  }
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const double size = static_cast<double>(regions[i].size);
    for (int k = 0; k < kNumColourBins; ++k) regions[i].colour[k] = counts_[i].colour[k] / size;
    for (int k = 0; k < 3 * kNumTextureBins; ++k) regions[i].texture[k] = counts_[i].texture[k] / size;
  }
  return regions;
}

std::vector<Region> extract_regions(const Image& image, const Segmentation& segmentation) {
  return RegionExtractor().extract(image, segmentation);
}

Region merge_regions(const Region& a, const Region& b) {
  Region r{.min_x = std::min(a.min_x, b.min_x),
           .min_y = std::min(a.min_y, b.min_y),
           .max_x = std::max(a.max_x, b.max_x),
           .max_y = std::max(a.max_y, b.max_y),
           .size = a.size + b.size,
           .colour = {},
           .texture = {}};
  const double size_a = static_cast<double>(a.size), size_b = static_cast<double>(b.size);
  merge_histograms(a.colour, size_a, b.colour, size_b, size_a + size_b, r.colour);
  merge_histograms(a.texture, size_a, b.texture, size_b, size_a + size_b, r.texture);
  return r;
}

double similarity(const Region& a, const Region& b, std::int64_t image_size) {
  const std::int64_t joint_width = std::max(a.max_x, b.max_x) - std::min(a.min_x, b.min_x);
  const std::int64_t joint_height = std::max(a.max_y, b.max_y) - std::min(a.min_y, b.min_y);
  const std::int64_t size = a.size + b.size;
  const double image = static_cast<double>(image_size);
  const double colour = intersection(2.0, a.colour, b.colour);  // 2: the bins of H and S, see Region::colour
  const double texture = intersection(0.0, a.texture, b.texture);
  const double size_term = 1.0 - static_cast<double>(size) / image;
  const double fill_term = 1.0 - static_cast<double>(joint_width * joint_height - size) / image;
  return colour + texture + size_term + fill_term;
}

bool has_corner_inside(const Region& a, const Region& b) {
  const auto inside_x = [&](int x) { return a.min_x < x && x < a.max_x; };
  const auto inside_y = [&](int y) { return a.min_y < y && y < a.max_y; };
  return (inside_x(b.min_x) || inside_x(b.max_x)) && (inside_y(b.min_y) || inside_y(b.max_y));
}

}  // namespace soco
