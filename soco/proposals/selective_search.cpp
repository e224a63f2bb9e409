// SPDX-License-Identifier: MIT
#include "soco/proposals/selective_search.h"

#include "soco/base/error.h"
#include "soco/proposals/graph_segmentation.h"
#include "soco/proposals/grouping.h"
#include "soco/proposals/region.h"

namespace soco {
namespace {

void check_image(const Image& image, std::int64_t max_pixels) {
  if (image.height <= 0 || image.width <= 0) {
    fail("proposals: empty image ({} x {} pixels)", image.width, image.height);
  }
  const std::int64_t num_pixels = static_cast<std::int64_t>(image.height) * image.width;
  if (num_pixels > max_pixels) {
    fail(
        "proposals: image of {} x {} = {} pixels, more than max_pixels = {}: make it smaller, or raise max_pixels "
        "(about 150 bytes of memory a pixel and worker)",
        image.width, image.height, num_pixels, max_pixels);
  }
  SOCO_ASSERT(static_cast<std::int64_t>(image.pixels.size()) == 3 * num_pixels);
}

Box box_of(const Region& r) {
  return {.x1 = static_cast<float>(r.min_x),
          .y1 = static_cast<float>(r.min_y),
          .x2 = static_cast<float>(r.max_x + 1),
          .y2 = static_cast<float>(r.max_y + 1)};
}

}  // namespace

std::vector<Box> selective_search(const Image& image, const SelectiveSearchOptions& options) {
  check_image(image, options.max_pixels);
  const Segmentation segmentation =
      segment_graph(image, {.scale = options.scale, .sigma = options.sigma, .min_size = options.min_size});
  const std::int64_t image_size = static_cast<std::int64_t>(image.height) * image.width;
  const std::vector<Region> regions = group_regions(extract_regions(image, segmentation), image_size);
  std::vector<Box> boxes;
  boxes.reserve(regions.size());
  for (const Region& region : regions) boxes.push_back(box_of(region));
  return boxes;
}

}  // namespace soco
