// SPDX-License-Identifier: MIT
#include "soco/data/detection_sample.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "soco/base/error.h"
#include "soco/image/normalize.h"

namespace soco {
namespace {

double scale_x(const InputPlan& plan) { return static_cast<double>(plan.width) / plan.original_width; }
double scale_y(const InputPlan& plan) { return static_cast<double>(plan.height) / plan.original_height; }

Box clipped(double x1, double y1, double x2, double y2, int height, int width) {
  const auto inside = [](double value, int end) {
    return static_cast<float>(std::min(std::max(value, 0.0), static_cast<double>(end)));
  };
  return {inside(x1, width), inside(y1, height), inside(x2, width), inside(y2, height)};
}

bool is_empty(const Box& box) { return !(box.width() > kEmptyBoxSide && box.height() > kEmptyBoxSide); }

int rounded_up(int value, int divisor) { return (value + divisor - 1) / divisor * divisor; }

void zero_around(int height, int width, const ViewBatch& batch, float* plane) {
  for (int y = 0; y < batch.height; ++y) {
    float* row = plane + static_cast<std::ptrdiff_t>(y) * batch.width;
    std::fill(row + (y < height ? width : 0), row + batch.width, 0.0f);
  }
}

}  // namespace

InputSize shortest_edge_size(int height, int width, int short_edge, int max_edge) {
  SOCO_ASSERT(height > 0 && width > 0 && short_edge > 0 && max_edge > 0);
  const double size = short_edge, scale = size / std::min(height, width);
  double new_height = height < width ? size : scale * height, new_width = height < width ? scale * width : size;
  if (const double longest = std::max(new_height, new_width); longest > max_edge) {
    const double shrink = max_edge / longest;
    new_height *= shrink;
    new_width *= shrink;
  }
  return {std::max(1, static_cast<int>(new_height + 0.5)), std::max(1, static_cast<int>(new_width + 0.5))};
}

InputPlan draw_input(int height, int width, const DetectionInputOptions& options, Rng& rng) {
  const std::vector<int>& edges = options.short_edges;
  const auto pick = [&](std::size_t count) { return static_cast<int>(rng.uniform_int(count)); };
  const int short_edge = options.short_edge_choice == ShortEdgeChoice::kChoice
                             ? edges[static_cast<std::size_t>(pick(edges.size()))]
                             : edges.front() + pick(static_cast<std::size_t>(edges.back() - edges.front() + 1));
  const InputSize size = shortest_edge_size(height, width, short_edge, options.max_edge);
  return {height, width, size.height, size.width, rng.bernoulli(options.flip_prob)};
}

InputPlan test_input(int height, int width, const DetectionInputOptions& options) {
  const InputSize size = shortest_edge_size(height, width, options.test_short_edge, options.test_max_edge);
  return {height, width, size.height, size.width, false};
}

Box input_from_original(const CocoBox& box, const InputPlan& plan) {
  const auto left = static_cast<float>(box.x), top = static_cast<float>(box.y);
  double x1 = left * scale_x(plan), x2 = (left + static_cast<float>(box.width)) * scale_x(plan);
  if (plan.flipped) x1 = plan.width - std::exchange(x2, plan.width - x1);
  const double y1 = top * scale_y(plan), y2 = (top + static_cast<float>(box.height)) * scale_y(plan);
  return clipped(x1, y1, x2, y2, plan.height, plan.width);
}

Polygon input_from_original(const Polygon& polygon, const InputPlan& plan) {
  Polygon moved = polygon;
  for (std::size_t i = 0; i + 1 < moved.size(); i += 2) {
    moved[i] *= scale_x(plan);
    if (plan.flipped) moved[i] = plan.width - moved[i];
    moved[i + 1] *= scale_y(plan);
  }
  return moved;
}

InstanceShape input_from_original(const Segmentation& segmentation, const InputPlan& plan) {
  InstanceShape shape;
  for (const Polygon& polygon : segmentation.polygons) shape.polygons.push_back(input_from_original(polygon, plan));
  if (!segmentation.polygons.empty() || !segmentation.mask) return shape;
  const MaskRle mask = mask_from_segmentation(plan.original_height, plan.original_width, segmentation);
  shape.mask = resize_mask(mask, plan.height, plan.width, plan.flipped ? MaskMirror::kYes : MaskMirror::kNo);
  return shape;
}

Box original_from_input(const Box& box, const InputPlan& plan) {
  SOCO_ASSERT(!plan.flipped);
  return clipped(box.x1 / scale_x(plan), box.y1 / scale_y(plan), box.x2 / scale_x(plan), box.y2 / scale_y(plan),
                 plan.original_height, plan.original_width);
}

DetectionTarget make_target(const DetectionDataset& dataset, std::int64_t index, const InputPlan& plan) {
  DetectionTarget target{.image_id = dataset.image(index).id,
                         .sample_index = index,
                         .original_height = plan.original_height,
                         .original_width = plan.original_width,
                         .height = plan.height,
                         .width = plan.width,
                         .flipped = plan.flipped};
  for (const ObjectAnnotation& object : dataset.objects(index)) {
    const Box box = input_from_original(object.box, plan);
    if (is_empty(box)) continue;
    if (object.is_crowd) {
      target.ignored.push_back(box);
      continue;
    }
    if (dataset.has_masks()) {
      InstanceShape shape = input_from_original(object.segmentation, plan);
      if (shape.mask && mask_area(*shape.mask) == 0) continue;
      target.shapes.push_back(std::move(shape));
    }
    target.boxes.push_back(box);
    target.labels.push_back(dataset.label_of(object.category_id));
  }
  return target;
}

void resize_input(const Image& image, const InputPlan& plan, PlanarImage& out, InputScratch& scratch) {
  SOCO_ASSERT(image.height == plan.original_height && image.width == plan.original_width);
  reshape(scratch.resized, plan.height, plan.width);
  crop_and_resize(image, CropRect{0, 0, image.width, image.height}, scratch.resized, Filter::kBilinear, scratch.resize);
  split_planes(scratch.resized, out);
}

void fill_batch(std::span<const PlanarImage> images, std::span<const InputPlan> plans,
                const DetectionInputOptions& options, InputSize least, HostAllocator allocator, ViewBatch& out) {
  SOCO_ASSERT(images.size() == plans.size());
  InputSize size = least;
  for (const PlanarImage& image : images) {
    size.height = std::max(size.height, image.height);
    size.width = std::max(size.width, image.width);
  }
  out.height = rounded_up(size.height, options.size_divisor);
  out.width = rounded_up(size.width, options.size_divisor);
  out.type = ElementType::kFloat32;
  out.layout = PixelLayout::kChw;
  const std::size_t plane = static_cast<std::size_t>(out.height) * static_cast<std::size_t>(out.width);
  out.pixels.resize(images.size() * 3 * plane * sizeof(float), allocator);
  float* at = out.floats().data();
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Mirror mirror = plans[i].flipped ? Mirror::kYes : Mirror::kNo;
    normalize_padded(images[i], mirror, options.channels, options.mean_rgb(), options.std_rgb(),
                     {.data = at, .row_stride = static_cast<std::size_t>(out.width), .plane_stride = plane});
    for (int c = 0; c < 3; ++c, at += plane) zero_around(images[i].height, images[i].width, out, at);
  }
}

}  // namespace soco
