// SPDX-License-Identifier: MIT
// The CUDA kernels against the CPU's, which are themselves tested against the definition and torchvision.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

#include "soco/layers/roi_align.h"
#include "testing/cuda.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

struct Case {
  double scale;
  std::int64_t pooled_h, pooled_w, sampling;
  bool aligned;
};
constexpr Case kCases[] = {
    {1.0, 7, 7, 0, true}, {0.5, 14, 14, 0, true}, {1.0, 2, 3, 2, false}, {0.25, 7, 7, -1, false}};

// 300 rois of four images in no order, inside, across and beyond the map, some of no size.
torch::Tensor random_rois() {
  const torch::Tensor corner = torch::rand({300, 2}, torch::kFloat64) * 60 - 15;
  const torch::Tensor size = (torch::rand({300, 2}, torch::kFloat64) * 50 - 5).clamp_min(0);
  return torch::cat({torch::randint(0, 4, {300, 1}).to(torch::kFloat64), corner, corner + size}, 1);
}

struct Result {
  torch::Tensor output, grad;
};

Result pool(const torch::Tensor& input, const torch::Tensor& rois, const torch::Tensor& grad_output, const Case& c,
            torch::Device device) {
  const torch::Tensor x = input.to(device).detach().requires_grad_();
  const torch::Tensor output = roi_align(x, rois.to(device), c.scale, c.pooled_h, c.pooled_w, c.sampling, c.aligned);
  output.backward(grad_output.to(device).to(output.scalar_type()));
  return {output.detach().cpu(), x.grad().cpu()};
}

TEST(RoiAlignCuda, EqualsTheCpus) {
  SOCO_CUDA_OR_SKIP();
  torch::manual_seed(1);
  const torch::Tensor rois = random_rois();
  for (const Case& c : kCases) {
    for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kBFloat16}) {
      const torch::Tensor input = torch::randn({4, 37, 31, 45}).to(dtype);
      const torch::Tensor grad_output = torch::randn({300, 37, c.pooled_h, c.pooled_w});
      const Result cpu = pool(input, rois, grad_output, c, torch::kCPU);
      const Result cuda = pool(input, rois, grad_output, c, torch::kCUDA);
      EXPECT_EQ(cuda.output.scalar_type(), cpu.output.scalar_type());
      EXPECT_EQ(cuda.grad.scalar_type(), cpu.grad.scalar_type());
      // Sums of some hundred products of order 1 in another order, with fused multiplications; a gradient in bfloat16
      // is rounded to its 8 bits, once, from sums of up to some tens.
      const double tolerance = dtype == torch::kFloat64 ? 1e-12 : 2e-5;
      EXPECT_LT(max_difference(cuda.output, cpu.output), tolerance);
      EXPECT_LT(max_difference(cuda.grad, cpu.grad), dtype == torch::kBFloat16 ? 0.3 : 20 * tolerance);
    }
  }
}

TEST(RoiAlignCuda, GivesTheSameBitsInEveryRun) {
  SOCO_CUDA_OR_SKIP();
  torch::manual_seed(2);
  const torch::Tensor rois = random_rois(), input = torch::randn({4, 256, 31, 45});
  const torch::Tensor grad_output = torch::randn({300, 256, 7, 7});
  const Result first = pool(input, rois, grad_output, kCases[0], torch::kCUDA);
  for (int i = 0; i < 5; ++i) {
    const Result again = pool(input, rois, grad_output, kCases[0], torch::kCUDA);
    EXPECT_TRUE(testing::same_bits(first.output, again.output));
    EXPECT_TRUE(testing::same_bits(first.grad, again.grad));
  }
}

TEST(RoiAlignCuda, GivesNanForARoiThatMakesNoSenseAndNothingForNone) {
  SOCO_CUDA_OR_SKIP();
  const torch::Tensor input = torch::randn({2, 3, 9, 11}).to(torch::kCUDA);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const torch::Tensor rois =
      torch::tensor({2.0, 0.0, 0.0, 1.0,  1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0, nan, 0.0, 1.0, 1.0,  //
                     0.0, 0.0, 0.0, 1e12, 1.0, 1.0,  0.0, 0.0, 4.0, 4.0},
                    torch::kFloat64)
          .view({-1, 5})
          .to(torch::kCUDA);
  const torch::Tensor output = roi_align(input, rois, 1.0, 7, 7, 0, true).cpu();
  for (int m = 0; m < 4; ++m) EXPECT_TRUE(output[m].isnan().all().item<bool>()) << m;
  EXPECT_TRUE(output[4].isfinite().all().item<bool>());
  EXPECT_EQ(roi_align(input, rois.slice(0, 0, 0), 1.0, 7, 5, 0, true).sizes(), (std::vector<std::int64_t>{0, 3, 7, 5}));
}

}  // namespace
}  // namespace soco
