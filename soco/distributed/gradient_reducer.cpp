// SPDX-License-Identifier: MIT
#include "soco/distributed/gradient_reducer.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/torch.h>

#include <utility>

#include "soco/base/error.h"

namespace soco {

GradientReducer::GradientReducer(std::vector<torch::Tensor> parameters, Communicator& communicator)
    : parameters_(std::move(parameters)), communicator_(communicator) {
  if (communicator_.is_alone()) return;
  make_buckets();
  watch_gradients();
}

GradientReducer::~GradientReducer() {
  for (const auto& stop : stop_watching_) stop();
}

void GradientReducer::make_buckets() {
  bucket_of_.resize(parameters_.size());
  std::int64_t bytes = kBucketBytes;  // the first parameter opens a bucket
  for (std::size_t i = parameters_.size(); i-- > 0;) {
    const bool other_dtype =
        !buckets_.empty() && parameters_[buckets_.back().members[0]].scalar_type() != parameters_[i].scalar_type();
    if (bytes >= kBucketBytes || other_dtype) {
      buckets_.emplace_back();
      bytes = 0;
    }
    buckets_.back().members.push_back(i);
    bucket_of_[i] = buckets_.size() - 1;
    bytes += static_cast<std::int64_t>(parameters_[i].nbytes());
  }
}

/// The node that adds a parameter's gradient runs once in a backward pass, when all of the gradient is there.
void GradientReducer::watch_gradients() {
  using torch::autograd::utils::LambdaPostHook;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto node = torch::autograd::impl::grad_accumulator(parameters_[i]);
    const auto key = node->add_post_hook(std::make_unique<LambdaPostHook>(
        [this, i](const torch::autograd::variable_list& outputs, const torch::autograd::variable_list&) {
          on_gradient(i);
          return outputs;
        }));
    stop_watching_.push_back([node, key] { node->del_post_hook(key); });
  }
}

void GradientReducer::overlap_next_backward() {
  if (communicator_.is_alone()) return;
  SOCO_ASSERT(num_begun_ == 0);
  for (Bucket& bucket : buckets_) bucket.num_missing = bucket.members.size();
  overlapping_ = true;
}

void GradientReducer::on_gradient(std::size_t parameter) {
  if (!overlapping_) return;
  Bucket& bucket = buckets_[bucket_of_[parameter]];
  SOCO_ASSERT(bucket.num_missing > 0);
  --bucket.num_missing;
  // In the order of the buckets, for the sums of all ranks must meet; one that never fills up leaves the rest to
  // reduce().
  while (num_begun_ < buckets_.size() && buckets_[num_begun_].num_missing == 0) begin(buckets_[num_begun_]);
}

void GradientReducer::begin(Bucket& bucket) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> flat;
  for (const std::size_t i : bucket.members) {
    torch::Tensor& gradient = parameters_[i].mutable_grad();
    if (!gradient.defined()) gradient = torch::zeros_like(parameters_[i]);
    flat.push_back(gradient.reshape({-1}));
  }
  bucket.values = torch::cat(flat);
  bucket.sum = communicator_.start_sum(bucket.values);
  ++num_begun_;
}

void GradientReducer::finish(Bucket& bucket) {
  bucket.sum->wait();
  bucket.sum.reset();
  bucket.values.div_(communicator_.world_size());
  std::int64_t offset = 0;
  for (const std::size_t i : bucket.members) {
    torch::Tensor& gradient = parameters_[i].mutable_grad();
    gradient.copy_(bucket.values.narrow(0, offset, gradient.numel()).view(gradient.sizes()));
    offset += gradient.numel();
  }
  bucket.values = torch::Tensor();
}

void GradientReducer::reduce() {
  if (communicator_.is_alone()) return;
  const torch::NoGradGuard no_grad;
  overlapping_ = false;
  while (num_begun_ < buckets_.size()) begin(buckets_[num_begun_]);
  for (Bucket& bucket : buckets_) finish(bucket);
  num_begun_ = 0;
}

}  // namespace soco
