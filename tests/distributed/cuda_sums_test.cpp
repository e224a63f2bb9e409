// SPDX-License-Identifier: MIT
#include "soco/distributed/cuda_sums.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <future>

#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/HashStore.hpp>

namespace soco {
namespace {

const torch::Device kDevice(torch::kCUDA, 0);

class CudaSumsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "SKIPPED NCCL: no CUDA device";
  }
  std::unique_ptr<CudaSums> join(int rank, int world_size) {
    return make_cuda_sums(store_, rank, world_size, kDevice, std::chrono::seconds(60));
  }
  c10::intrusive_ptr<c10d::Store> store_ = c10::make_intrusive<c10d::HashStore>();
};

TEST_F(CudaSumsTest, OfOneRankAreItsOwnValues) {
  const std::unique_ptr<CudaSums> sums = join(0, 1);
  if (sums == nullptr) GTEST_SKIP() << "SKIPPED NCCL: built without it";
  for (const torch::ScalarType type : {torch::kFloat64, torch::kFloat32, torch::kBFloat16}) {
    torch::Tensor values = torch::randn({1000}, torch::TensorOptions(kDevice).dtype(type));
    const torch::Tensor before = values.clone();
    sums->start(values)->wait();
    EXPECT_TRUE(torch::equal(values, before)) << type;
  }
}

TEST_F(CudaSumsTest, AreLeftToOthersWhereRanksShareAGpu) {
  auto first = std::async(std::launch::async, [&] { return join(0, 2); });
  auto second = std::async(std::launch::async, [&] { return join(1, 2); });
  EXPECT_EQ(first.get(), nullptr);
  EXPECT_EQ(second.get(), nullptr);
}

}  // namespace
}  // namespace soco
#endif
