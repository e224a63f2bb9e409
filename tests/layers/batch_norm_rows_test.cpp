// SPDX-License-Identifier: MIT
// The passes of BatchNorm on every instruction set this machine has, against plain loops: bit for bit.
#include "soco/layers/kernels/batch_norm_rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "soco/base/random.h"
#include "testing/instruction_sets.h"

namespace soco::kernels {
namespace {

constexpr std::int64_t kMaxRows = 9, kMaxChannels = 70;

std::vector<float> random_values(std::int64_t n, std::uint64_t seed) {
  Rng rng(seed, 0, 0, purpose::kInit);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = static_cast<float>(rng.uniform() * 4 - 2);
  return values;
}

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

// Rows of a group and what belongs to its channels. One value is no number.
struct Rows {
  explicit Rows(const RowRun& run) : x(random_values(run.rows * run.channels, 1)) {
    if (x.size() > 4) x[4] = std::numeric_limits<float>::quiet_NaN();
  }
  std::vector<float> x;
  std::vector<float> other = random_values(kMaxRows * kMaxChannels, 2);  // a residual, or an output
  std::vector<float> grad = random_values(kMaxRows * kMaxChannels, 3);
  std::vector<float> a = random_values(kMaxChannels, 4), b = random_values(kMaxChannels, 5),
                     e = random_values(kMaxChannels, 6);
};

// check(run, rows) for runs of all small sizes: vectors of channels and of rows, and what is left of both.
template <class Check>
void for_each_size(const Check& check) {
  for (const std::int64_t channels : {1, 3, 4, 7, 8, 16, 21, 64, 70})
    for (std::int64_t rows = 0; rows <= kMaxRows; ++rows) {
      const RowRun run{rows, channels};
      SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(channels));
      const Rows values(run);
      testing::for_each_target([&] { check(run, values); });
    }
}

TEST(BatchNormRows, MomentsAreSumsFromRowToRow) {
  for_each_size([](const RowRun& run, const Rows& in) {
    std::vector<float> sum = in.b, square = in.e, expected_sum = sum, expected_square = square;
    add_moments(in.x.data(), in.a.data(), run, sum.data(), square.data());
    for (std::int64_t r = 0; r < run.rows; ++r)
      for (std::int64_t c = 0; c < run.channels; ++c) {
        const float d = in.x[r * run.channels + c] - in.a[c];
        expected_sum[c] += d;
        expected_square[c] += d * d;
      }
    EXPECT_EQ(bits_of(sum), bits_of(expected_sum));
    EXPECT_EQ(bits_of(square), bits_of(expected_square));
  });
}

TEST(BatchNormRows, NormalisesAddsAndCutsOff) {
  for_each_size([](const RowRun& run, const Rows& in) {
    for (const bool residual : {false, true})
      for (const bool relu : {false, true}) {
        std::vector<float> y(in.x.size(), 9), expected = y;
        normalise_rows(in.x.data(), in.a.data(), in.b.data(), residual ? in.other.data() : nullptr, relu, run,
                       y.data());
        for (std::size_t i = 0; i < in.x.size(); ++i) {
          const std::size_t c = i % static_cast<std::size_t>(run.channels);
          float v = in.x[i] * in.a[c] + in.b[c];
          if (residual) v += in.other[i];
          expected[i] = relu && v < 0 ? 0 : v;
        }
        EXPECT_EQ(bits_of(y), bits_of(expected)) << "residual " << residual << " relu " << relu;
      }
  });
}

// The three ways to know where relu cut off, and d of GatedGradient for each.
struct GateCase {
  GatedGradient gradient;
  std::vector<float> d;
};

std::vector<GateCase> gate_cases(const RowRun& run, const Rows& in) {
  GatedGradient open{.grad_y = in.grad.data(), .x = in.x.data()}, by_output = open, by_x = open;
  by_output.y = in.other.data();
  by_x.scale = in.a.data();
  by_x.shift = in.b.data();
  std::vector<GateCase> cases{{open, {}}, {by_output, {}}, {by_x, {}}};
  for (std::size_t i = 0; i < in.x.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(run.channels);
    cases[0].d.push_back(in.grad[i]);
    cases[1].d.push_back(in.other[i] > 0 ? in.grad[i] : 0);
    cases[2].d.push_back(in.x[i] * in.a[c] + in.b[c] > 0 ? in.grad[i] : 0);
  }
  return cases;
}

TEST(BatchNormRows, GradientSumsCountWhatReluLetThrough) {
  for_each_size([](const RowRun& run, const Rows& in) {
    for (const GateCase& gate : gate_cases(run, in)) {
      std::vector<float> sum = in.b, dot = in.e, expected_sum = sum, expected_dot = dot;
      add_gradient_sums(gate.gradient, in.a.data(), run, sum.data(), dot.data());
      for (std::size_t i = 0; i < in.x.size(); ++i) {
        const std::size_t c = i % static_cast<std::size_t>(run.channels);
        expected_sum[c] += gate.d[i];
        expected_dot[c] += gate.d[i] * (in.x[i] - in.a[c]);
      }
      EXPECT_EQ(bits_of(sum), bits_of(expected_sum));
      EXPECT_EQ(bits_of(dot), bits_of(expected_dot));
    }
  });
}

TEST(BatchNormRows, InputGradientIsLinearInGradientAndInput) {
  for_each_size([](const RowRun& run, const Rows& in) {
    for (const GateCase& gate : gate_cases(run, in))
      for (const bool with_residual : {false, true}) {
        std::vector<float> grad_x(in.x.size()), grad_residual(in.x.size()), expected;
        input_gradient(gate.gradient, in.a.data(), in.b.data(), in.e.data(), run, grad_x.data(),
                       with_residual ? grad_residual.data() : nullptr);
        for (std::size_t i = 0; i < in.x.size(); ++i) {
          const std::size_t c = i % static_cast<std::size_t>(run.channels);
          expected.push_back(in.a[c] * gate.d[i] + in.b[c] * in.x[i] + in.e[c]);
        }
        EXPECT_EQ(bits_of(grad_x), bits_of(expected));
        if (with_residual) EXPECT_EQ(bits_of(grad_residual), bits_of(gate.d));
      }
  });
}

}  // namespace
}  // namespace soco::kernels
