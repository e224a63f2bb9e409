// SPDX-License-Identifier: MIT
#include "soco/layers/roi_align.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "soco/base/error.h"
#include "soco/layers/tensor_bridge.h"
#include "testing/oracle_file.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

torch::Tensor rois_of(std::initializer_list<double> values) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64).view({-1, 5});
}

// Rois inside, across and outside a map of 9 x 11 cells, of two images, one of them of no size.
torch::Tensor mixed_rois() {
  return rois_of({0, 1.2, 0.7, 6.9, 7.3, 1, -3, -2, 4,  5,  0, 3, 3, 30, 20,
                  1, 2.5, 2.5, 2.5, 2.5, 1, 20, 20, 25, 25, 0, 0, 0, 11, 9});
}

torch::Tensor random_input(torch::ScalarType dtype) {
  torch::manual_seed(1);
  return torch::randn({2, 3, 9, 11}, torch::kFloat64).to(dtype);
}

// RoIAlign as the paper and torchvision define it: sample by sample, nothing shared with the code under test.
double bilinear(const torch::TensorAccessor<double, 2>& map, double y, double x) {
  const std::int64_t height = map.size(0), width = map.size(1);
  if (y < -1 || y > static_cast<double>(height) || x < -1 || x > static_cast<double>(width)) return 0;
  y = std::clamp(y, 0.0, static_cast<double>(height - 1));
  x = std::clamp(x, 0.0, static_cast<double>(width - 1));
  const std::int64_t y0 = std::min<std::int64_t>(std::floor(y), height - 1),
                     x0 = std::min<std::int64_t>(std::floor(x), width - 1);
  const std::int64_t y1 = std::min(y0 + 1, height - 1), x1 = std::min(x0 + 1, width - 1);
  const double fy = y - static_cast<double>(y0), fx = x - static_cast<double>(x0);
  return (1 - fy) * ((1 - fx) * map[y0][x0] + fx * map[y0][x1]) + fy * ((1 - fx) * map[y1][x0] + fx * map[y1][x1]);
}

double pooled_value(const torch::TensorAccessor<double, 2>& map, const double* roi, double scale, int p, int q,
                    int pooled_h, int pooled_w, int sampling, bool aligned) {
  const double shift = aligned ? 0.5 : 0.0;
  const double x0 = roi[1] * scale - shift, y0 = roi[2] * scale - shift;
  double w = roi[3] * scale - shift - x0, h = roi[4] * scale - shift - y0;
  if (!aligned) w = std::max(w, 1.0), h = std::max(h, 1.0);
  const double bin_h = h / pooled_h, bin_w = w / pooled_w;
  const int ny = sampling > 0 ? sampling : static_cast<int>(std::ceil(bin_h));
  const int nx = sampling > 0 ? sampling : static_cast<int>(std::ceil(bin_w));
  double sum = 0;
  for (int i = 0; i < ny; ++i)
    for (int j = 0; j < nx; ++j)
      sum += bilinear(map, y0 + p * bin_h + (i + 0.5) * bin_h / ny, x0 + q * bin_w + (j + 0.5) * bin_w / nx);
  return sum / std::max(1, ny * nx);
}

torch::Tensor plain_roi_align(const torch::Tensor& input, const torch::Tensor& rois, double scale, int pooled_h,
                              int pooled_w, int sampling, bool aligned) {
  const auto in = input.accessor<double, 4>();
  torch::Tensor output = torch::zeros({rois.size(0), input.size(1), pooled_h, pooled_w}, torch::kFloat64);
  auto out = output.accessor<double, 4>();
  for (int m = 0; m < rois.size(0); ++m)
    for (int c = 0; c < input.size(1); ++c)
      for (int p = 0; p < pooled_h; ++p)
        for (int q = 0; q < pooled_w; ++q) {
          const double* roi = rois.data_ptr<double>() + 5 * m;
          out[m][c][p][q] =
              pooled_value(in[static_cast<int>(roi[0])][c], roi, scale, p, q, pooled_h, pooled_w, sampling, aligned);
        }
  return output;
}

struct Case {
  double scale;
  int pooled_h, pooled_w, sampling;
  bool aligned;
};
constexpr Case kCases[] = {{1.0, 7, 7, 0, true}, {0.5, 3, 2, 0, true}, {1.0, 2, 3, 2, false}, {0.25, 7, 7, -1, false}};

TEST(RoiAlign, EqualsTheSampleBySampleDefinition) {
  const torch::Tensor input = random_input(torch::kFloat64), rois = mixed_rois();
  for (const Case& c : kCases) {
    const torch::Tensor expected = plain_roi_align(input, rois, c.scale, c.pooled_h, c.pooled_w, c.sampling, c.aligned);
    // 1e-12: the separable sums add the same float64 products in another order.
    EXPECT_LT(max_difference(roi_align(input, rois, c.scale, c.pooled_h, c.pooled_w, c.sampling, c.aligned), expected),
              1e-12);
    EXPECT_LT(max_difference(roi_align_composed(input, rois, c.scale, c.pooled_h, c.pooled_w, c.sampling, c.aligned),
                             expected),
              1e-12);
  }
}

TEST(RoiAlign, GradientEqualsFiniteDifferences) {
  const torch::Tensor rois = mixed_rois();
  for (const bool composed : {false, true}) {
    for (const Case& c : kCases) {
      const auto pool = [&](const torch::Tensor& x) {
        return composed ? roi_align_composed(x, rois, c.scale, c.pooled_h, c.pooled_w, c.sampling, c.aligned)
                        : roi_align(x, rois, c.scale, c.pooled_h, c.pooled_w, c.sampling, c.aligned);
      };
      torch::Tensor input = random_input(torch::kFloat64).requires_grad_();
      const torch::Tensor output = pool(input);
      const torch::Tensor grad_output = torch::randn(output.sizes(), torch::kFloat64);
      output.backward(grad_output);
      // RoIAlign is linear in its input: the difference quotient along any direction is exact but for rounding.
      for (int i = 0; i < 3; ++i) {
        const torch::Tensor direction = torch::randn(input.sizes(), torch::kFloat64);
        const double expected =
            ((pool(input.detach() + direction) - pool(input.detach())) * grad_output).sum().item<double>();
        EXPECT_NEAR((input.grad() * direction).sum().item<double>(), expected, 1e-9);
      }
    }
  }
}

TEST(RoiAlign, GivesTheSameBitsForAnyNumberOfThreads) {
  torch::manual_seed(2);
  const torch::Tensor rois = torch::cat(
      {torch::randint(0, 4, {50, 1}).to(torch::kFloat32), torch::rand({50, 2}) * 10, torch::rand({50, 2}) * 10 + 8}, 1);
  torch::Tensor outputs[2], grads[2];
  for (const int threads : {1, 3}) {
    const testing::ThreadCount count(threads);
    torch::manual_seed(3);
    torch::Tensor input = torch::randn({4, 130, 14, 14}).requires_grad_();
    outputs[threads / 2] = roi_align(input, rois, 1.0, 7, 7, 0, true);
    outputs[threads / 2].backward(torch::randn({50, 130, 7, 7}));
    grads[threads / 2] = input.grad();
  }
  EXPECT_TRUE(testing::same_bits(outputs[0], outputs[1]));
  EXPECT_TRUE(testing::same_bits(grads[0], grads[1]));
}

TEST(RoiAlign, MemoryFormatOfTheInputDoesNotMatter) {
  const torch::Tensor input = random_input(torch::kFloat32), rois = mixed_rois().to(torch::kFloat32);
  EXPECT_TRUE(
      testing::same_bits(roi_align(input, rois, 1.0, 7, 7, 0, true),
                         roi_align(input.contiguous(torch::MemoryFormat::ChannelsLast), rois, 1.0, 7, 7, 0, true)));
}

TEST(RoiAlign, ComputesHalfTypesInFloat32) {
  const torch::Tensor input = random_input(torch::kBFloat16), rois = mixed_rois();
  const torch::Tensor result = roi_align(input, rois, 1.0, 7, 7, 0, true);
  EXPECT_EQ(result.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(testing::same_bits(result, roi_align(input.to(torch::kFloat32), rois, 1.0, 7, 7, 0, true)));
}

TEST(RoiAlign, ReturnsNothingForNoRois) {
  const torch::Tensor none = torch::zeros({0, 5}, torch::kFloat64), input = random_input(torch::kFloat64);
  EXPECT_EQ(roi_align(input, none, 1.0, 7, 5, 0, true).sizes(), (std::vector<std::int64_t>{0, 3, 7, 5}));
  EXPECT_EQ(roi_align_composed(input, none, 1.0, 7, 5, 0, true).sizes(), (std::vector<std::int64_t>{0, 3, 7, 5}));
}

TEST(RoiAlign, RefusesWhatMakesNoSense) {
  const torch::Tensor input = random_input(torch::kFloat64);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& align : {roi_align, roi_align_composed}) {
    EXPECT_THROW(align(input, rois_of({2, 0, 0, 1, 1}), 1.0, 7, 7, 0, true), Error);  // no third image
    EXPECT_THROW(align(input, rois_of({-1, 0, 0, 1, 1}), 1.0, 7, 7, 0, true), Error);
    EXPECT_THROW(align(input, rois_of({0, nan, 0, 1, 1}), 1.0, 7, 7, 0, true), Error);
    EXPECT_THROW(align(input, torch::zeros({3, 4}, torch::kFloat64), 1.0, 7, 7, 0, true), Error);
    EXPECT_THROW(align(input, rois_of({0, 0, 0, 1, 1}), 1.0, 0, 7, 0, true), Error);
    EXPECT_THROW(align(torch::zeros({2, 3, 4}), rois_of({0, 0, 0, 1, 1}), 1.0, 7, 7, 0, true), Error);
  }
  EXPECT_THROW(roi_align(input, rois_of({0, 0, 0, 1e12, 1}), 1.0, 7, 7, 0, true), Error);  // would sample for hours
}

TEST(RoiAlign, AgreesWithTorchvision) {
  SOCO_ORACLE_OR_SKIP(path, "roi_align.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  for (int i = 0; oracle.find("case" + std::to_string(i) + ".input") != nullptr; ++i) {
    const auto get = [&](const std::string& key) {
      return from_host(oracle.at("case" + std::to_string(i) + "." + key));
    };
    const torch::Tensor params = get("params").to(torch::kFloat64);
    const auto param = [&](int j) { return params[j].item<double>(); };
    torch::Tensor input = get("input").requires_grad_();
    const torch::Tensor output =
        roi_align(input, get("rois"), param(0), static_cast<std::int64_t>(param(1)),
                  static_cast<std::int64_t>(param(2)), static_cast<std::int64_t>(param(3)), param(4) != 0);
    output.backward(get("grad_output").to(output.scalar_type()));
    // float32 sums of up to some hundred products in another order; values are of order 1.
    const double tolerance = input.scalar_type() == torch::kFloat64 ? 1e-11 : 2e-5;
    EXPECT_LT(max_difference(output, get("output")), tolerance) << "case " << i;
    EXPECT_LT(max_difference(input.grad(), get("grad_input")), tolerance * 10) << "case " << i;
  }
}

}  // namespace
}  // namespace soco
