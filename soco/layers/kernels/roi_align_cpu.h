// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

namespace soco::kernels {

/// Sampling of one axis of one roi: bin p is the weighted sum of cells first[p] ... first[p] + count[p] - 1, with
/// weights from offset[p] on. Weights hold the mean over the bin's samples; a bin without samples inside has count 0.
template <class T>
struct AxisBins {
  std::vector<std::int64_t> first, count, offset;  // [pooled]
  std::vector<T> weights;
  std::int64_t begin = 0, end = 0;  // all cells of all bins lie in [begin, end)
};

/// One roi: its image and its two axes.
template <class T>
struct RoiBins {
  std::int64_t image = 0;
  AxisBins<T> y, x;
};

struct RoiAlignOptions {
  double spatial_scale = 1;
  std::int64_t pooled_h = 0, pooled_w = 0;
  std::int64_t sampling_ratio = 0;
  bool aligned = true;
};

/// Feature maps in channels-last memory, [N,H,W,C].
struct FeatureShape {
  std::int64_t num_images = 0, height = 0, width = 0, channels = 0;
};

/// Bins of rois [M,5] (image index, x1, y1, x2, y2). Errors: an image index or coordinate that makes no sense.
template <class T>
std::vector<RoiBins<T>> roi_bins(const T* rois, std::int64_t num_rois, const FeatureShape& shape,
                                 const RoiAlignOptions& options);

/// output [M,pooled_h,pooled_w,C] from input [N,H,W,C]. Bilinear sampling on a grid is separable, so rows are combined
/// first, then columns, whole runs of channels at a time.
template <class T>
void roi_align_forward(const T* input, const FeatureShape& shape, const std::vector<RoiBins<T>>& rois,
                       const RoiAlignOptions& options, T* output);

/// Adds to grad_input [N,H,W,C], which starts at zero. Threads own images and blocks of channels and take the rois in
/// order, so the sums have one order and no two threads meet.
template <class T>
void roi_align_backward(const T* grad_output, const FeatureShape& shape, const std::vector<RoiBins<T>>& rois,
                        const RoiAlignOptions& options, T* grad_input);

}  // namespace soco::kernels
