// SPDX-License-Identifier: MIT
#include "soco/layers/roi_align.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "soco/base/error.h"
#include "soco/layers/kernels/roi_align_cpu.h"
#include "soco/layers/torch_compat.h"
#ifdef SOCO_CUDA
#include "soco/layers/roi_align_cuda.h"
#endif

namespace soco {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

kernels::FeatureShape feature_shape(torch::IntArrayRef sizes) { return {sizes[0], sizes[2], sizes[3], sizes[1]}; }

struct CpuRoiAlign : torch::autograd::Function<CpuRoiAlign> {
  template <class T>
  static torch::Tensor forward_as(const torch::Tensor& input, const torch::Tensor& rois,
                                  const kernels::RoiAlignOptions& options) {
    const torch::Tensor x = input.contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor output = torch::empty({rois.size(0), x.size(1), options.pooled_h, options.pooled_w},
                                              x.options().memory_format(torch::MemoryFormat::ChannelsLast));
    const kernels::FeatureShape shape = feature_shape(x.sizes());
    const auto bins = kernels::roi_bins<T>(rois.data_ptr<T>(), rois.size(0), shape, options);
    kernels::roi_align_forward<T>(x.data_ptr<T>(), shape, bins, options, output.data_ptr<T>());
    return output;
  }

  template <class T>
  static torch::Tensor backward_as(const torch::Tensor& grad_output, const torch::Tensor& rois,
                                   const std::vector<std::int64_t>& sizes, const kernels::RoiAlignOptions& options) {
    const torch::Tensor grad = grad_output.contiguous(torch::MemoryFormat::ChannelsLast);
    const torch::Tensor grad_input =
        torch::empty(sizes, grad.options().memory_format(torch::MemoryFormat::ChannelsLast)).zero_();
    const kernels::FeatureShape shape = feature_shape(sizes);
    const auto bins = kernels::roi_bins<T>(rois.data_ptr<T>(), rois.size(0), shape, options);
    kernels::roi_align_backward<T>(grad.data_ptr<T>(), shape, bins, options, grad_input.data_ptr<T>());
    return grad_input;
  }

  static torch::Tensor forward(AutogradContext* ctx, const torch::Tensor& input, const torch::Tensor& rois,
                               double spatial_scale, std::int64_t pooled_h, std::int64_t pooled_w,
                               std::int64_t sampling_ratio, bool aligned) {
    const kernels::RoiAlignOptions options{spatial_scale, pooled_h, pooled_w, sampling_ratio, aligned};
    ctx->save_for_backward({rois});
    ctx->saved_data["sizes"] = input.sizes().vec();
    ctx->saved_data["scale"] = spatial_scale;
    ctx->saved_data["integers"] = std::vector<std::int64_t>{pooled_h, pooled_w, sampling_ratio, aligned ? 1 : 0};
    return input.scalar_type() == torch::kFloat64 ? forward_as<double>(input, rois, options)
                                                  : forward_as<float>(input, rois, options);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const torch::Tensor rois = ctx->get_saved_variables()[0];
    const std::vector<std::int64_t> sizes = ctx->saved_data["sizes"].toIntVector();
    const std::vector<std::int64_t> integers = ctx->saved_data["integers"].toIntVector();
    const kernels::RoiAlignOptions options{ctx->saved_data["scale"].toDouble(), integers[0], integers[1], integers[2],
                                           integers[3] != 0};
    const torch::Tensor grad = rois.scalar_type() == torch::kFloat64
                                   ? backward_as<double>(grads[0], rois, sizes, options)
                                   : backward_as<float>(grads[0], rois, sizes, options);
    return {grad, {}, {}, {}, {}, {}, {}};
  }
};

void check_arguments(const torch::Tensor& input, const torch::Tensor& rois, std::int64_t pooled_h,
                     std::int64_t pooled_w) {
  if (input.dim() != 4 || !input.is_floating_point())
    fail("roi_align needs a floating-point input [N,C,H,W], but was given {} {}", torch::toString(input.scalar_type()),
         c10::str(input.sizes()));
  if (input.size(2) < 1 || input.size(3) < 1)
    fail("roi_align was given an empty feature map, {}", c10::str(input.sizes()));
  if (rois.dim() != 2 || rois.size(1) != 5)
    fail("roi_align needs rois [M,5], but was given {}", c10::str(rois.sizes()));
  if (rois.device() != input.device()) fail("roi_align was given rois on another device than its input");
  if (pooled_h < 1 || pooled_w < 1) fail("roi_align cannot pool to {} x {}", pooled_h, pooled_w);
}

// [M, pooled, length] interpolation matrix of one axis. start, size: [M] in cells. A bilinear weight is a hat function:
// sample t reads cell i with weight max(0, 1 - |t - i|), once t is clamped to the map.
torch::Tensor axis_matrix(const torch::Tensor& start, const torch::Tensor& size, std::int64_t pooled,
                          std::int64_t length, std::int64_t sampling_ratio) {
  const torch::TensorOptions options = start.options();
  const torch::Tensor bin = (size / static_cast<double>(pooled)).view({-1, 1, 1});
  const torch::Tensor num_samples =
      sampling_ratio > 0 ? torch::full_like(bin, static_cast<double>(sampling_ratio)) : bin.ceil().clamp_min(0);
  const std::int64_t most = std::max<std::int64_t>(1, static_cast<std::int64_t>(num_samples.max().item<double>()));
  const torch::Tensor sample = torch::arange(most, options).view({1, 1, -1});
  const torch::Tensor bin_index = torch::arange(pooled, options).view({1, -1, 1});
  const torch::Tensor t = start.view({-1, 1, 1}) + bin_index * bin + (sample + 0.5) * bin / num_samples.clamp_min(1);
  const torch::Tensor counts = (sample < num_samples) & (t >= -1) & (t <= static_cast<double>(length));
  const torch::Tensor scale = counts.to(options.dtype()) / num_samples.clamp_min(1);
  const torch::Tensor cell = torch::arange(length, options).view({1, 1, 1, -1});
  const torch::Tensor distance = (t.clamp(0, static_cast<double>(length - 1)).unsqueeze(-1) - cell).abs();
  return ((1 - distance).clamp_min(0) * scale.unsqueeze(-1)).sum(2);
}

// Rows of `rois` by image: for every image with rois, its index and the rows.
std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> rows_by_image(const torch::Tensor& rois,
                                                                              std::int64_t num_images) {
  const torch::Tensor images = rois.select(1, 0).to(torch::kCPU, torch::kInt64).contiguous();
  std::vector<std::pair<std::int64_t, std::vector<std::int64_t>>> result;
  std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(num_images));
  for (std::int64_t m = 0; m < images.size(0); ++m) {
    const std::int64_t image = images.data_ptr<std::int64_t>()[m];
    if (image < 0 || image >= num_images)
      fail("roi_align was given image index {}, but the feature map holds {} images", image, num_images);
    rows[static_cast<std::size_t>(image)].push_back(m);
  }
  for (std::int64_t n = 0; n < num_images; ++n)
    if (!rows[n].empty()) result.emplace_back(n, std::move(rows[n]));
  return result;
}

torch::Tensor index_tensor(const std::vector<std::int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kInt64).to(device);
}

// Result and rois are computed in float32, float64 for float64 input.
torch::ScalarType compute_dtype(const torch::Tensor& input) {
  return input.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

}  // namespace

torch::Tensor roi_align(const torch::Tensor& input, const torch::Tensor& rois, double spatial_scale,
                        std::int64_t pooled_h, std::int64_t pooled_w, std::int64_t sampling_ratio, bool aligned) {
  check_arguments(input, rois, pooled_h, pooled_w);
#ifdef SOCO_CUDA
  if (input.device().is_cuda())
    return roi_align_cuda(input, rois, {spatial_scale, pooled_h, pooled_w, sampling_ratio, aligned});
#endif
  if (!input.device().is_cpu())
    return roi_align_composed(input, rois, spatial_scale, pooled_h, pooled_w, sampling_ratio, aligned);
  const torch::ScalarType dtype = compute_dtype(input);
  return CpuRoiAlign::apply(input.to(dtype), rois.detach().to(dtype).contiguous(), spatial_scale, pooled_h, pooled_w,
                            sampling_ratio, aligned);
}

torch::Tensor roi_align_composed(const torch::Tensor& input, const torch::Tensor& rois, double spatial_scale,
                                 std::int64_t pooled_h, std::int64_t pooled_w, std::int64_t sampling_ratio,
                                 bool aligned) {
  check_arguments(input, rois, pooled_h, pooled_w);
  const NoAutocastGuard no_autocast(input.device().type());
  const torch::Tensor x = input.to(compute_dtype(input));
  const std::int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const torch::Tensor boxes = rois.detach().to(x.scalar_type());
  if (boxes.size(0) == 0) return x.new_zeros({0, channels, pooled_h, pooled_w});
  if (!boxes.isfinite().all().item<bool>()) fail("roi_align was given a coordinate that is not finite");
  const torch::Tensor corners = boxes.slice(1, 1) * spatial_scale - (aligned ? 0.5 : 0.0);  // [M,4] in cells
  torch::Tensor sizes = corners.slice(1, 2, 4) - corners.slice(1, 0, 2);                    // [M,2] width, height
  if (!aligned) sizes = sizes.clamp_min(1);
  const torch::Tensor wx = axis_matrix(corners.select(1, 0), sizes.select(1, 0), pooled_w, width, sampling_ratio);
  const torch::Tensor wy = axis_matrix(corners.select(1, 1), sizes.select(1, 1), pooled_h, height, sampling_ratio);

  std::vector<torch::Tensor> pooled;  // of the rois in `order`
  std::vector<std::int64_t> place(static_cast<std::size_t>(boxes.size(0)));
  std::int64_t num_placed = 0;
  for (const auto& [image, rows] : rows_by_image(boxes, x.size(0))) {
    const torch::Tensor index = index_tensor(rows, x.device());
    const std::int64_t k = static_cast<std::int64_t>(rows.size());
    const torch::Tensor by_row = x[image].permute({1, 0, 2}).reshape({height, channels * width});
    const torch::Tensor combined_rows = torch::matmul(wy.index_select(0, index).reshape({k * pooled_h, height}), by_row)
                                            .view({k, pooled_h * channels, width});
    const torch::Tensor combined = torch::bmm(combined_rows, wx.index_select(0, index).transpose(1, 2));
    pooled.push_back(combined.view({k, pooled_h, channels, pooled_w}).permute({0, 2, 1, 3}));
    for (const std::int64_t row : rows) place[static_cast<std::size_t>(row)] = num_placed++;
  }
  return torch::cat(pooled).index_select(0, index_tensor(place, x.device()));
}

}  // namespace soco
