// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/contrast_loss.h"

#include <torch/torch.h>

namespace soco {

torch::Tensor contrast_loss(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match) {
  const torch::Tensor similarity = torch::bmm(queries, keys.transpose(1, 2));
  // In the vectors' precision: 1 + 1e-6 is another number in float32 than in float64.
  const torch::Tensor weight = match.to(similarity.scalar_type());
  const torch::Tensor per_image = (similarity * weight).sum({1, 2}) / (weight.sum({1, 2}) + 1e-6);
  return -2 * per_image.mean();
}

torch::Tensor info_nce_loss(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match,
                            const torch::Tensor& negatives, double temperature, double num_matches) {
  const torch::Tensor positive = torch::bmm(queries, keys.transpose(1, 2)) / temperature;  // [N,K,K]
  const torch::Tensor others =
      torch::logsumexp(torch::matmul(queries, negatives.t()) / temperature, /*dim=*/-1, /*keepdim=*/true);  // [N,K,1]
  const torch::Tensor weight = match.to(positive.scalar_type());
  return ((torch::logaddexp(positive, others) - positive) * weight).sum() / num_matches;
}

}  // namespace soco
