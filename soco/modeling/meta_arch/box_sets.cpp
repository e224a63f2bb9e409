// SPDX-License-Identifier: MIT
#include "soco/modeling/meta_arch/box_sets.h"

#include <torch/torch.h>

#include <string>

#include "soco/base/error.h"

namespace soco {
namespace {

void check_shape(const torch::Tensor& tensor, const std::vector<std::int64_t>& shape, const std::string& what) {
  if (!tensor.defined() || tensor.sizes() != torch::IntArrayRef(shape))
    fail("{} has shape {}, but {} was expected", what, tensor.defined() ? c10::str(tensor.sizes()) : "none",
         c10::str(torch::IntArrayRef(shape)));
}

void check_side(const ObjectContrastInput::Side& side, std::int64_t num_images, std::int64_t boxes_per_image,
                int num_levels, const std::string& what) {
  check_shape(side.boxes, {num_images, boxes_per_image, 4}, what + ".boxes");
  check_shape(side.ids, {num_images, boxes_per_image}, what + ".ids");
  check_shape(side.levels, {num_images, boxes_per_image}, what + ".levels");
  if (side.boxes.scalar_type() != torch::kFloat32 && side.boxes.scalar_type() != torch::kFloat64)
    fail("{}.boxes must be float32 or float64", what);
  if (side.ids.scalar_type() != torch::kInt64 || side.levels.scalar_type() != torch::kInt64)
    fail("{}.ids and .levels must be int64", what);
  if (side.levels.lt(-1).logical_or(side.levels.ge(num_levels)).any().item<bool>())
    fail("{}.levels must lie in -1 .. {}", what, num_levels - 1);
}

void check_input(const ObjectContrastInput& input, int num_levels) {
  if (input.views.empty() || input.pairs.empty()) fail("a batch needs at least one view and one pair");
  for (const torch::Tensor& view : input.views)
    if (view.dim() != 4 || view.size(0) != input.views[0].size(0) || view.size(1) != 3)
      fail("a view has shape {}, but [{},3,H,W] was expected", c10::str(view.sizes()), input.views[0].size(0));
  const torch::Tensor& boxes = input.pairs[0].a.boxes;
  if (!boxes.defined() || boxes.dim() != 3 || boxes.size(1) < 1) fail("boxes must be [N,K,4] with K at least 1");
  for (std::size_t p = 0; p < input.pairs.size(); ++p) {
    const ObjectContrastInput::Pair& pair = input.pairs[p];
    const int num_views = static_cast<int>(input.views.size());
    if (pair.view_a < 0 || pair.view_a >= num_views || pair.view_b < 0 || pair.view_b >= num_views)
      fail("pair {} compares views {} and {}, but there are {} views", p, pair.view_a, pair.view_b, num_views);
    check_side(pair.a, input.views[0].size(0), boxes.size(1), num_levels, "pairs[" + std::to_string(p) + "].a");
    check_side(pair.b, input.views[0].size(0), boxes.size(1), num_levels, "pairs[" + std::to_string(p) + "].b");
  }
}

template <class T>
std::vector<T> to_vector(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.to(torch::kCPU).contiguous().view(-1);
  return {plain.data_ptr<T>(), plain.data_ptr<T>() + plain.numel()};
}

std::vector<bool> to_flags(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.to(torch::kCPU).contiguous().view(-1);
  return std::vector<bool>(plain.data_ptr<bool>(), plain.data_ptr<bool>() + plain.numel());
}

BoxSet box_set(const ObjectContrastInput::Pair& pair, std::size_t pair_index, bool is_a, const torch::Tensor& match,
               Directions directions) {
  const ObjectContrastInput::Side& side = is_a ? pair.a : pair.b;
  return {is_a ? pair.view_a : pair.view_b,
          pair_index,
          is_a,
          side.boxes.reshape({-1, 4}),
          to_vector<std::int64_t>(side.levels),
          to_flags(match.gt(0).any(is_a ? 2 : 1)),
          directions == Directions::kBoth || is_a,
          directions == Directions::kBoth || !is_a};
}

}  // namespace

std::vector<std::size_t> BoxSets::on_view(std::int64_t view, NetworkRole role) const {
  std::vector<std::size_t> result;
  for (std::size_t s = 0; s < sets.size(); ++s)
    if (sets[s].view == view && embeds(s, role)) result.push_back(s);
  return result;
}

BoxSets collect_box_sets(const ObjectContrastInput& input, int num_levels, Directions directions) {
  check_input(input, num_levels);
  BoxSets result;
  const torch::Tensor& first = input.pairs[0].a.boxes;
  result.num_images = first.size(0);
  result.boxes_per_image = first.size(1);
  result.image_indices =
      torch::arange(result.num_images, first.options().dtype(torch::kInt64)).repeat_interleave(result.boxes_per_image);
  for (const ObjectContrastInput::Pair& pair : input.pairs) {
    result.match.push_back(match_boxes(pair.a, pair.b));
    result.num_matches += result.match.back().sum().item<std::int64_t>();
  }
  result.sides.resize(input.pairs.size());
  for (int view = 0; view < static_cast<int>(input.views.size()); ++view) {
    for (std::size_t p = 0; p < input.pairs.size(); ++p) {
      for (const bool is_a : {true, false}) {
        if ((is_a ? input.pairs[p].view_a : input.pairs[p].view_b) != view) continue;
        result.sides[p][is_a ? 0 : 1] = result.sets.size();
        result.sets.push_back(box_set(input.pairs[p], p, is_a, result.match[p], directions));
      }
    }
  }
  for (const BoxSet& set : result.sets)
    for (const std::int64_t level : set.levels) ++result.boxes_per_level[level < 0 ? kNumLevels : level];
  return result;
}

}  // namespace soco
