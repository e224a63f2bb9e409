// SPDX-License-Identifier: MIT
#include "soco/layers/paste_masks.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "soco/base/error.h"
#include "soco/layers/parallel.h"

namespace soco {
namespace {

/// Where the centres of an axis' pixels fall in the mask: cell `first` (-1: before it) with weight 1 - `rest`, and the
/// next one with `rest`.
struct AxisSamples {
  std::int64_t begin = 0, end = 0;  // the pixels that may see the mask
  std::vector<std::int64_t> first;
  std::vector<double> rest;
};

AxisSamples axis_samples(double low, double high, std::int64_t side, std::int64_t cells) {
  AxisSamples axis;
  if (!(high > low)) return axis;
  // A pixel sees the mask up to half a cell beyond the box; one more pixel takes care of rounding.
  const double margin = 0.5 * (high - low) / static_cast<double>(cells) + 1, most = static_cast<double>(side);
  axis.begin = static_cast<std::int64_t>(std::clamp(std::floor(low - margin), 0.0, most));
  axis.end = static_cast<std::int64_t>(std::clamp(std::ceil(high + margin), 0.0, most));
  for (std::int64_t i = axis.begin; i < axis.end; ++i) {
    const double at = (static_cast<double>(i) + 0.5 - low) / (high - low) * static_cast<double>(cells) - 0.5;
    const double cell = std::clamp(std::floor(at), -2.0, static_cast<double>(cells));
    axis.first.push_back(static_cast<std::int64_t>(cell));
    axis.rest.push_back(at - std::floor(at));
  }
  return axis;
}

class PasteOne {
 public:
  PasteOne(const double* mask, const double* box, std::int64_t cells, std::int64_t height, std::int64_t width)
      : mask_(mask),
        cells_(cells),
        width_(width),
        y_(axis_samples(box[1], box[3], height, cells)),
        x_(axis_samples(box[0], box[2], width, cells)) {}

  void into(std::uint8_t* pixels, double threshold) const {
    for (std::int64_t i = y_.begin; i < y_.end; ++i)
      for (std::int64_t j = x_.begin; j < x_.end; ++j)
        pixels[i * width_ + j] = sample(i - y_.begin, j - x_.begin) >= threshold;
  }

 private:
  double cell(std::int64_t row, std::int64_t column) const {
    return row < 0 || row >= cells_ || column < 0 || column >= cells_ ? 0.0 : mask_[row * cells_ + column];
  }
  double sample(std::int64_t i, std::int64_t j) const {
    const std::int64_t row = y_.first[i], column = x_.first[j];
    const double v = y_.rest[i], u = x_.rest[j];
    return (1 - v) * ((1 - u) * cell(row, column) + u * cell(row, column + 1)) +
           v * ((1 - u) * cell(row + 1, column) + u * cell(row + 1, column + 1));
  }

  const double* mask_;
  std::int64_t cells_, width_;
  AxisSamples y_, x_;
};

}  // namespace

torch::Tensor paste_masks(const torch::Tensor& masks, const torch::Tensor& boxes, std::int64_t height,
                          std::int64_t width, double threshold) {
  if (masks.dim() != 3 || masks.size(1) != masks.size(2) || boxes.dim() != 2 || boxes.size(1) != 4 ||
      boxes.size(0) != masks.size(0) || height < 1 || width < 1 || !(threshold > 0))
    fail("cannot paste masks {} at boxes {} into an image of {} x {}; expected [D,M,M] and [D,4]",
         c10::str(masks.sizes()), c10::str(boxes.sizes()), height, width);
  const torch::Tensor m = masks.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const torch::Tensor b = boxes.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  if (!b.isfinite().all().item<bool>()) fail("a mask's box has a coordinate that is not finite");
  torch::Tensor pasted = torch::zeros({masks.size(0), height, width}, torch::kUInt8);
  std::uint8_t* pixels = pasted.data_ptr<std::uint8_t>();
  const double *mask = m.data_ptr<double>(), *box = b.data_ptr<double>();
  const std::int64_t cells = masks.size(1);
  torch_parallel_for(masks.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t d = begin; d < end; ++d)
      PasteOne(mask + d * cells * cells, box + 4 * d, cells, height, width)
          .into(pixels + d * height * width, threshold);
  });
  return pasted;
}

}  // namespace soco
