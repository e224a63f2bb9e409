// SPDX-License-Identifier: MIT
#include "soco/engine/batch_input.h"

#include "soco/base/error.h"
#include "soco/engine/finish_views.h"
#include "soco/layers/tensor_bridge.h"

namespace soco {
namespace {

ObjectContrastInput::Side side_input(SideBatch& side, std::int64_t n, std::int64_t k, const torch::Device& device) {
  const auto ints = [&](std::vector<std::int32_t>& values) {
    return torch::from_blob(values.data(), {n, k}, torch::kInt32).to(device, torch::kInt64);
  };
  return {torch::from_blob(side.boxes.data(), {n, k, 4}, torch::kFloat32).to(device), ints(side.ids),
          ints(side.levels)};
}

torch::Tensor view_input(ViewBatch& view, std::int64_t n, const torch::Device& device) {
  const auto type = view.type == ElementType::kFloat32 ? torch::kFloat32 : torch::kBFloat16;
  const auto pixels = [&](std::vector<std::int64_t> shape, torch::ScalarType stored) {
    return torch::from_blob(view.pixels.data(), shape, stored).to(device);
  };
  const bool planes = view.layout == PixelLayout::kChw;
  if (!view.pending.empty()) {
    return finish_views(pixels({n, view.height, view.width, 3}, torch::kUInt8), view.pending)
        .to(type)
        .contiguous(planes ? torch::MemoryFormat::Contiguous : torch::MemoryFormat::ChannelsLast);
  }
  return planes ? pixels({n, 3, view.height, view.width}, type)
                : pixels({n, view.height, view.width, 3}, type).permute({0, 3, 1, 2});
}

std::string pair_key(std::size_t pair) { return fmt::format("pairs.{}.", pair); }

void add_side(StateDict& tensors, const std::string& prefix, const ObjectContrastInput::Side& side) {
  tensors.add(prefix + "boxes", to_host(side.boxes));
  tensors.add(prefix + "ids", to_host(side.ids));
  tensors.add(prefix + "levels", to_host(side.levels));
}

torch::Tensor shaped(const StateDict& tensors, const std::string& name, std::vector<std::int64_t> shape,
                     torch::ScalarType dtype) {
  const HostTensor& tensor = tensors.at(name);
  bool matches = tensor.shape.size() == shape.size();
  for (std::size_t i = 0; matches && i < shape.size(); ++i)
    matches = shape[i] < 0 ? tensor.shape[i] > 0 : tensor.shape[i] == shape[i];
  if (!matches)
    fail("{}: has shape {}, expected {} (-1: any size above 0)", name, shape_text(tensor.shape), shape_text(shape));
  return from_host(tensor).to(dtype);
}

ObjectContrastInput::Side read_side(const StateDict& tensors, const std::string& prefix, std::int64_t n,
                                    torch::ScalarType dtype) {
  ObjectContrastInput::Side side;
  side.boxes = shaped(tensors, prefix + "boxes", {n, -1, 4}, dtype);
  side.ids = shaped(tensors, prefix + "ids", {n, side.boxes.size(1)}, torch::kInt64);
  side.levels = shaped(tensors, prefix + "levels", {n, side.boxes.size(1)}, torch::kInt64);
  return side;
}

}  // namespace

HostMemory allocate_pinned(std::size_t bytes) {
  torch::Tensor block =
      torch::empty({static_cast<std::int64_t>(bytes)}, torch::TensorOptions().dtype(torch::kUInt8).pinned_memory(true));
  auto* const data = static_cast<std::byte*>(block.data_ptr());
  return {data, [block](std::byte*) {}};  // the tensor lives as long as the deleter
}

ObjectContrastInput to_input(PretrainBatch& batch, const torch::Device& device) {
  const std::int64_t n = batch.num_images, k = batch.boxes_per_image;
  ObjectContrastInput input;
  for (ViewBatch& view : batch.views) input.views.push_back(view_input(view, n, device));
  for (PairBatch& pair : batch.pairs)
    input.pairs.push_back(
        {pair.view_a, pair.view_b, side_input(pair.a, n, k, device), side_input(pair.b, n, k, device)});
  return input;
}

ObjectContrastInput on_device(ObjectContrastInput input, const torch::Device& device) {
  for (torch::Tensor& view : input.views) view = view.to(device);
  for (ObjectContrastInput::Pair& pair : input.pairs)
    for (ObjectContrastInput::Side* side : {&pair.a, &pair.b})
      for (torch::Tensor* tensor : {&side->boxes, &side->ids, &side->levels}) *tensor = tensor->to(device);
  return input;
}

StateDict batch_tensors(PretrainBatch& batch) {
  const ObjectContrastInput input = to_input(batch, torch::kCPU);
  StateDict tensors;
  for (std::size_t v = 0; v < input.views.size(); ++v)
    tensors.add(fmt::format("views.{}", v), to_host(input.views[v].to(torch::kFloat32)));
  for (std::size_t p = 0; p < input.pairs.size(); ++p) {
    const auto& pair = input.pairs[p];
    tensors.add(pair_key(p) + "views",
                HostTensor::from<std::int64_t>({2}, std::vector<std::int64_t>{pair.view_a, pair.view_b}));
    add_side(tensors, pair_key(p) + "a.", pair.a);
    add_side(tensors, pair_key(p) + "b.", pair.b);
  }
  tensors.add("sample_indices", HostTensor::from<std::int64_t>({static_cast<std::int64_t>(batch.sample_indices.size())},
                                                               batch.sample_indices));
  return tensors;
}

ObjectContrastInput input_from_tensors(const StateDict& tensors, torch::ScalarType dtype) {
  ObjectContrastInput input;
  while (tensors.find(fmt::format("views.{}", input.views.size())) != nullptr) {
    const std::int64_t n = input.views.empty() ? -1 : input.views[0].size(0);
    input.views.push_back(shaped(tensors, fmt::format("views.{}", input.views.size()), {n, 3, -1, -1}, dtype));
  }
  if (input.views.empty()) fail("the batch has no tensor views.0");
  const std::int64_t num_views = static_cast<std::int64_t>(input.views.size()), n = input.views[0].size(0);
  while (tensors.find(pair_key(input.pairs.size()) + "views") != nullptr) {
    const std::string key = pair_key(input.pairs.size());
    const auto views = shaped(tensors, key + "views", {2}, torch::kInt64);
    const std::int64_t a = views[0].item<std::int64_t>(), b = views[1].item<std::int64_t>();
    if (a < 0 || b < 0 || a >= num_views || b >= num_views)
      fail("{}views: names view {} or {} of {}", key, a, b, num_views);
    input.pairs.push_back({static_cast<int>(a), static_cast<int>(b), read_side(tensors, key + "a.", n, dtype),
                           read_side(tensors, key + "b.", n, dtype)});
  }
  if (input.pairs.empty()) fail("the batch has no tensor pairs.0.views");
  return input;
}

}  // namespace soco
