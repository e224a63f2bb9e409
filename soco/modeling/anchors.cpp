// SPDX-License-Identifier: MIT
#include "soco/modeling/anchors.h"

#include <torch/torch.h>

namespace soco {

torch::Tensor make_anchors(const AnchorOptions& options, const std::vector<double>& sizes, const AnchorGrid& grid) {
  const auto centres = [&](std::int64_t count, std::int64_t stride) {
    return (torch::arange(count, torch::kFloat64) + options.offset) * static_cast<double>(stride);
  };
  const torch::Tensor y = centres(grid.height, grid.stride_y).view({-1, 1}).expand({grid.height, grid.width});
  const torch::Tensor x = centres(grid.width, grid.stride_x).expand({grid.height, grid.width});
  const torch::Tensor shifts = torch::stack({x, y, x, y}, 2).view({-1, 1, 4});
  const torch::Tensor cell = torch::tensor(options.around_cell(sizes), torch::kFloat64).view({-1, 4});
  return (shifts + cell).view({-1, 4});
}

}  // namespace soco
