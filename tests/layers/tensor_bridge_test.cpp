// SPDX-License-Identifier: MIT
#include "soco/layers/tensor_bridge.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <stdexcept>

#include "soco/base/error.h"
#include "soco/layers/parallel.h"
#include "soco/layers/torch_compat.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

TEST(TensorBridge, KeepsBitsOfEveryDtypeThereAndBack) {
  for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                           torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    const torch::Tensor tensor = torch::randint(0, 100, {3, 4}).to(dtype);
    EXPECT_TRUE(testing::same_bits(from_host(to_host(tensor)), tensor)) << torch::toString(dtype);
    EXPECT_EQ(torch_dtype(host_dtype(dtype)), dtype);
  }
}

TEST(TensorBridge, WritesRowMajorWhateverTheLayout) {
  const torch::Tensor transposed = torch::arange(6, torch::kFloat32).view({2, 3}).t();
  const HostTensor host = to_host(transposed);
  EXPECT_EQ(host.shape, (std::vector<std::int64_t>{3, 2}));
  const auto values = host.as<float>();
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(TensorBridge, KeepsScalarsAndEmptyTensors) {
  EXPECT_TRUE(testing::same_bits(from_host(to_host(torch::tensor(7, torch::kInt64))), torch::tensor(7, torch::kInt64)));
  EXPECT_EQ(from_host(to_host(torch::zeros({0, 3}))).sizes(), (std::vector<std::int64_t>{0, 3}));
}

TEST(TensorBridge, CopiesIntoAnExistingTensorOrSaysWhyNot) {
  torch::Tensor target = torch::zeros({2, 2}).contiguous().requires_grad_();
  copy_from_host(target, to_host(torch::ones({2, 2})), "w");
  EXPECT_TRUE(testing::same_bits(target.detach(), torch::ones({2, 2})));
  EXPECT_THROW(copy_from_host(target, to_host(torch::ones({4})), "w"), Error);
  EXPECT_THROW(copy_from_host(target, to_host(torch::ones({2, 2}, torch::kFloat64)), "w"), Error);
  EXPECT_THROW(to_host(torch::zeros({1}, torch::kComplexFloat)), Error);
  HostTensor broken = to_host(torch::ones({2, 2}));
  broken.data.pop_back();
  EXPECT_THROW(from_host(broken), Error);
}

TEST(TorchParallelFor, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 4}) {
    const testing::ThreadCount count(threads);
    for (const std::int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
      torch_parallel_for(n, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      for (const auto& times : seen) EXPECT_EQ(times.load(), 1);
    }
  }
}

TEST(TorchParallelFor, KeepsSmallWorkInOnePiece) {
  const testing::ThreadCount count(2);
  int calls = 0;
  torch_parallel_for(8, 8, [&](std::int64_t begin, std::int64_t end) { calls += static_cast<int>(end - begin); });
  EXPECT_EQ(calls, 8);
}

TEST(TorchParallelFor, PassesErrorsOn) {
  const testing::ThreadCount count(2);
  EXPECT_THROW(torch_parallel_for(8, 1,
                                  [](std::int64_t begin, std::int64_t) {
                                    if (begin > 0) fail("no");
                                  }),
               std::exception);
}

TEST(AutocastGuard, RunsMatrixProductsInBFloat16AndRestores) {
  const torch::Tensor a = torch::randn({8, 8});
  {
    const AutocastGuard guard(torch::kCPU, torch::kBFloat16);
    EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kBFloat16);
    {
      const NoAutocastGuard off(torch::kCPU);
      EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kFloat32);
    }
    EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(torch::mm(a, a).scalar_type(), torch::kFloat32);
}

TEST(AutocastGuard, DoesNothingForFloat32AndRefusesOthers) {
  const AutocastGuard guard(torch::kCPU, torch::kFloat32);
  EXPECT_EQ(torch::mm(torch::ones({2, 2}), torch::ones({2, 2})).scalar_type(), torch::kFloat32);
  EXPECT_THROW(AutocastGuard(torch::kCPU, torch::kFloat64), Error);
  EXPECT_THROW(AutocastGuard(torch::kCPU, torch::kHalf), Error);
}

}  // namespace
}  // namespace soco
