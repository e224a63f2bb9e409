// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "soco/layers/kernels/roi_align_cpu.h"

// Kept free of libtorch, so that nvcc reads none of it. Every function queues work on `stream` and waits for nothing;
// pointers are of the device. Errors: a launch that CUDA refuses.
namespace soco::kernels {

struct CudaStream {
  void* handle = nullptr;  // cudaStream_t
};

/// One axis of `num_rois` rois: the interpolation weights of every bin, and which cells they cover. A bin covers
/// [first, first + count), and all bins of a roi lie in [begin, end). Both grow with the bin, so the bins that cover a
/// cell are neighbours.
template <class T>
struct DeviceAxis {
  T* weights;           // [M, pooled, length]; only what is covered is written
  std::int32_t* first;  // [M, pooled]
  std::int32_t* count;  // [M, pooled]
  std::int32_t* begin;  // [M]
  std::int32_t* end;    // [M]
};

/// Fills the axes of rois [M,5]. A roi with a coordinate that is not finite, an image index outside the batch or more
/// than 2^20 samples in a bin gets weights of NaN over the whole axis: its outputs are NaN.
template <class T>
void roi_axes_cuda(const T* rois, std::int64_t num_rois, const FeatureShape& shape, const RoiAlignOptions& options,
                   const DeviceAxis<T>& y, const DeviceAxis<T>& x, CudaStream stream);

/// output [M,pooled_h,pooled_w,C] of float (double for double) from input [N,H,W,C] of Input.
template <class Input, class T>
void roi_align_forward_cuda(const Input* input, const T* rois, std::int64_t num_rois, const FeatureShape& shape,
                            const RoiAlignOptions& options, const DeviceAxis<T>& y, const DeviceAxis<T>& x, T* output,
                            CudaStream stream);

/// Adds to grad_input [N,H,W,C], which starts at zero. `order` [M] lists the rois by image, each image's in their
/// order, from `starts[image]` on ([N+1]). A thread owns a row's channel and takes the rois one after another: no
/// atomic operation, and the same bits in every run.
template <class T>
void roi_align_backward_cuda(const T* grad_output, std::int64_t num_rois, const std::int64_t* order,
                             const std::int64_t* starts, const FeatureShape& shape, const RoiAlignOptions& options,
                             const DeviceAxis<T>& y, const DeviceAxis<T>& x, T* grad_input, CudaStream stream);

}  // namespace soco::kernels
