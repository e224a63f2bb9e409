// SPDX-License-Identifier: MIT
// Every kernel, on every instruction set this machine has, against a plain loop: bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "soco/base/random.h"
#include "soco/proposals/edge_sort.h"
#include "soco/proposals/plane_kernels.h"
#include "soco/proposals/row_kernels.h"
#include "testing/instruction_sets.h"

namespace soco {
namespace {

using testing::for_each_target;

template <class T>
std::vector<T> random_values(std::size_t n, double low, double high, std::uint64_t seed) {
  Rng rng(seed, 0, 0, 0);
  std::vector<T> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<T>(rng.uniform(low, high)));
  return values;
}

constexpr std::size_t kLengths[] = {0, 1, 3, 7, 8, 17, 101};  // whole vectors, tails and neither

TEST(RowKernels, UnitRowsDivideBy255) {
  const auto rgb = random_values<std::uint8_t>(300, 0, 256, 1);
  for_each_target([&] {
    std::vector<double> r(100), g(100), b(100);
    double* const out[3] = {r.data(), g.data(), b.data()};
    kernels::unit_rows(rgb.data(), 100, out);
    for (int x = 0; x < 100; ++x) {
      ASSERT_EQ(r[x], rgb[3 * x] * (1.0 / 255.0));
      ASSERT_EQ(b[x], rgb[3 * x + 2] * (1.0 / 255.0));
    }
  });
}

TEST(RowKernels, LowerKeepsTheLesserValues) {
  const auto values = random_values<double>(102, 0, 1, 5), start = random_values<double>(102, 0, 1, 6);
  for_each_target([&] {
    for (const std::size_t n : kLengths) {
      std::vector<double> least = start;
      kernels::lower(values.data(), n, least.data());
      for (std::size_t x = 0; x < least.size(); ++x)
        ASSERT_EQ(least[x], x < n ? std::min(start[x], values[x]) : start[x]);
    }
  });
}

TEST(RowKernels, FindEqualListsWhereAllThreeAgree) {
  Rng rng(7, 0, 0, 0);
  std::vector<double> values, a, b;
  for (int i = 0; i < 102; ++i)
    for (std::vector<double>* row : {&values, &a, &b}) row->push_back(static_cast<double>(rng.uniform_int(3)) / 7);
  for_each_target([&] {
    for (const std::size_t n : kLengths) {
      std::vector<std::uint32_t> expected, found(n);
      for (std::uint32_t x = 0; x < n; ++x)
        if (values[x] == a[x] && values[x] == b[x]) expected.push_back(x);
      found.resize(kernels::find_equal(values.data(), a.data(), b.data(), n, found.data()));
      ASSERT_EQ(found, expected);
    }
  });
}

template <class T>
void check_filter() {
  const auto line = random_values<T>(120, 0, 1, 2);
  const std::vector<T> weights{T(0.05), T(0.2), T(0.5), T(0.2), T(0.05)};
  for_each_target([&] {
    for (const std::size_t n : kLengths) {
      std::vector<const T*> taps;
      for (int k = 0; k < 5; ++k) taps.push_back(line.data() + k);
      std::vector<T> out(n + 1, T(-1));
      kernels::symmetric_filter(taps.data(), weights.data(), 2, n, out.data());
      for (std::size_t x = 0; x < n; ++x) {
        T sum = line[x + 2] * weights[2];
        sum += (line[x] + line[x + 4]) * weights[0];
        sum += (line[x + 1] + line[x + 3]) * weights[1];
        ASSERT_EQ(out[x], sum) << n << " " << x;
      }
      ASSERT_EQ(out[n], T(-1));  // nothing beyond the end
    }
  });
}
TEST(RowKernels, SymmetricFilterAddsFromTheOutside) { check_filter<double>(); }
TEST(PlaneKernels, SymmetricFilterAddsFromTheOutside) { check_filter<float>(); }

TEST(RowKernels, DistanceEdgesPackEuclideanDistances) {
  const auto p = random_values<double>(103, 0, 1, 3), q = random_values<double>(103, 0, 1, 4),
             s = random_values<double>(103, 0, 1, 5);
  for_each_target([&] {
    for (const std::size_t n : kLengths) {
      std::vector<double> costs(n + 1, -1);
      const double* const a[3] = {p.data(), q.data(), s.data()};
      const double* const b[3] = {p.data() + 1, q.data() + 2, s.data() + 1};
      kernels::distances(a, b, n, costs.data());
      for (std::size_t x = 0; x < n; ++x) {
        const double d0 = p[x + 1] - p[x], d1 = q[x + 2] - q[x], d2 = s[x + 1] - s[x];
        ASSERT_EQ(costs[x], std::sqrt(d0 * d0 + d1 * d1 + d2 * d2));
      }
      ASSERT_EQ(costs[n], -1);
    }
  });
}

TEST(RowKernels, PatternCodesCompareEightPoints) {
  std::vector<std::vector<double>> v;
  for (std::uint64_t i = 0; i < 9; ++i) {
    v.push_back(random_values<double>(103, 0, 9, 20 + i));
    for (double& value : v.back()) value = std::floor(value);  // ties too
  }
  const auto row = [&](int i) {
    return kernels::PatternRow{v[i].data() + 1, v[i + 3].data() + 1, v[i + 6].data() + 1};
  };
  for_each_target([&] {
    for (const std::size_t n : kLengths) {
      std::vector<std::uint8_t> codes(n + 1, 99);
      kernels::pattern_codes(row(0), row(1), row(2), 0.25, 0.75, n, codes.data());
      for (std::size_t x = 0; x < n; ++x) {
        const double p = v[1][x + 1];
        const auto mean = [&](int i, int j, double f) { return (1 - f) * v[i][x + 1] + f * v[j][x + 1]; };
        const bool bits[8] = {v[1][x + 2] >= p, mean(6, 7, 0.25) >= p, v[0][x + 1] >= p, mean(3, 4, 0.25) >= p,
                              v[1][x] >= p,     mean(4, 5, 0.75) >= p, v[2][x + 1] >= p, mean(7, 8, 0.75) >= p};
        int code = 0;
        for (int i = 0; i < 8; ++i) code |= bits[i] << i;
        ASSERT_EQ(codes[x], code) << x;
      }
      ASSERT_EQ(codes[n], 99);
    }
  });
}

TEST(PlaneKernels, QuantizedDistancesAreCutOffAtTheGreatest) {
  const auto p = random_values<float>(103, 0, 255, 6), q = random_values<float>(103, 0, 255, 7);
  for_each_target([&] {
    for (const std::size_t n : kLengths) {
      std::vector<std::uint16_t> out(n + 1, 9999);
      const float* const a[2] = {p.data(), q.data()};
      const float* const b[2] = {p.data() + 1, q.data() + 1};
      kernels::quantized_distances(a, b, 2, n, 8, 1500, out.data());
      for (std::size_t x = 0; x < n; ++x) {
        const float d0 = p[x + 1] - p[x], d1 = q[x + 1] - q[x];
        ASSERT_EQ(out[x], static_cast<int>(std::min(8 * std::sqrt(d0 * d0 + d1 * d1), 1500.0f)));
      }
      ASSERT_EQ(out[n], 9999);
    }
  });
}

TEST(PlaneKernels, GradientCodesAreRoundedAndClamped) {
  const auto above = random_values<float>(60, 0, 255, 8), row = random_values<float>(60, 0, 255, 9),
             below = random_values<float>(60, 0, 255, 10);
  for_each_target([&] {
    std::vector<std::uint8_t> memory(4 * 50);
    std::uint8_t* const codes[4] = {memory.data(), memory.data() + 50, memory.data() + 100, memory.data() + 150};
    kernels::gradient_codes(above.data() + 1, row.data() + 1, below.data() + 1, 50, codes);
    for (int x = 0; x < 50; ++x) {
      const float gx = row[x + 2] - row[x], gy = below[x + 1] - above[x + 1];
      const float expected[4] = {gx, (gx + gy) * 0.70710678f, gy, (gy - gx) * 0.70710678f};
      for (int d = 0; d < 4; ++d) {
        const int code = static_cast<int>(std::floor(std::min(std::max(expected[d] + 128.5f, 0.0f), 255.0f)));
        ASSERT_EQ(codes[d][x], code) << d << " " << x;
      }
    }
  });
}

TEST(PlaneKernels, HistogramsAreScaledAndIntersected) {
  const auto counts = random_values<std::uint32_t>(80, 0, 900, 11),
             others = random_values<std::uint32_t>(80, 0, 900, 12);
  for_each_target([&] {
    std::vector<std::uint16_t> a(80), b(80);
    kernels::scale_counts(counts.data(), 80, 0.75f, a.data());
    kernels::scale_counts(others.data(), 80, 0.5f, b.data());
    std::uint32_t common = 0;
    for (int i = 0; i < 80; ++i) {
      ASSERT_EQ(a[i], static_cast<int>(static_cast<float>(counts[i]) * 0.75f));
      common += std::min(a[i], b[i]);
    }
    EXPECT_EQ(kernels::histogram_intersection(a.data(), b.data(), 80), common);
  });
}

}  // namespace
}  // namespace soco
