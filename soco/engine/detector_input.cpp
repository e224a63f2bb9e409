// SPDX-License-Identifier: MIT
#include "soco/engine/detector_input.h"

#include <algorithm>

#include "soco/structures/mask_target.h"

namespace soco {
namespace {

Box box_of(const double* corners) {
  return {static_cast<float>(corners[0]), static_cast<float>(corners[1]), static_cast<float>(corners[2]),
          static_cast<float>(corners[3])};
}

torch::Tensor rasterised(const std::vector<InstanceShape>& shapes, const torch::Tensor& boxes,
                         const torch::Tensor& objects, std::int64_t side) {
  const torch::Tensor corners = boxes.to(torch::kFloat64).contiguous();
  torch::Tensor targets = torch::full({boxes.size(0), side, side}, -1.0f);
  for (std::int64_t r = 0; r < boxes.size(0); ++r) {
    const InstanceShape& shape = shapes.at(static_cast<std::size_t>(objects[r].item<std::int64_t>()));
    if (shape.empty()) continue;
    const std::vector<std::uint8_t> pixels =
        mask_target(shape, box_of(corners.data_ptr<double>() + 4 * r), static_cast<int>(side));
    std::copy(pixels.begin(), pixels.end(), targets[r].data_ptr<float>());
  }
  return targets;
}

}  // namespace

DetectorImages to_detector_images(DetectionBatch& batch, const torch::Device& device) {
  DetectorImages images;
  for (const DetectionTarget& target : batch.targets) images.sizes.push_back({target.height, target.width});
  const std::span<float> pixels = batch.images.floats();
  images.pixels =
      torch::from_blob(pixels.data(), {batch.num_images(), 3, batch.images.height, batch.images.width}, torch::kFloat32)
          .to(device);
  return images;
}

std::vector<DetectorTarget> to_detector_targets(const DetectionBatch& batch) {
  std::vector<DetectorTarget> targets;
  for (const DetectionTarget& target : batch.targets) {
    const auto count = static_cast<std::int64_t>(target.boxes.size());
    DetectorTarget result{
        .boxes = torch::empty({count, 4}), .labels = torch::empty({count}, torch::kInt64), .masks = {}};
    for (std::int64_t g = 0; g < count; ++g) {
      const Box& box = target.boxes[static_cast<std::size_t>(g)];
      const float corners[] = {box.x1, box.y1, box.x2, box.y2};
      std::copy(std::begin(corners), std::end(corners), result.boxes.data_ptr<float>() + 4 * g);
      result.labels.data_ptr<std::int64_t>()[g] = target.labels[static_cast<std::size_t>(g)];
    }
    if (!target.shapes.empty())
      result.masks = [&shapes = target.shapes](const torch::Tensor& boxes, const torch::Tensor& objects,
                                               std::int64_t side) { return rasterised(shapes, boxes, objects, side); };
    targets.push_back(std::move(result));
  }
  return targets;
}

}  // namespace soco
