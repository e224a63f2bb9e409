// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstdint>

namespace soco::testing {

/// Largest absolute difference of two tensors of one shape; infinity when shapes differ.
inline double max_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.defined() || !b.defined() || a.sizes() != b.sizes()) return INFINITY;
  if (a.numel() == 0) return 0;
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

/// Same dtype, shape and bits.
inline bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && torch::equal(a, b);
}

/// Sets the number of libtorch's operation threads for the scope.
class ThreadCount {
 public:
  explicit ThreadCount(int count) : old_(torch::get_num_threads()) { torch::set_num_threads(count); }
  ~ThreadCount() { torch::set_num_threads(old_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int old_;
};

}  // namespace soco::testing
