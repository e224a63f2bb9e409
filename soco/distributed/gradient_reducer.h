// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "soco/distributed/communicator.h"

namespace soco {

/// Averages gradients over the ranks, in buckets of a few MiB. A bucket is summed while the backward pass goes on with
/// the layers before it (Li et al., "PyTorch Distributed", VLDB 2020): buckets are filled from the last parameter to
/// the first, which is about the order of the backward pass, and always summed in this order.
class GradientReducer {
 public:
  static constexpr std::int64_t kBucketBytes = 25 << 20;  // as PyTorch's: large enough that latency does not count

  /// `parameters`: the same on all ranks, in the same order. `communicator` must outlive this.
  GradientReducer(std::vector<torch::Tensor> parameters, Communicator& communicator);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// The next backward pass is the last of the step, and adds to each gradient at most once (so it does not recompute
  /// parts of the network): sums may begin as soon as gradients are there. Without this call they begin with reduce().
  void overlap_next_backward();

  /// Replaces each parameter's gradient by its mean over the ranks; one that is undefined counts as zero. Once a step,
  /// after the last backward pass of the step.
  void reduce();

 private:
  struct Bucket {
    std::vector<std::size_t> members;  // indices of parameters
    std::size_t num_missing = 0;       // gradients that the backward pass still owes
    torch::Tensor values;              // all gradients in one row
    std::unique_ptr<PendingSum> sum;   // null: not begun
  };
  void make_buckets();
  void watch_gradients();
  void on_gradient(std::size_t parameter);
  void begin(Bucket& bucket);
  void finish(Bucket& bucket);

  std::vector<torch::Tensor> parameters_;
  Communicator& communicator_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> bucket_of_;                // by parameter
  std::vector<std::function<void()>> stop_watching_;  // takes the hooks off again
  bool overlapping_ = false;
  std::size_t num_begun_ = 0;  // the first so many buckets
};

}  // namespace soco
