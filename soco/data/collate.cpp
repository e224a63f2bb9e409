// SPDX-License-Identifier: MIT
#include "soco/data/collate.h"

#include <algorithm>
#include <array>

#include "soco/base/error.h"

namespace soco {
namespace {

void shape_side(std::size_t num_boxes, SideBatch& side) {
  side.boxes.resize(num_boxes * 4);
  side.ids.resize(num_boxes);
  side.levels.resize(num_boxes);
}

void copy_side_into(const SampleSide& side, int row, int boxes_per_image, SideBatch& batch) {
  SOCO_ASSERT(static_cast<int>(side.boxes.size()) == boxes_per_image);
  std::size_t at = static_cast<std::size_t>(row) * boxes_per_image;
  for (std::size_t i = 0; i < side.boxes.size(); ++i, ++at) {
    const Box& box = side.boxes[i];
    std::copy_n(std::array{box.x1, box.y1, box.x2, box.y2}.data(), 4, &batch.boxes[at * 4]);
    batch.ids[at] = side.ids[i];
    batch.levels[at] = side.levels[i];
  }
}

}  // namespace

void shape_batch(const ViewPlan& plan, int num_images, const BatchFormat& format, PretrainBatch& batch) {
  batch.num_images = num_images;
  batch.boxes_per_image = plan.boxes_per_image();
  batch.sample_indices.resize(num_images);
  batch.views.resize(plan.views.size());
  for (std::size_t v = 0; v < plan.views.size(); ++v) {
    const int size = plan.views[v].size;
    ViewBatch& view = batch.views[v];
    view.height = view.width = size;
    view.type = format.type;
    view.layout = format.layout;
    view.pending.resize(format.finished ? 0 : static_cast<std::size_t>(num_images));
    const std::size_t bytes = format.finished ? element_bytes(format.type) : 1;
    view.pixels.resize(std::size_t{3} * num_images * size * size * bytes, format.allocator);
  }
  batch.pairs.resize(plan.pairs.size());
  for (std::size_t p = 0; p < plan.pairs.size(); ++p) {
    const std::size_t num_boxes = static_cast<std::size_t>(num_images) * plan.boxes_per_image();
    batch.pairs[p].view_a = plan.pairs[p].a;
    batch.pairs[p].view_b = plan.pairs[p].b;
    shape_side(num_boxes, batch.pairs[p].a);
    shape_side(num_boxes, batch.pairs[p].b);
  }
}

void views_of_row(PretrainBatch& batch, int row, std::vector<ViewMemory>& views) {
  SOCO_ASSERT(row >= 0 && row < batch.num_images);
  views.clear();
  for (ViewBatch& view : batch.views) {
    const std::size_t row_bytes = view.pixels.size() / static_cast<std::size_t>(batch.num_images);
    std::byte* const at = view.pixels.data() + static_cast<std::size_t>(row) * row_bytes;
    views.push_back(view.pending.empty() ? ViewMemory{at, view.type, view.layout}
                                         : ViewMemory{at, ElementType::kUint8, PixelLayout::kHwc});
  }
}

void copy_boxes_into(const Sample& sample, std::int64_t sample_index, int row, PretrainBatch& batch) {
  SOCO_ASSERT(row >= 0 && row < batch.num_images);
  SOCO_ASSERT(sample.pairs.size() == batch.pairs.size());
  batch.sample_indices[row] = sample_index;
  for (std::size_t v = 0; v < batch.views.size(); ++v)
    if (auto& pending = batch.views[v].pending; !pending.empty()) pending[row] = sample.trace.views.at(v);
  for (std::size_t p = 0; p < sample.pairs.size(); ++p) {
    copy_side_into(sample.pairs[p].a, row, batch.boxes_per_image, batch.pairs[p].a);
    copy_side_into(sample.pairs[p].b, row, batch.boxes_per_image, batch.pairs[p].b);
  }
}

}  // namespace soco
