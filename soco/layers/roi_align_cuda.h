// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>

#include "soco/layers/kernels/roi_align_cpu.h"

namespace soco {

/// `roi_align` by our own kernels: input on CUDA of any floating-point dtype, rois [M,5] on the same device. Checked
/// arguments are the caller's duty; built where a CUDA compiler was found (SOCO_CUDA).
torch::Tensor roi_align_cuda(const torch::Tensor& input, const torch::Tensor& rois,
                             const kernels::RoiAlignOptions& options);

}  // namespace soco
