// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/key_queue.h"

#include <torch/torch.h>

#include <algorithm>

namespace soco {

KeyQueueImpl::KeyQueueImpl(std::int64_t size, std::int64_t channels) {
  const auto by_row = torch::nn::functional::NormalizeFuncOptions().dim(1);
  keys = register_buffer("keys", torch::nn::functional::normalize(torch::randn({size, channels}), by_row));
  next = register_buffer("next", torch::zeros({}, torch::kInt64));
}

void KeyQueueImpl::push(const torch::Tensor& vectors) {
  const torch::NoGradGuard no_grad;
  const std::int64_t size = keys.size(0), count = vectors.size(0);
  const std::int64_t first = std::max<std::int64_t>(0, count - size);  // earlier ones would be overwritten at once
  const torch::Tensor newest = vectors.slice(0, first);
  const torch::Tensor rows = torch::arange(first, count, next.options()).add(next).remainder(size);
  keys.index_copy_(0, rows, newest.to(keys.scalar_type()));
  next.add_(count).remainder_(size);
}

}  // namespace soco
