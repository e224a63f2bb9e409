// SPDX-License-Identifier: MIT
#include "soco/proposals/region_builder.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include "soco/base/error.h"
#include "soco/proposals/gaussian.h"
#include "soco/proposals/plane_kernels.h"

namespace soco {
namespace {

constexpr float kStepsPerLevel = 8;
constexpr int kNumCosts = 2048;  // 256 grey levels; dearer edges, up to 442, are all alike
constexpr int kNumBlocks = 4;    // right, down, down-right, up-right
constexpr int kPlaceBits = 30;
constexpr std::uint32_t kPlaceMask = (1u << kPlaceBits) - 1;

/// Position i of a row of n mirrored at its outer edges (d c b a | a b c d | d c b a).
int mirrored(int i, int n) {
  i = i < 0 ? -1 - i : i;
  i %= 2 * n;
  return i < n ? i : 2 * n - 1 - i;
}

/// Bins of gradient codes: the middle one for gradients below 2 levels in two pixels, then nine of each sign, each half
/// as wide again as the one before, since small gradients are by far the most.
const std::array<std::uint8_t, 256>& texture_bins() {
  static const std::array<std::uint8_t, 256> table = [] {
    constexpr int kLimits[] = {2, 4, 7, 11, 17, 26, 39, 58, 86};
    std::array<std::uint8_t, 256> t{};
    for (int code = 0; code < 256; ++code) {
      const int gradient = code - 128, size = gradient < 0 ? -gradient : gradient;
      const int step = static_cast<int>(std::upper_bound(std::begin(kLimits), std::end(kLimits), size) - kLimits);
      t[code] = static_cast<std::uint8_t>(gradient < 0 ? 9 - step : 9 + step);
    }
    return t;
  }();
  return table;
}

const std::array<std::uint8_t, 256>& colour_bins() {
  static const std::array<std::uint8_t, 256> table = [] {
    std::array<std::uint8_t, 256> t{};
    for (int v = 0; v < 256; ++v) t[v] = static_cast<std::uint8_t>(v * kGroupColourBins / 256);
    return t;
  }();
  return table;
}

/// Touching pairs of regions with their least cost: a hash table with open addressing, at most half full.
class PairTable {
 public:
  explicit PairTable(std::size_t num_regions) {
    std::size_t size = 64;
    while (size < 8 * num_regions) size *= 2;
    table_.assign(size, {kFree, kFree, 0});
  }
  void add(std::uint32_t a, std::uint32_t b, std::uint16_t cost) {
    Entry& entry = place_of(std::min(a, b), std::max(a, b));
    if (entry.a != kFree) {
      entry.cost = std::min(entry.cost, cost);
      return;
    }
    entry = {std::min(a, b), std::max(a, b), cost};
    if (++num_used_ > table_.size() / 2) grow();
  }
  void take(std::vector<RegionPair>& pairs) const {
    pairs.clear();
    for (const Entry& e : table_) {
      if (e.a != kFree) pairs.push_back({e.a, e.b, static_cast<float>(e.cost) / kStepsPerLevel});
    }
    merge_pairs(pairs);
  }

 private:
  static constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();
  struct Entry {
    std::uint32_t a, b;
    std::uint16_t cost;
  };
  Entry& place_of(std::uint32_t a, std::uint32_t b) {
    const std::size_t mask = table_.size() - 1;
    std::size_t i = (a * 0x9E3779B1u ^ b * 0x85EBCA77u) & mask;
    while (table_[i].a != kFree && (table_[i].a != a || table_[i].b != b)) i = (i + 1) & mask;
    return table_[i];
  }
  void grow() {
    const std::vector<Entry> old = std::exchange(table_, std::vector<Entry>(2 * table_.size(), Entry{kFree, kFree, 0}));
    for (const Entry& e : old) {
      if (e.a != kFree) place_of(e.a, e.b) = e;
    }
  }

  std::size_t num_used_ = 0;
  std::vector<Entry> table_;  // its size is a power of two
};

}  // namespace

void RegionBuilder::smooth(const ColourPlanes& planes, double sigma) {
  const std::vector<double> exact = sigma > 0 ? gaussian_weights(sigma) : std::vector<double>{1.0};
  const std::vector<float> weights(exact.begin(), exact.end());
  const int radius = static_cast<int>(weights.size() / 2);
  const std::size_t width = static_cast<std::size_t>(width_);
  // Rows as float32, as many as the filter reaches at a time.
  const int ring_rows = std::min(height_, 2 * radius + 1);
  const std::size_t line_size = width + 2 * static_cast<std::size_t>(radius);
  float* const line = line_.take(line_size + static_cast<std::size_t>(ring_rows) * width).data();
  float* const ring = line + line_size;
  float* const middle = line + radius;
  std::vector<const float*> taps(weights.size());
  for (int c = 0; c < num_channels_; ++c) {
    smoothed_[c] = smoothed_memory_[c].take(static_cast<std::size_t>(height_) * stride_).data();
    int num_loaded = 0;
    for (int y = 0; y < height_; ++y) {
      for (; num_loaded < std::min(height_, y + radius + 1); ++num_loaded) {
        const std::uint8_t* in = planes.planes[c].data() + static_cast<std::size_t>(num_loaded) * width;
        std::copy(in, in + width, ring + static_cast<std::size_t>(num_loaded % ring_rows) * width);
      }
      for (int k = -radius; k <= radius; ++k) {
        taps[k + radius] = ring + static_cast<std::size_t>(mirrored(y + k, height_) % ring_rows) * width;
      }
      kernels::symmetric_filter(taps.data(), weights.data(), radius, width, middle);
      for (int k = 1; k <= radius; ++k) {
        middle[-k] = middle[mirrored(-k, width_)];
        middle[width_ - 1 + k] = middle[mirrored(width_ - 1 + k, width_)];
      }
      for (int k = -radius; k <= radius; ++k) taps[k + radius] = middle + k;
      float* const out = smoothed_[c] + static_cast<std::size_t>(y) * stride_ + 1;
      kernels::symmetric_filter(taps.data(), weights.data(), radius, width, out);
      out[-1] = out[0];
      out[width] = out[width - 1];
    }
  }
}

void RegionBuilder::sort_edges() {
  const std::size_t num_pixels = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  costs_ = cost_memory_.take(kNumBlocks * num_pixels);
  edges_ = edge_memory_.take(kNumBlocks * num_pixels);
  const auto rows_of = [this](int y, int shift) {
    std::array<const float*, 3> rows{};
    for (int c = 0; c < num_channels_; ++c) rows[c] = smoothed_row(c, y) + shift;
    return rows;
  };
  const auto for_runs = [&](const auto& visit) {  // (first place, number of edges) of each block's row
    for (int block = 0; block < kNumBlocks; ++block) {
      const int columns = block == 1 ? width_ : width_ - 1, rows = block == 0 ? height_ : height_ - 1;
      for (int y = 0; y < rows; ++y) visit(block, y, static_cast<std::size_t>(columns));
    }
  };
  std::array<std::uint32_t, kNumCosts> starts{};
  for_runs([&](int block, int y, std::size_t n) {
    const auto a = rows_of(y, block == 3 ? 1 : 0),
               b = rows_of(block == 0 ? y : y + 1, block == 0 || block == 2 ? 1 : 0);
    std::uint16_t* const out = costs_.data() + block * num_pixels + static_cast<std::size_t>(y) * width_;
    kernels::quantized_distances(a.data(), b.data(), num_channels_, n, kStepsPerLevel, kNumCosts - 1, out);
    for (std::size_t x = 0; x < n; ++x) ++starts[out[x]];
  });
  std::uint32_t num_edges = 0;
  for (std::uint32_t& start : starts) start = std::exchange(num_edges, num_edges + start);
  for_runs([&](int block, int y, std::size_t n) {
    const std::size_t pixel = static_cast<std::size_t>(y) * width_;
    const std::uint16_t* const in = costs_.data() + block * num_pixels + pixel;
    const std::uint32_t index = static_cast<std::uint32_t>(block) << kPlaceBits | static_cast<std::uint32_t>(pixel);
    for (std::size_t x = 0; x < n; ++x) edges_[starts[in[x]]++] = index + static_cast<std::uint32_t>(x);
  });
  ends_.assign(starts.begin(), starts.end());
  edges_ = edges_.first(num_edges);
}

void RegionBuilder::segment(double scale, int min_size) {
  const std::size_t num_pixels = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  const std::uint32_t w = static_cast<std::uint32_t>(width_);
  const std::array<PixelPair, kNumBlocks> offsets{{{0, 1}, {0, w}, {0, w + 1}, {1, w}}};
  const auto ends_of = [&](std::size_t i) {
    const PixelPair offset = offsets[edges_[i] >> kPlaceBits];
    const std::uint32_t pixel = edges_[i] & kPlaceMask;
    return PixelPair{pixel + offset.a, pixel + offset.b};
  };
  forest_.reset(num_pixels, scale);
  std::uint16_t* const left = left_costs_.take(edges_.size()).data();
  std::size_t num_left = 0;  // edges that divide two sets are moved to the front: no other can matter later
  std::uint16_t step = 0;
  for_dividing_edges(
      edges_.size(), forest_, ends_of, [](std::size_t) {},
      [&](std::uint32_t a, std::uint32_t b, std::size_t i) {
        while (i >= ends_[step]) ++step;
        const float cost = static_cast<float>(step) / kStepsPerLevel;
        if (cost < forest_.min_threshold(a, b)) {
          forest_.join(a, b, cost);
        } else {
          left[num_left] = step;
          edges_[num_left++] = edges_[i];
        }
      });
  for_dividing_edges(
      num_left, forest_, ends_of, [](std::size_t) {},
      [&](std::uint32_t a, std::uint32_t b, std::size_t i) {
        if (std::min(forest_.size(a), forest_.size(b)) >= min_size) return;
        forest_.join(a, b, static_cast<float>(left[i]) / kStepsPerLevel);
      });
  graph_.internal.clear();
  labels_.resize(num_pixels);
  forest_.label(labels_, [this](float internal) { graph_.internal.push_back(internal); });
}

void RegionBuilder::count_features(const ColourPlanes& planes) {
  const std::size_t n = graph_.internal.size(), width = static_cast<std::size_t>(width_);
  graph_.num_channels = num_channels_;
  graph_.num_pixels.assign(n, 0);
  graph_.bounds.assign(n, {width_, height_, 0, 0});
  graph_.counts.assign(n * kHistogramRow, 0);
  const auto &colours = colour_bins(), &textures = texture_bins();
  std::vector<std::uint8_t> code_memory(3 * kNumDirections * width);
  std::array<std::uint8_t*, 3 * kNumDirections> codes{};
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = code_memory.data() + i * width;
  for (int y = 0; y < height_; ++y) {
    for (int c = 0; c < num_channels_; ++c) {
      kernels::gradient_codes(smoothed_row(c, std::max(y - 1, 0)), smoothed_row(c, y),
                              smoothed_row(c, std::min(y + 1, height_ - 1)), width, codes.data() + c * kNumDirections);
    }
    const std::int32_t* const labels = labels_.data() + static_cast<std::size_t>(y) * width;
    for (int begin = 0, end = 0; begin < width_; begin = end) {
      const std::size_t region = static_cast<std::size_t>(labels[begin]);
      while (end < width_ && labels[end] == labels[begin]) ++end;
      graph_.num_pixels[region] += static_cast<std::uint32_t>(end - begin);
      graph_.bounds[region] = joined(graph_.bounds[region], {begin, y, end - 1, y});
      std::uint32_t* counts = graph_.counts.data() + region * kHistogramRow;
      for (int c = 0; c < num_channels_; ++c) {
        const std::uint8_t* in = planes.planes[c].data() + static_cast<std::size_t>(y) * width;
        std::uint32_t* const colour = counts + c * kGroupColourBins;
        for (int x = begin; x < end; ++x) ++colour[colours[in[x]]];
        for (int d = 0; d < kNumDirections; ++d) {
          std::uint32_t* const texture = counts + kColourRow + (c * kNumDirections + d) * kGroupTextureBins;
          const std::uint8_t* const code = codes[c * kNumDirections + d];
          for (int x = begin; x < end; ++x) ++texture[textures[code[x]]];
        }
      }
    }
  }
}

void RegionBuilder::find_pairs() {
  const std::size_t width = static_cast<std::size_t>(width_), num_pixels = labels_.size();
  PairTable table(graph_.size());
  for (int y = 0; y < height_; ++y) {
    const std::size_t row = static_cast<std::size_t>(y) * width;
    for (std::size_t i = row; i < row + width; ++i) {
      const std::uint32_t label = static_cast<std::uint32_t>(labels_[i]);
      if (i + 1 < row + width && labels_[i + 1] != labels_[i]) {
        table.add(label, static_cast<std::uint32_t>(labels_[i + 1]), costs_[i]);
      }
      if (y + 1 < height_ && labels_[i + width] != labels_[i]) {
        table.add(label, static_cast<std::uint32_t>(labels_[i + width]), costs_[num_pixels + i]);
      }
    }
  }
  table.take(graph_.pairs);
}

const RegionGraph& RegionBuilder::build(const ColourPlanes& planes, double scale, double sigma, int min_size) {
  height_ = planes.height;
  width_ = planes.width;
  num_channels_ = planes.num_channels;
  stride_ = static_cast<std::size_t>(width_) + 2;
  const std::int64_t num_pixels = static_cast<std::int64_t>(height_) * width_;
  SOCO_ASSERT(num_pixels > 0 && num_pixels < (1 << 29));
  smooth(planes, sigma);
  sort_edges();
  segment(scale, static_cast<int>(std::max<std::int64_t>(min_size, num_pixels / kMaxRegions + 1)));
  count_features(planes);
  find_pairs();
  return graph_;
}

}  // namespace soco
