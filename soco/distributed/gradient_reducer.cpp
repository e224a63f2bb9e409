// SPDX-License-Identifier: MIT
#include "soco/distributed/gradient_reducer.h"

#include <torch/torch.h>

#include <utility>

namespace soco {

GradientReducer::GradientReducer(std::vector<torch::Tensor> parameters, Communicator& communicator)
    : parameters_(std::move(parameters)), communicator_(communicator) {}

void GradientReducer::reduce() {
  if (communicator_.is_alone()) return;
  const torch::NoGradGuard no_grad;
  std::size_t begin = 0;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const bool other_dtype = parameters_[i].scalar_type() != parameters_[begin].scalar_type();
    if (i > begin && (other_dtype || bytes >= kBucketBytes)) {
      reduce_bucket(begin, i);
      begin = i;
      bytes = 0;
    }
    bytes += parameters_[i].numel() * static_cast<std::int64_t>(parameters_[i].element_size());
  }
  if (begin < parameters_.size()) reduce_bucket(begin, parameters_.size());
}

void GradientReducer::reduce_bucket(std::size_t begin, std::size_t end) {
  std::vector<torch::Tensor> flat;
  for (std::size_t i = begin; i < end; ++i) {
    torch::Tensor& gradient = parameters_[i].mutable_grad();
    if (!gradient.defined()) gradient = torch::zeros_like(parameters_[i]);
    flat.push_back(gradient.reshape({-1}));
  }
  torch::Tensor bucket = torch::cat(flat);
  communicator_.all_reduce_sum(bucket);
  bucket.div_(communicator_.world_size());
  std::int64_t offset = 0;
  for (std::size_t i = begin; i < end; ++i) {
    torch::Tensor& gradient = parameters_[i].mutable_grad();
    gradient.copy_(bucket.narrow(0, offset, gradient.numel()).view(gradient.sizes()));
    offset += gradient.numel();
  }
}

}  // namespace soco
