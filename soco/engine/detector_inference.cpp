// SPDX-License-Identifier: MIT
#include "soco/engine/detector_inference.h"

#include <algorithm>
#include <unordered_set>

#include "soco/base/error.h"
#include "soco/base/signals.h"
#include "soco/data/detection_sample.h"
#include "soco/engine/detector_input.h"
#include "soco/layers/paste_masks.h"
#include "soco/structures/mask_rle.h"
#include "soco/structures/tiling.h"

namespace soco {
namespace {

std::vector<Box> original_boxes(const torch::Tensor& boxes, const DetectionTarget& target) {
  const InputPlan plan{target.original_height, target.original_width, target.height, target.width, target.flipped};
  const torch::Tensor corners = boxes.to(torch::kFloat32).contiguous();
  const float* c = corners.data_ptr<float>();
  std::vector<Box> result;
  for (std::int64_t d = 0; d < boxes.size(0); ++d, c += 4)
    result.push_back(original_from_input({c[0], c[1], c[2], c[3]}, plan));
  return result;
}

// One after the other: all masks of a large image together would take gigabytes.
MaskRle pasted(const torch::Tensor& mask, const Box& box, int height, int width) {
  const torch::Tensor corners = torch::tensor({{box.x1, box.y1, box.x2, box.y2}});
  const torch::Tensor pixels = paste_masks(mask.unsqueeze(0), corners, height, width);
  return mask_from_pixels(height, width, {pixels.data_ptr<std::uint8_t>(), static_cast<std::size_t>(pixels.numel())});
}

ImageDetections in_original(const DetectorDetections& found, const DetectionTarget& target) {
  ImageDetections result{.image_id = target.image_id,
                         .height = target.original_height,
                         .width = target.original_width,
                         .boxes = original_boxes(found.boxes, target),
                         .scores = {},
                         .labels = {},
                         .masks = {}};
  for (std::int64_t d = 0; d < found.boxes.size(0); ++d) {
    result.scores.push_back(found.scores[d].item<float>());
    result.labels.push_back(static_cast<std::int32_t>(found.labels[d].item<std::int64_t>()));
    if (found.masks.defined())
      result.masks.push_back(
          pasted(found.masks[d], result.boxes[static_cast<std::size_t>(d)], result.height, result.width));
  }
  return result;
}

void check_for_stop() {
  if (stop_requested()) throw Error(ErrorKind::kInterrupted, "stopped by a signal while detecting; start again");
}

Image cut_out(const Image& image, const Tile& tile) {
  Image part = make_image(tile.height, tile.width);
  for (int y = 0; y < tile.height; ++y) {
    const std::uint8_t* from = image.row(tile.y + y) + 3 * tile.x;
    std::copy(from, from + 3 * tile.width, part.row(y));
  }
  return part;
}

DetectionBatch batch_of_tiles(const Image& image, std::span<const Tile> tiles, const DetectionInputOptions& input) {
  DetectionBatch batch;
  std::vector<PlanarImage> images(tiles.size());
  std::vector<InputPlan> plans;
  InputScratch scratch;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const InputPlan plan = test_input(tiles[i].height, tiles[i].width, input);
    resize_input(cut_out(image, tiles[i]), plan, images[i], scratch);
    plans.push_back(plan);
    DetectionTarget target;
    target.original_height = plan.original_height, target.original_width = plan.original_width;
    target.height = plan.height, target.width = plan.width;
    batch.targets.push_back(std::move(target));
  }
  fill_batch(images, plans, input, {}, allocate_plain, batch.images);
  return batch;
}

}  // namespace

std::vector<ImageDetections> detect_batch(MaskRcnn& model, DetectionBatch& batch, const torch::Device& device) {
  const std::vector<DetectorDetections> found = model->infer(to_detector_images(batch, device));
  std::vector<ImageDetections> result;
  for (std::size_t i = 0; i < found.size(); ++i) result.push_back(in_original(found[i], batch.targets[i]));
  return result;
}

void detect_all(MaskRcnn& model, DetectionLoader& loader, const torch::Device& device,
                const std::function<void(ImageDetections&&)>& use) {
  const bool was_training = model->is_training();
  model->eval();
  std::unordered_set<std::int64_t> done;  // in the place of a bad image comes another one, whose turn is its own
  while (auto batch = loader.next()) {
    check_for_stop();
    std::vector<ImageDetections> found = detect_batch(model, *batch, device);
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!batch->targets[i].is_repeat && done.insert(found[i].image_id).second) use(std::move(found[i]));
    loader.recycle(std::move(*batch));
  }
  model->train(was_training);
}

ImageDetections detect_in_tiles(MaskRcnn& model, const Image& image, const TiledInput& tiling,
                                const torch::Device& device) {
  const std::vector<Tile> tiles = plan_tiles(image.height, image.width, tiling.size, tiling.overlap);
  const auto at_once = static_cast<std::size_t>(tiling.batch_size);
  std::vector<ImageDetections> found;
  for (std::size_t first = 0; first < tiles.size(); first += at_once) {
    check_for_stop();
    const std::size_t count = std::min(at_once, tiles.size() - first);
    DetectionBatch batch = batch_of_tiles(image, std::span(tiles).subspan(first, count), tiling.input);
    for (ImageDetections& part : detect_batch(model, batch, device)) found.push_back(std::move(part));
  }
  return merge_tiles(image.height, image.width, tiles, found);
}

}  // namespace soco
