// SPDX-License-Identifier: MIT
#include "soco/layers/kernels/roi_align_cpu.h"

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"
#include "soco/layers/parallel.h"

namespace soco::kernels {
namespace {

// Samples of a bin per axis: more than this means coordinates that are no box of a feature map.
constexpr double kMaxSamples = 1 << 20;

// One axis: length of the feature map, start and size of the roi on it.
template <class T>
struct Axis {
  std::int64_t length;
  T start, size;
};

// Cells and weights of a sample at position t, as RoIAlign clamps them: nothing beyond one cell outside.
template <class T>
struct Sample {
  std::int64_t low, high;
  T weight_low, weight_high;
};

template <class T>
bool sample_at(T t, std::int64_t length, Sample<T>& sample) {
  if (!(t >= -1 && t <= static_cast<T>(length))) return false;
  t = std::max(t, T(0));
  const std::int64_t low = static_cast<std::int64_t>(t);
  if (low >= length - 1) {
    sample = {length - 1, length - 1, T(1), T(0)};
  } else {
    const T fraction = t - static_cast<T>(low);
    sample = {low, low + 1, T(1) - fraction, fraction};
  }
  return true;
}

template <class T>
std::int64_t samples_per_bin(const Axis<T>& axis, std::int64_t pooled, std::int64_t sampling_ratio) {
  if (sampling_ratio > 0) return sampling_ratio;
  const double samples = std::ceil(axis.size / static_cast<T>(pooled));
  if (!(samples <= kMaxSamples))
    fail("a roi of {} cells is too large for roi_align; are its coordinates right?", axis.size);
  return static_cast<std::int64_t>(samples);
}

template <class T>
AxisBins<T> axis_bins(const Axis<T>& axis, std::int64_t pooled, std::int64_t sampling_ratio) {
  const T bin_size = axis.size / static_cast<T>(pooled);
  const std::int64_t num_samples = samples_per_bin(axis, pooled, sampling_ratio);
  AxisBins<T> bins;
  bins.begin = axis.length;
  std::vector<Sample<T>> samples;
  for (std::int64_t p = 0; p < pooled; ++p) {
    samples.clear();
    std::int64_t first = axis.length, last = -1;
    for (std::int64_t s = 0; s < num_samples; ++s) {
      Sample<T> sample;
      const T t = axis.start + static_cast<T>(p) * bin_size +
                  (static_cast<T>(s) + T(0.5)) * bin_size / static_cast<T>(num_samples);
      if (!sample_at(t, axis.length, sample)) continue;
      first = std::min(first, sample.low);
      last = std::max(last, sample.high);
      samples.push_back(sample);
    }
    const std::int64_t count = samples.empty() ? 0 : last - first + 1;
    bins.first.push_back(samples.empty() ? 0 : first);
    bins.count.push_back(count);
    bins.offset.push_back(static_cast<std::int64_t>(bins.weights.size()));
    bins.weights.resize(bins.weights.size() + static_cast<std::size_t>(count));
    T* weights = bins.weights.data() + bins.offset.back();
    for (const Sample<T>& sample : samples) {
      weights[sample.low - first] += sample.weight_low;
      weights[sample.high - first] += sample.weight_high;
    }
    for (std::int64_t i = 0; i < count; ++i) weights[i] /= static_cast<T>(num_samples);
    if (count > 0) {
      bins.begin = std::min(bins.begin, first);
      bins.end = std::max(bins.end, last + 1);
    }
  }
  bins.begin = std::min(bins.begin, bins.end);
  return bins;
}

template <class T>
RoiBins<T> one_roi(const T* roi, const FeatureShape& shape, const RoiAlignOptions& options) {
  for (int i = 0; i < 5; ++i)
    if (!std::isfinite(roi[i])) fail("roi_align was given a coordinate that is not finite");
  if (!(roi[0] >= 0 && roi[0] < static_cast<T>(shape.num_images)))
    fail("roi_align was given image index {}, but the feature map holds {} images", roi[0], shape.num_images);
  const T scale = static_cast<T>(options.spatial_scale), shift = options.aligned ? T(0.5) : T(0);
  Axis<T> x{shape.width, roi[1] * scale - shift, T(0)}, y{shape.height, roi[2] * scale - shift, T(0)};
  x.size = roi[3] * scale - shift - x.start;
  y.size = roi[4] * scale - shift - y.start;
  if (!options.aligned) {
    x.size = std::max(x.size, T(1));
    y.size = std::max(y.size, T(1));
  }
  return {static_cast<std::int64_t>(roi[0]), axis_bins(y, options.pooled_h, options.sampling_ratio),
          axis_bins(x, options.pooled_w, options.sampling_ratio)};
}

// target[i] += weight * source[i]
template <class T>
void add_scaled(T* __restrict target, const T* __restrict source, T weight, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) target[i] += weight * source[i];
}

// One roi's bins of row `p`: rows combined into `line` [cells of the roi, C], then columns into out [pooled_w, C].
template <class T>
void forward_bin_row(const T* image, const FeatureShape& shape, const RoiBins<T>& roi, std::int64_t p, T* line,
                     T* out) {
  const std::int64_t channels = shape.channels, run = (roi.x.end - roi.x.begin) * channels;
  std::fill(line, line + run, T(0));
  for (std::int64_t i = 0; i < roi.y.count[p]; ++i) {
    const T* row = image + ((roi.y.first[p] + i) * shape.width + roi.x.begin) * channels;
    add_scaled(line, row, roi.y.weights[roi.y.offset[p] + i], run);
  }
  for (std::size_t q = 0; q < roi.x.count.size(); ++q) {
    T* bin = out + static_cast<std::int64_t>(q) * channels;
    std::fill(bin, bin + channels, T(0));
    for (std::int64_t i = 0; i < roi.x.count[q]; ++i)
      add_scaled(bin, line + (roi.x.first[q] + i - roi.x.begin) * channels, roi.x.weights[roi.x.offset[q] + i],
                 channels);
  }
}

// The transpose of forward_bin_row for channels [c, c + n): grad [pooled_w, C] of bin row p into the image's gradient.
template <class T>
void backward_bin_row(const T* grad, const FeatureShape& shape, const RoiBins<T>& roi, std::int64_t p, std::int64_t c,
                      std::int64_t n, T* line, T* image_grad) {
  const std::int64_t channels = shape.channels, cells = roi.x.end - roi.x.begin;
  std::fill(line, line + cells * n, T(0));
  for (std::size_t q = 0; q < roi.x.count.size(); ++q)
    for (std::int64_t i = 0; i < roi.x.count[q]; ++i)
      add_scaled(line + (roi.x.first[q] + i - roi.x.begin) * n, grad + static_cast<std::int64_t>(q) * channels + c,
                 roi.x.weights[roi.x.offset[q] + i], n);
  for (std::int64_t i = 0; i < roi.y.count[p]; ++i) {
    T* row = image_grad + ((roi.y.first[p] + i) * shape.width + roi.x.begin) * channels + c;
    for (std::int64_t x = 0; x < cells; ++x)
      add_scaled(row + x * channels, line + x * n, roi.y.weights[roi.y.offset[p] + i], n);
  }
}

}  // namespace

template <class T>
std::vector<RoiBins<T>> roi_bins(const T* rois, std::int64_t num_rois, const FeatureShape& shape,
                                 const RoiAlignOptions& options) {
  std::vector<RoiBins<T>> result;
  result.reserve(static_cast<std::size_t>(num_rois));
  for (std::int64_t m = 0; m < num_rois; ++m) result.push_back(one_roi(rois + 5 * m, shape, options));
  return result;
}

template <class T>
void roi_align_forward(const T* input, const FeatureShape& shape, const std::vector<RoiBins<T>>& rois,
                       const RoiAlignOptions& options, T* output) {
  const std::int64_t image_size = shape.height * shape.width * shape.channels;
  const std::int64_t row_size = options.pooled_w * shape.channels;
  torch_parallel_for(static_cast<std::int64_t>(rois.size()), /*grain=*/4, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> line(static_cast<std::size_t>(shape.width * shape.channels));
    for (std::int64_t m = begin; m < end; ++m)
      for (std::int64_t p = 0; p < options.pooled_h; ++p)
        forward_bin_row(input + rois[m].image * image_size, shape, rois[m], p, line.data(),
                        output + (m * options.pooled_h + p) * row_size);
  });
}

template <class T>
void roi_align_backward(const T* grad_output, const FeatureShape& shape, const std::vector<RoiBins<T>>& rois,
                        const RoiAlignOptions& options, T* grad_input) {
  constexpr std::int64_t kBlock = 64;  // channels of a task
  const std::int64_t num_blocks = (shape.channels + kBlock - 1) / kBlock;
  const std::int64_t image_size = shape.height * shape.width * shape.channels;
  const std::int64_t row_size = options.pooled_w * shape.channels;
  torch_parallel_for(shape.num_images * num_blocks, /*grain=*/1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> line(static_cast<std::size_t>(shape.width * kBlock));
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t image = task / num_blocks, c = task % num_blocks * kBlock;
      const std::int64_t n = std::min(kBlock, shape.channels - c);
      for (std::size_t m = 0; m < rois.size(); ++m) {
        if (rois[m].image != image) continue;
        for (std::int64_t p = 0; p < options.pooled_h; ++p)
          backward_bin_row(grad_output + (static_cast<std::int64_t>(m) * options.pooled_h + p) * row_size, shape,
                           rois[m], p, c, n, line.data(), grad_input + image * image_size);
      }
    }
  });
}

template std::vector<RoiBins<float>> roi_bins(const float*, std::int64_t, const FeatureShape&, const RoiAlignOptions&);
template std::vector<RoiBins<double>> roi_bins(const double*, std::int64_t, const FeatureShape&,
                                               const RoiAlignOptions&);
template void roi_align_forward(const float*, const FeatureShape&, const std::vector<RoiBins<float>>&,
                                const RoiAlignOptions&, float*);
template void roi_align_forward(const double*, const FeatureShape&, const std::vector<RoiBins<double>>&,
                                const RoiAlignOptions&, double*);
template void roi_align_backward(const float*, const FeatureShape&, const std::vector<RoiBins<float>>&,
                                 const RoiAlignOptions&, float*);
template void roi_align_backward(const double*, const FeatureShape&, const std::vector<RoiBins<double>>&,
                                 const RoiAlignOptions&, double*);

}  // namespace soco::kernels
