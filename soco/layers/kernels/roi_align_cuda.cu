// SPDX-License-Identifier: MIT
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "soco/layers/kernels/roi_align_cuda.h"

namespace soco::kernels {
namespace {

constexpr double kMaxSamples = 1 << 20;  // as on the CPU: more means coordinates that are no box of a feature map
constexpr int kThreads = 256;

__device__ float value_of(float v) { return v; }
__device__ double value_of(double v) { return v; }
__device__ float value_of(__nv_bfloat16 v) { return __bfloat162float(v); }
__device__ float value_of(__half v) { return __half2float(v); }

// What one thread needs of an axis.
template <class T>
struct AxisShape {
  int length, pooled, low_column, high_column;  // columns of rois that hold the axis's sides
};

// One thread a roi and bin. Weights are summed as on the CPU: cell by cell in the order of the samples.
template <class T>
__device__ void fill_bin(const T* roi, const AxisShape<T>& axis, const RoiAlignOptions& options, bool sane, int p,
                         T* weights, std::int32_t* first, std::int32_t* count) {
  const T shift = options.aligned ? T(0.5) : T(0), scale = static_cast<T>(options.spatial_scale);
  const T start = roi[axis.low_column] * scale - shift;
  T size = roi[axis.high_column] * scale - shift - start;
  if (!options.aligned) size = max(size, T(1));
  const T samples = options.sampling_ratio > 0 ? static_cast<T>(options.sampling_ratio) : ceil(size / axis.pooled);
  if (!sane || !isfinite(start) || !isfinite(size) || samples > T(kMaxSamples)) {
    for (int i = 0; i < axis.length; ++i) weights[i] = T(NAN);
    *first = 0;
    *count = axis.length;
    return;
  }
  const int num_samples = static_cast<int>(samples);
  const T bin = size / axis.pooled;
  int low_cell = axis.length, high_cell = -1;
  for (int pass = 0; pass < 2; ++pass) {  // first which cells, then their weights
    for (int s = 0; s < num_samples; ++s) {
      T t = start + p * bin + (s + T(0.5)) * bin / samples;
      if (!(t >= -1 && t <= axis.length)) continue;
      t = max(t, T(0));
      const int cell = min(static_cast<int>(t), axis.length - 1), next = min(cell + 1, axis.length - 1);
      if (pass == 0) {
        low_cell = min(low_cell, cell);
        high_cell = max(high_cell, next);
      } else {
        const T fraction = cell == next ? T(0) : t - cell;
        weights[cell] += T(1) - fraction;
        weights[next] += fraction;
      }
    }
    for (int i = low_cell; i <= high_cell; ++i) weights[i] = pass == 0 ? T(0) : weights[i] / samples;
  }
  *first = high_cell < 0 ? 0 : low_cell;
  *count = high_cell < 0 ? 0 : high_cell - low_cell + 1;
}

template <class T>
__global__ void bins_kernel(const T* rois, std::int64_t num_rois, std::int64_t num_images, RoiAlignOptions options,
                            AxisShape<T> axis, DeviceAxis<T> out) {
  const std::int64_t i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
  if (i >= num_rois * axis.pooled) return;
  const std::int64_t m = i / axis.pooled;
  const T* roi = rois + 5 * m;
  const bool sane = roi[0] >= 0 && roi[0] < num_images;
  fill_bin(roi, axis, options, sane, static_cast<int>(i % axis.pooled), out.weights + i * axis.length, out.first + i,
           out.count + i);
}

template <class T>
__global__ void extent_kernel(std::int64_t num_rois, int pooled, int length, DeviceAxis<T> out) {
  const std::int64_t m = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
  if (m >= num_rois) return;
  int begin = length, end = 0;
  for (int p = 0; p < pooled; ++p) {
    const std::int64_t i = m * pooled + p;
    if (out.count[i] == 0) continue;
    begin = min(begin, out.first[i]);
    end = max(end, out.first[i] + out.count[i]);
  }
  out.begin[m] = min(begin, end);
  out.end[m] = end;
}

// A block for a roi's bin, a thread for each channel: rows combined, then columns.
template <class Input, class T>
__global__ void forward_kernel(const Input* input, const T* rois, FeatureShape shape, int pooled_h, int pooled_w,
                               DeviceAxis<T> y, DeviceAxis<T> x, T* output) {
  const std::int64_t m = blockIdx.x;
  const std::int64_t by = m * pooled_h + blockIdx.y / pooled_w, bx = m * pooled_w + blockIdx.y % pooled_w;
  const int first_y = y.first[by], count_y = y.count[by], first_x = x.first[bx], count_x = x.count[bx];
  const T* weights_y = y.weights + by * shape.height + first_y;
  const T* weights_x = x.weights + bx * shape.width + first_x;
  // An image index outside the batch has weights of NaN: whatever is read, the result is NaN.
  const T image_index = rois[5 * m];
  const std::int64_t image =
      image_index >= 0 && image_index < shape.num_images ? static_cast<std::int64_t>(image_index) : 0;
  const Input* cells = input + ((image * shape.height + first_y) * shape.width + first_x) * shape.channels;
  for (std::int64_t c = threadIdx.x; c < shape.channels; c += blockDim.x) {
    T sum = 0;
    for (int j = 0; j < count_x; ++j) {
      T line = 0;
      for (int i = 0; i < count_y; ++i)
        line += weights_y[i] * value_of(cells[(i * shape.width + j) * shape.channels + c]);
      sum += weights_x[j] * line;
    }
    output[(m * pooled_h * pooled_w + blockIdx.y) * shape.channels + c] = sum;
  }
}

// A block for a row of an image, a thread for each channel.
template <class T>
__global__ void backward_kernel(const T* grad_output, const std::int64_t* order, const std::int64_t* starts,
                                FeatureShape shape, int pooled_h, int pooled_w, DeviceAxis<T> y, DeviceAxis<T> x,
                                T* grad_input) {
  const std::int64_t image = blockIdx.x / shape.height;
  const int row = static_cast<int>(blockIdx.x % shape.height);
  T* const grad_row = grad_input + blockIdx.x * shape.width * shape.channels;
  for (std::int64_t k = starts[image]; k < starts[image + 1]; ++k) {
    const std::int64_t m = order[k];
    if (row < y.begin[m] || row >= y.end[m]) continue;
    for (int p = 0; p < pooled_h; ++p) {
      const std::int64_t by = m * pooled_h + p;
      if (row < y.first[by] || row >= y.first[by] + y.count[by]) continue;
      const T weight_y = y.weights[by * shape.height + row];
      for (int q = 0; q < pooled_w; ++q) {
        const std::int64_t bx = m * pooled_w + q;
        const int first = x.first[bx], count = x.count[bx];
        const T* weights_x = x.weights + bx * shape.width + first;
        for (std::int64_t c = threadIdx.x; c < shape.channels; c += blockDim.x) {
          const T g = weight_y * grad_output[(by * pooled_w + q) * shape.channels + c];
          for (int j = 0; j < count; ++j) grad_row[(first + j) * shape.channels + c] += weights_x[j] * g;
        }
      }
    }
  }
}

cudaStream_t stream_of(CudaStream stream) { return static_cast<cudaStream_t>(stream.handle); }

void check_launch() {
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
    throw std::runtime_error(std::string("RoIAlign on CUDA: ") + cudaGetErrorString(error));
}

unsigned blocks_for(std::int64_t items) { return static_cast<unsigned>((items + kThreads - 1) / kThreads); }

int threads_for(std::int64_t channels) {
  return static_cast<int>(channels >= kThreads ? kThreads : (channels + 31) / 32 * 32);
}

}  // namespace

template <class T>
void roi_axes_cuda(const T* rois, std::int64_t num_rois, const FeatureShape& shape, const RoiAlignOptions& options,
                   const DeviceAxis<T>& y, const DeviceAxis<T>& x, CudaStream stream) {
  if (num_rois == 0) return;
  const AxisShape<T> axis_y{static_cast<int>(shape.height), static_cast<int>(options.pooled_h), 2, 4};
  const AxisShape<T> axis_x{static_cast<int>(shape.width), static_cast<int>(options.pooled_w), 1, 3};
  bins_kernel<<<blocks_for(num_rois * options.pooled_h), kThreads, 0, stream_of(stream)>>>(
      rois, num_rois, shape.num_images, options, axis_y, y);
  bins_kernel<<<blocks_for(num_rois * options.pooled_w), kThreads, 0, stream_of(stream)>>>(
      rois, num_rois, shape.num_images, options, axis_x, x);
  extent_kernel<<<blocks_for(num_rois), kThreads, 0, stream_of(stream)>>>(num_rois, axis_y.pooled, axis_y.length, y);
  extent_kernel<<<blocks_for(num_rois), kThreads, 0, stream_of(stream)>>>(num_rois, axis_x.pooled, axis_x.length, x);
  check_launch();
}

template <class Input, class T>
void roi_align_forward_cuda(const Input* input, const T* rois, std::int64_t num_rois, const FeatureShape& shape,
                            const RoiAlignOptions& options, const DeviceAxis<T>& y, const DeviceAxis<T>& x, T* output,
                            CudaStream stream) {
  if (num_rois == 0) return;
  const dim3 grid(static_cast<unsigned>(num_rois), static_cast<unsigned>(options.pooled_h * options.pooled_w));
  forward_kernel<<<grid, threads_for(shape.channels), 0, stream_of(stream)>>>(
      input, rois, shape, static_cast<int>(options.pooled_h), static_cast<int>(options.pooled_w), y, x, output);
  check_launch();
}

template <class T>
void roi_align_backward_cuda(const T* grad_output, std::int64_t num_rois, const std::int64_t* order,
                             const std::int64_t* starts, const FeatureShape& shape, const RoiAlignOptions& options,
                             const DeviceAxis<T>& y, const DeviceAxis<T>& x, T* grad_input, CudaStream stream) {
  if (num_rois == 0) return;
  backward_kernel<<<static_cast<unsigned>(shape.num_images * shape.height), threads_for(shape.channels), 0,
                    stream_of(stream)>>>(grad_output, order, starts, shape, static_cast<int>(options.pooled_h),
                                         static_cast<int>(options.pooled_w), y, x, grad_input);
  check_launch();
}

#define SOCO_FORWARD(Input, T)                                                                                 \
  template void roi_align_forward_cuda(const Input*, const T*, std::int64_t, const FeatureShape&,              \
                                       const RoiAlignOptions&, const DeviceAxis<T>&, const DeviceAxis<T>&, T*, \
                                       CudaStream)
SOCO_FORWARD(float, float);
SOCO_FORWARD(double, double);
SOCO_FORWARD(__nv_bfloat16, float);
SOCO_FORWARD(__half, float);
#undef SOCO_FORWARD

#define SOCO_EITHER(T)                                                                                     \
  template void roi_axes_cuda(const T*, std::int64_t, const FeatureShape&, const RoiAlignOptions&,         \
                              const DeviceAxis<T>&, const DeviceAxis<T>&, CudaStream);                     \
  template void roi_align_backward_cuda(const T*, std::int64_t, const std::int64_t*, const std::int64_t*,  \
                                        const FeatureShape&, const RoiAlignOptions&, const DeviceAxis<T>&, \
                                        const DeviceAxis<T>&, T*, CudaStream)
SOCO_EITHER(float);
SOCO_EITHER(double);
#undef SOCO_EITHER

}  // namespace soco::kernels
