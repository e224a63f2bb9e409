// SPDX-License-Identifier: MIT
#pragma once
#include <torch/nn/module.h>

namespace soco {

/// target = momentum * target + (1 - momentum) * online for every *parameter* of `target` (BatchNorm buffers are each
/// network's own), found in `online` by name; further parameters of `online` (the predictor's) are not touched.
/// Errors: a parameter of `target` that `online` lacks, or has in another shape.
void ema_update(torch::nn::Module& target, const torch::nn::Module& online, double momentum);

/// Makes target's parameters equal to online's: the start of training.
void copy_parameters(torch::nn::Module& target, const torch::nn::Module& online);

}  // namespace soco
