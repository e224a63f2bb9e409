// SPDX-License-Identifier: MIT
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace soco {

/// RoIAlign (He et al., Mask R-CNN, ICCV 2017, section 3), differentiable by `input`, not by `rois`.
///
/// input [N,C,H,W] float32 or float64; rois [M,5] rows (image index, x1, y1, x2, y2), px of the image that `input` was
/// made from; `spatial_scale` = px of `input` per px of that image. Returns [M,C,pooled_h,pooled_w] of input's dtype:
/// each output is the mean of bilinear samples on a regular grid in its bin, `sampling_ratio` per side, or
/// ceil(roi side / pooled side) when it is <= 0 (adaptive). `aligned` shifts by half a pixel, so that pixel centres lie
/// at half integers; without it a roi is at least one pixel large. Samples more than a pixel outside are 0. The values
/// are those of torchvision.ops.roi_align.
///
/// On the CPU our own kernels, parallel, and forward and backward give the same bits for any number of threads. On CUDA
/// our own kernels too, where a CUDA compiler was at hand (SOCO_CUDA), with the same bits in every run; other devices
/// take `roi_align_composed`. Half and bfloat16 input is computed in float32, and so is the result. Errors: shapes or
/// dtypes other than these; an image index outside [0,N), coordinates that are not finite: on CUDA, where an error
/// would mean waiting for the device, the roi's outputs are NaN instead.
torch::Tensor roi_align(const torch::Tensor& input, const torch::Tensor& rois, double spatial_scale,
                        std::int64_t pooled_h, std::int64_t pooled_w, std::int64_t sampling_ratio, bool aligned);

/// The same from libtorch's own operations, for any device: each axis is a small interpolation matrix per roi (bilinear
/// sampling on a grid is separable), and the result two matrix products. Arguments and values as of `roi_align`.
torch::Tensor roi_align_composed(const torch::Tensor& input, const torch::Tensor& rois, double spatial_scale,
                                 std::int64_t pooled_h, std::int64_t pooled_w, std::int64_t sampling_ratio,
                                 bool aligned);

}  // namespace soco
