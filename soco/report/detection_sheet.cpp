// SPDX-License-Identifier: MIT
#include "soco/report/detection_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "soco/base/error.h"
#include "soco/image/draw_detections.h"
#include "soco/image/resize.h"

namespace soco {
namespace {

constexpr int kCell = 420, kGap = 8, kLine = 11, kColumns = 4;  // px, columns of the sheet
constexpr std::int64_t kMaxPixels = 100'000'000;
constexpr Color kPaper{24, 24, 28}, kInk{230, 230, 230}, kCrowd{255, 255, 255};

std::vector<std::string> names_of(const DetectionDataset& dataset) {
  std::vector<std::string> names;
  for (const ObjectCategory& category : dataset.categories()) names.push_back(category.name);
  return names;
}

Image drawn_row(const DetectionBatch& batch, int row, const DetectionInputOptions& options,
                const std::vector<std::string>& names) {
  Image picture = picture_of_row(batch, row, options);
  const DetectionTarget& target = batch.targets[static_cast<std::size_t>(row)];
  draw_detections(picture, perfect_detections(target), names, {.text = DrawDetectionsOptions::Text::kName});
  const auto px = [](float value) { return static_cast<int>(std::lround(value)); };
  for (const Box& box : target.ignored)
    draw_dashed_rectangle(picture, px(box.x1), px(box.y1), px(box.x2), px(box.y2), kCrowd);
  return picture;
}

Image cell_of(const Image& picture, const DetectionTarget& target, std::string title) {
  const double scale = std::min(1.0, static_cast<double>(kCell) / std::max(picture.height, picture.width));
  const int width = std::max(1, static_cast<int>(picture.width * scale));
  const int height = std::max(1, static_cast<int>(picture.height * scale));
  Image cell = make_image(height + 2 * kLine + 2, std::max(width, kCell));
  fill_rectangle(cell, 0, 0, cell.width, cell.height, kPaper);
  paste(cell, crop_and_resize(picture, {0, 0, picture.width, picture.height}, height, width), 0, 0);
  while (!title.empty() && text_width(title) > cell.width) title.erase(0, 1);  // a path's end tells more
  draw_text(cell, 0, height + 3, title, kInk);
  draw_text(cell, 0, height + 3 + kLine,
            fmt::format("{}x{} of {}x{}{}, {} objects", target.width, target.height, target.original_width,
                        target.original_height, target.flipped ? ", flipped" : "", target.boxes.size()),
            kInk);
  return cell;
}

}  // namespace

Image picture_of_row(const DetectionBatch& batch, int row, const DetectionInputOptions& options) {
  SOCO_ASSERT(row >= 0 && row < batch.num_images());
  const DetectionTarget& target = batch.targets[static_cast<std::size_t>(row)];
  const auto width = static_cast<std::size_t>(batch.images.width),
             height = static_cast<std::size_t>(batch.images.height);
  const auto mean = options.mean_rgb(), std = options.std_rgb();
  Image picture = make_image(target.height, target.width);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t plane = options.channels == ChannelOrder::kRgb ? c : 2 - c;
    const float* in = batch.images.floats().data() + (static_cast<std::size_t>(row) * 3 + plane) * width * height;
    for (int y = 0; y < target.height; ++y, in += width) {
      for (int x = 0; x < target.width; ++x)
        picture.row(y)[3 * x + static_cast<int>(c)] =
            static_cast<std::uint8_t>(std::clamp(std::lround((in[x] * std[c] + mean[c]) * 255.0f), 0l, 255l));
    }
  }
  return picture;
}

ImageDetections perfect_detections(const DetectionTarget& target) {
  ImageDetections found{.image_id = target.image_id,
                        .height = target.height,
                        .width = target.width,
                        .boxes = target.boxes,
                        .scores = std::vector<float>(target.boxes.size(), 1.0f),
                        .labels = target.labels};
  for (const InstanceShape& shape : target.shapes)
    found.masks.push_back(shape.mask ? *shape.mask : mask_from_polygons(target.height, target.width, shape.polygons));
  return found;
}

Image draw_detection_samples(const DetectionDataset& dataset, const DetectionLoaderPlan& plan, std::int64_t epoch,
                             int count) {
  if (static_cast<std::int64_t>(count) * (kCell + kGap) * (kCell + 2 * kLine + kGap) > kMaxPixels)
    fail("{} images would make a sheet of more than {} pixels; draw fewer at a time", count, kMaxPixels);
  DetectionLoader loader(dataset, plan);
  const std::vector<std::string> names = names_of(dataset);
  std::vector<Image> cells;
  loader.start({epoch, 0}, epoch + 1);
  while (static_cast<int>(cells.size()) < count) {
    std::optional<DetectionBatch> batch = loader.next();
    if (!batch) break;
    for (int row = 0; row < batch->num_images() && static_cast<int>(cells.size()) < count; ++row) {
      const DetectionTarget& target = batch->targets[static_cast<std::size_t>(row)];
      cells.push_back(
          cell_of(drawn_row(*batch, row, plan.input, names), target, std::string(dataset.key(target.sample_index))));
    }
    loader.recycle(std::move(*batch));
  }
  return contact_sheet(cells, std::min(kColumns, static_cast<int>(cells.size())), kGap, kPaper);
}

}  // namespace soco
