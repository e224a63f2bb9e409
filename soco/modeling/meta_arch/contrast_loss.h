// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

namespace soco {

/// The cosine loss of one direction (SoCo section 3.3; release): queries [N,K,D] and keys [N,K,D] of unit length, match
/// [N,K,K] 0 or 1: -2 * mean over images of (sum of matched dot products / (matches + 1e-6)).
torch::Tensor contrast_loss(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match);

/// InfoNCE of one direction (He et al., MoCo, CVPR 2020, eq. 1), summed over the matched pairs and divided by
/// `num_matches`, their number in the batch: -log(e^(q.k/t) / (e^(q.k/t) + sum over the negatives e^(q.n/t))). Shapes
/// as above; negatives [Q,D] of unit length.
torch::Tensor info_nce_loss(const torch::Tensor& queries, const torch::Tensor& keys, const torch::Tensor& match,
                            const torch::Tensor& negatives, double temperature, double num_matches);

}  // namespace soco
