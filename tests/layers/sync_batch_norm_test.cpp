// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <barrier>
#include <thread>

#include "soco/distributed/communicator.h"
#include "soco/layers/grouped_batch_norm.h"
#include "testing/tensor_check.h"

namespace soco {
namespace {

using testing::max_difference;

struct Meeting {
  std::barrier<> barrier{2};
  std::array<torch::Tensor, 2> values;
};

/// Two ranks as two threads.
class ThreadRank final : public Communicator {
 public:
  ThreadRank(Meeting& meeting, int rank) : meeting_(meeting), rank_(rank) {}
  int rank() const override { return rank_; }
  int world_size() const override { return 2; }
  void all_reduce_sum(torch::Tensor& tensor) override {
    meeting_.values[static_cast<std::size_t>(rank_)] = tensor.clone();
    meeting_.barrier.arrive_and_wait();
    const torch::Tensor sum = meeting_.values[0] + meeting_.values[1];
    meeting_.barrier.arrive_and_wait();
    tensor.copy_(sum);
    ++num_sums;
  }
  std::unique_ptr<PendingSum> start_sum(torch::Tensor&) override { return nullptr; }
  void wait_for_main() override {}
  int num_sums = 0;

 private:
  Meeting& meeting_;
  int rank_;
};

struct Result {
  torch::Tensor output, grad_x, grad_residual, grad_weight, grad_bias, running_mean, running_var;
  int num_sums = 0;
};

Result train_once(const torch::Tensor& x, const torch::Tensor& residual, const torch::Tensor& grad,
                  ThreadRank* communicator) {
  BatchNorm norm(x.size(1));
  {
    const torch::NoGradGuard no_grad;
    norm->weight.copy_(torch::linspace(-1, 2, x.size(1)));
    norm->bias.copy_(torch::linspace(1, -1, x.size(1)));
  }
  norm->to(x.scalar_type());
  norm->communicator = communicator;
  torch::Tensor a = x.clone().requires_grad_(), b = residual.clone().requires_grad_();
  const torch::Tensor output = norm(a, NormCall{NormActivation::kRelu, b, {}});
  output.backward(grad);
  return {
      output.detach(),   a.grad(),           b.grad(),          norm->weight.grad(),
      norm->bias.grad(), norm->running_mean, norm->running_var, communicator == nullptr ? 0 : communicator->num_sums};
}

class SyncBatchNorm : public ::testing::TestWithParam<torch::ScalarType> {};

TEST_P(SyncBatchNorm, OfTwoRanksIsThatOfTheWholeBatch) {
  torch::manual_seed(9);
  const torch::Tensor x = (torch::randn({7, 5, 3, 2}, torch::kFloat64) * 2 + 10).to(GetParam()),
                      residual = torch::randn_like(x), grad = torch::randn_like(x);
  const Result whole = train_once(x, residual, grad, nullptr);
  for (const std::int64_t first : {4, 7}) {  // 7: the second rank has nothing
    Meeting meeting;
    std::array<Result, 2> parts;
    const auto run = [&](int rank) {
      ThreadRank communicator(meeting, rank);
      const auto rows = [&](const torch::Tensor& t) {
        return rank == 0 ? t.narrow(0, 0, first) : t.narrow(0, first, 7 - first);
      };
      parts[static_cast<std::size_t>(rank)] = train_once(rows(x), rows(residual), rows(grad), &communicator);
    };
    std::thread other(run, 1);
    run(0);
    other.join();
    // float32 with a mean five deviations from zero: some 1e-6 in results of order 1, ten times that in sums of 42.
    const double bound = GetParam() == torch::kFloat64 ? 1e-12 : 1e-5;
    const auto joined = [&](torch::Tensor Result::*part) { return torch::cat({parts[0].*part, parts[1].*part}); };
    EXPECT_LT(max_difference(joined(&Result::output), whole.output), bound);
    EXPECT_LT(max_difference(joined(&Result::grad_x), whole.grad_x), bound);
    EXPECT_LT(max_difference(joined(&Result::grad_residual), whole.grad_residual), bound);
    EXPECT_LT(max_difference(parts[0].grad_weight + parts[1].grad_weight, whole.grad_weight), 10 * bound);
    EXPECT_LT(max_difference(parts[0].grad_bias + parts[1].grad_bias, whole.grad_bias), 10 * bound);
    for (const Result& part : parts) {
      EXPECT_LT(max_difference(part.running_mean, whole.running_mean), bound);
      EXPECT_LT(max_difference(part.running_var, whole.running_var), bound);
      EXPECT_EQ(part.num_sums, GetParam() == torch::kFloat32 ? 2 : 3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SyncBatchNorm, ::testing::Values(torch::kFloat32, torch::kFloat64));

}  // namespace
}  // namespace soco
