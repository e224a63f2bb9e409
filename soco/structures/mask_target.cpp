// SPDX-License-Identifier: MIT
#include "soco/structures/mask_target.h"

#include <algorithm>
#include <cmath>

#include "soco/base/error.h"

namespace soco {
namespace {

using Pixels = std::span<std::uint8_t>;

void polygon_target(const std::vector<Polygon>& polygons, const Box& box, int size, Pixels out) {
  const double scale_x = size / std::max<double>(box.width(), 0.1),
               scale_y = size / std::max<double>(box.height(), 0.1);
  std::vector<Polygon> moved = polygons;
  for (Polygon& polygon : moved) {
    for (std::size_t i = 0; i + 1 < polygon.size(); i += 2) {
      polygon[i] = (polygon[i] - box.x1) * scale_x;
      polygon[i + 1] = (polygon[i + 1] - box.y1) * scale_y;
    }
  }
  std::ranges::copy(mask_pixels(mask_from_polygons(size, size, moved)), out.begin());
}

/// Two neighbours on one axis and their weights.
struct Taps {
  int low = 0, high = 0;
  float low_weight = 0, high_weight = 0;  // both 0 beyond the image
};

/// Where RoIAlign takes its samples on one axis: `count` for each of `size` bins.
struct Axis {
  int count = 0;
  std::vector<Taps> taps;  // [size, count]
};

Taps taps_at(float at, int extent) {
  if (at < -1.0f || at > static_cast<float>(extent)) return {};
  at = std::max(at, 0.0f);
  const int low = std::min(static_cast<int>(at), extent - 1), high = std::min(low + 1, extent - 1);
  const float part = low == high ? 0.0f : at - static_cast<float>(low);
  return {low, high, 1.0f - part, part};
}

/// In the order of float32 operations of torchvision's kernel, since sums of exactly a half are common.
Axis sample_axis(float begin, float end, int extent, int size) {
  const float start = begin - 0.5f, length = (end - 0.5f) - start, bin = length / static_cast<float>(size);
  Axis axis;
  // Boxes end at the image's edge or are little larger: samples stay about one a pixel. A box beyond reason has few.
  axis.count = static_cast<int>(std::clamp(std::ceil(bin), 0.0f, static_cast<float>(extent) + 1.0f));
  for (int i = 0; i < size; ++i) {
    for (int k = 0; k < axis.count; ++k) {
      const float at =
          start + static_cast<float>(i) * bin + (static_cast<float>(k) + 0.5f) * bin / static_cast<float>(axis.count);
      axis.taps.push_back(taps_at(at, extent));
    }
  }
  return axis;
}

/// The part of a mask that samples touch, as pixels row after row.
struct Region {
  int x = 0, y = 0, width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
  float at(int row, int column) const {
    return pixels[static_cast<std::size_t>(row - y) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(column - x)];
  }
};

/// The pixels from `first` to `last` that the samples of an axis touch.
void touched(const Axis& axis, int& first, int& count) {
  int last = -1;
  first = 0;
  for (const Taps& taps : axis.taps) {
    if (taps.low_weight == 0 && taps.high_weight == 0) continue;
    if (last < 0) first = taps.low;
    last = taps.high;
  }
  count = last - first + 1;
}

Region region_of(const MaskRle& mask, const Axis& columns, const Axis& rows) {
  Region region;
  touched(columns, region.x, region.width);
  touched(rows, region.y, region.height);
  region.pixels.resize(static_cast<std::size_t>(region.width) * static_cast<std::size_t>(region.height));
  const std::int64_t height = mask.height;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < mask.runs.size(); ++i) {
    const std::int64_t end = begin + mask.runs[i];
    if (i % 2 == 1) {
      const std::int64_t first = std::max<std::int64_t>(begin / height, region.x);
      const std::int64_t last = std::min<std::int64_t>((end - 1) / height, region.x + region.width - 1);
      for (std::int64_t x = first; x <= last; ++x) {
        const std::int64_t top = std::max(begin - x * height, std::int64_t{region.y});
        const std::int64_t bottom = std::min(end - x * height, std::int64_t{region.y} + region.height);
        for (std::int64_t y = top; y < bottom; ++y)
          region.pixels[static_cast<std::size_t>((y - region.y) * region.width + x - region.x)] = 1;
      }
    }
    begin = end;
  }
  return region;
}

float average(const Region& region, std::span<const Taps> columns, std::span<const Taps> rows) {
  float sum = 0;
  for (const Taps& row : rows) {
    for (const Taps& column : columns) {
      if ((row.low_weight == 0 && row.high_weight == 0) || (column.low_weight == 0 && column.high_weight == 0))
        continue;
      sum += row.low_weight * column.low_weight * region.at(row.low, column.low) +
             row.low_weight * column.high_weight * region.at(row.low, column.high) +
             row.high_weight * column.low_weight * region.at(row.high, column.low) +
             row.high_weight * column.high_weight * region.at(row.high, column.high);
    }
  }
  return sum / static_cast<float>(std::max<std::size_t>(columns.size() * rows.size(), 1));
}

void bitmap_target(const MaskRle& mask, const Box& box, int size, Pixels out) {
  const Axis columns = sample_axis(box.x1, box.x2, mask.width, size);
  const Axis rows = sample_axis(box.y1, box.y2, mask.height, size);
  const Region region = region_of(mask, columns, rows);
  const auto bin = [](const Axis& axis, int i) {
    const auto count = static_cast<std::size_t>(axis.count);
    return std::span(axis.taps).subspan(static_cast<std::size_t>(i) * count, count);
  };
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x)
      out[static_cast<std::size_t>(y * size + x)] = average(region, bin(columns, x), bin(rows, y)) >= 0.5f ? 1 : 0;
  }
}

void write_target(const InstanceShape& shape, const Box& box, int size, Pixels out) {
  SOCO_ASSERT(!shape.empty());
  return shape.mask ? bitmap_target(*shape.mask, box, size, out) : polygon_target(shape.polygons, box, size, out);
}

}  // namespace

std::vector<std::uint8_t> mask_target(const InstanceShape& shape, const Box& box, int size) {
  const std::int64_t index = 0;
  return mask_targets({&shape, 1}, {&index, 1}, {&box, 1}, size);
}

std::vector<std::uint8_t> mask_targets(std::span<const InstanceShape> shapes,
                                       std::span<const std::int64_t> shape_indices, std::span<const Box> boxes,
                                       int size) {
  SOCO_ASSERT(size > 0 && size <= 1024 && shape_indices.size() == boxes.size());
  const std::size_t area = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  std::vector<std::uint8_t> targets(area * boxes.size());
  for (std::size_t r = 0; r < boxes.size(); ++r) {
    const std::int64_t index = shape_indices[r];
    SOCO_ASSERT(index >= 0 && index < static_cast<std::int64_t>(shapes.size()));
    write_target(shapes[static_cast<std::size_t>(index)], boxes[r], size, std::span(targets).subspan(r * area, area));
  }
  return targets;
}

}  // namespace soco
