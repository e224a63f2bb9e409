// SPDX-License-Identifier: MIT
#include "soco/modeling/anchors.h"

#include <torch/torch.h>

#include <cmath>

namespace soco {
namespace {

// Anchors around the origin, [sizes * ratios, 4].
torch::Tensor cell_anchors(const AnchorOptions& options, const std::vector<double>& sizes) {
  std::vector<double> values;
  for (const double size : sizes)
    for (const double ratio : options.ratios) {
      const double width = std::sqrt(size * size / ratio), height = ratio * width;
      for (const double side : {-width / 2, -height / 2, width / 2, height / 2})
        values.push_back(options.round ? std::nearbyint(side) : side);
    }
  return torch::tensor(values, torch::kFloat64).view({-1, 4});
}

}  // namespace

torch::Tensor make_anchors(const AnchorOptions& options, const std::vector<double>& sizes, const AnchorGrid& grid) {
  const auto centres = [&](std::int64_t count, std::int64_t stride) {
    return (torch::arange(count, torch::kFloat64) + options.offset) * static_cast<double>(stride);
  };
  const torch::Tensor y = centres(grid.height, grid.stride_y).view({-1, 1}).expand({grid.height, grid.width});
  const torch::Tensor x = centres(grid.width, grid.stride_x).expand({grid.height, grid.width});
  const torch::Tensor shifts = torch::stack({x, y, x, y}, 2).view({-1, 1, 4});
  return (shifts + cell_anchors(options, sizes)).view({-1, 4});
}

}  // namespace soco
