// SPDX-License-Identifier: MIT
#include "soco/layers/roi_align_cuda.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <torch/torch.h>

#include "soco/layers/kernels/roi_align_cuda.h"

namespace soco {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

kernels::CudaStream current_stream() { return {c10::cuda::getCurrentCUDAStream().stream()}; }

kernels::FeatureShape feature_shape(torch::IntArrayRef sizes) { return {sizes[0], sizes[2], sizes[3], sizes[1]}; }

// The axes' memory, which lives as long as this.
template <class T>
struct Axes {
  torch::Tensor y_weights, y_cells, x_weights, x_cells;
  kernels::DeviceAxis<T> y, x;

  Axes(const torch::Tensor& rois, const kernels::FeatureShape& shape, const kernels::RoiAlignOptions& options) {
    y = make(rois, options.pooled_h, shape.height, y_weights, y_cells);
    x = make(rois, options.pooled_w, shape.width, x_weights, x_cells);
    kernels::roi_axes_cuda<T>(rois.data_ptr<T>(), rois.size(0), shape, options, y, x, current_stream());
  }

 private:
  static kernels::DeviceAxis<T> make(const torch::Tensor& rois, std::int64_t pooled, std::int64_t length,
                                     torch::Tensor& weights, torch::Tensor& cells) {
    const std::int64_t m = rois.size(0);
    weights = torch::empty({m, pooled, length}, rois.options());
    cells = torch::empty({2 * m * (pooled + 1)}, rois.options().dtype(torch::kInt32));
    std::int32_t* const at = cells.data_ptr<std::int32_t>();
    return {weights.data_ptr<T>(), at, at + m * pooled, at + 2 * m * pooled, at + 2 * m * pooled + m};
  }
};

template <class Input, class T>
torch::Tensor forward_as(const torch::Tensor& input, const torch::Tensor& rois,
                         const kernels::RoiAlignOptions& options) {
  const torch::Tensor x = input.contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor output = torch::empty({rois.size(0), x.size(1), options.pooled_h, options.pooled_w},
                                            rois.options().memory_format(torch::MemoryFormat::ChannelsLast));
  const kernels::FeatureShape shape = feature_shape(x.sizes());
  const Axes<T> axes(rois, shape, options);
  kernels::roi_align_forward_cuda<Input, T>(static_cast<const Input*>(x.data_ptr()), rois.data_ptr<T>(), rois.size(0),
                                            shape, options, axes.y, axes.x, output.data_ptr<T>(), current_stream());
  return output;
}

template <class T>
torch::Tensor backward_as(const torch::Tensor& grad_output, const torch::Tensor& rois, torch::IntArrayRef sizes,
                          const kernels::RoiAlignOptions& options) {
  const torch::Tensor grad = grad_output.contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor grad_input =
      torch::empty(sizes, grad.options().memory_format(torch::MemoryFormat::ChannelsLast)).zero_();
  const kernels::FeatureShape shape = feature_shape(sizes);
  const Axes<T> axes(rois, shape, options);
  const auto [images, order] = rois.select(1, 0).sort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
  const torch::Tensor starts = torch::searchsorted(images.contiguous(), torch::arange(sizes[0] + 1, rois.options()));
  kernels::roi_align_backward_cuda<T>(grad.data_ptr<T>(), rois.size(0), order.contiguous().data_ptr<std::int64_t>(),
                                      starts.data_ptr<std::int64_t>(), shape, options, axes.y, axes.x,
                                      grad_input.data_ptr<T>(), current_stream());
  return grad_input;
}

struct CudaRoiAlign : torch::autograd::Function<CudaRoiAlign> {
  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& input, const torch::Tensor& rois,
                               double spatial_scale, std::int64_t pooled_h, std::int64_t pooled_w,
                               std::int64_t sampling_ratio, bool aligned) {
    const c10::cuda::CUDAGuard guard(input.device());
    const kernels::RoiAlignOptions options{spatial_scale, pooled_h, pooled_w, sampling_ratio, aligned};
    ctx->save_for_backward({rois});
    ctx->saved_data["sizes"] = input.sizes().vec();
    ctx->saved_data["dtype"] = input.scalar_type();
    ctx->saved_data["scale"] = spatial_scale;
    ctx->saved_data["integers"] = std::vector<std::int64_t>{pooled_h, pooled_w, sampling_ratio, aligned ? 1 : 0};
    switch (input.scalar_type()) {
      case torch::kFloat64:
        return forward_as<double, double>(input, rois, options);
      case torch::kBFloat16:
        return forward_as<__nv_bfloat16, float>(input, rois, options);
      case torch::kHalf:
        return forward_as<__half, float>(input, rois, options);
      default:
        return forward_as<float, float>(input.to(torch::kFloat32), rois, options);
    }
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const torch::Tensor rois = ctx->get_saved_variables()[0];
    const c10::cuda::CUDAGuard guard(rois.device());
    const std::vector<std::int64_t> sizes = ctx->saved_data["sizes"].toIntVector();
    const std::vector<std::int64_t> integers = ctx->saved_data["integers"].toIntVector();
    const kernels::RoiAlignOptions options{ctx->saved_data["scale"].toDouble(), integers[0], integers[1], integers[2],
                                           integers[3] != 0};
    const torch::Tensor grad = rois.scalar_type() == torch::kFloat64
                                   ? backward_as<double>(grads[0], rois, sizes, options)
                                   : backward_as<float>(grads[0], rois, sizes, options);
    return {grad.to(ctx->saved_data["dtype"].toScalarType()), {}, {}, {}, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor roi_align_cuda(const torch::Tensor& input, const torch::Tensor& rois,
                             const kernels::RoiAlignOptions& options) {
  const auto dtype = input.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  return CudaRoiAlign::apply(input, rois.detach().to(dtype).contiguous(), options.spatial_scale, options.pooled_h,
                             options.pooled_w, options.sampling_ratio, options.aligned);
}

}  // namespace soco
