// SPDX-License-Identifier: MIT
#include "soco/proposals/selective_search.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/format.h"
#include "soco/image/resize.h"
#include "soco/proposals/graph_segmentation.h"
#include "soco/proposals/grouping.h"
#include "soco/proposals/ranking.h"
#include "soco/proposals/region.h"
#include "soco/proposals/region_builder.h"

namespace soco {
namespace {

/// Buffers of larger images are given back.
constexpr std::int64_t kKeptPixels = 4 << 20;

std::int64_t num_pixels_of(const Image& image) { return static_cast<std::int64_t>(image.height) * image.width; }

void check_size(int height, int width, std::int64_t max_pixels) {
  const std::int64_t num_pixels = static_cast<std::int64_t>(height) * width;
  if (num_pixels > max_pixels) {
    fail(
        "proposals: image of {} x {} = {} pixels, more than max_pixels = {}: set max_side to search it at a smaller "
        "size, or raise max_pixels (about 100 bytes of memory a pixel and worker)",
        width, height, num_pixels, max_pixels);
  }
}

/// The size at which an image is searched.
CropRect searched_size(const Image& image, int max_side) {
  const int side = std::max(image.height, image.width);
  if (max_side == 0 || side <= max_side) return {0, 0, image.width, image.height};
  const double factor = static_cast<double>(max_side) / side;
  const auto scaled = [factor](int n) { return std::max(1, static_cast<int>(std::lround(n * factor))); };
  return {0, 0, scaled(image.width), scaled(image.height)};
}

template <class Bounds>
Box box_of(const Bounds& r) {
  return {.x1 = static_cast<float>(r.min_x),
          .y1 = static_cast<float>(r.min_y),
          .x2 = static_cast<float>(r.max_x + 1),
          .y2 = static_cast<float>(r.max_y + 1)};
}

/// Boxes of the searched size in pixels of the image: rounded to whole ones, never empty.
void map_back(std::vector<Box>& boxes, const CropRect& from, const Image& to) {
  const auto map = [](float& low, float& high, int from_size, int to_size) {
    const double factor = static_cast<double>(to_size) / from_size;
    low = static_cast<float>(std::floor(low * factor + 0.5));
    high =
        std::max(low + 1, std::min(static_cast<float>(to_size), static_cast<float>(std::floor(high * factor + 0.5))));
  };
  for (Box& box : boxes) {
    map(box.x1, box.x2, from.width, to.width);
    map(box.y1, box.y2, from.height, to.height);
  }
}

template <class T>
void fill_when_empty(std::vector<T>& values, std::vector<T> own) {
  if (values.empty()) values = std::move(own);
}

}  // namespace

struct SelectiveSearcher::Buffers {
  std::vector<Box> search_soco(const Image& image, const SelectiveSearchOptions& options) {
    const Segmentation& segments =
        segmenter.segment(image, {.scale = options.scales[0], .sigma = *options.sigma, .min_size = *options.min_size});
    std::vector<Box> boxes;
    for (const Region& r : group_regions(extractor.extract(image, segments), num_pixels_of(image))) {
      boxes.push_back(box_of(r));
    }
    return boxes;
  }
  std::vector<Box> search_ranked(const Image& image, const SelectiveSearchOptions& options) {
    Ranking ranking(options.seed, image.height, image.width);
    for (const ColourSpace colours : options.colours) {
      convert_colours(image, colours, planes);
      RegionGraph graph = builder.build(planes, options.scales[0], *options.sigma, *options.min_size);
      for (std::size_t i = 0; i < options.scales.size(); ++i) {
        if (i > 0) graph = coarsened(graph, options.scales[i]);
        hierarchy.start(graph, num_pixels_of(image));
        for (const SimilarityMix mix : options.similarities) ranking.add(graph, hierarchy.group(mix));
      }
    }
    std::vector<Box> boxes;
    for (const PixelBounds& bounds : ranking.take(options.duplicate_iou, static_cast<std::size_t>(options.max_boxes))) {
      boxes.push_back(box_of(bounds));
    }
    return boxes;
  }

  GraphSegmenter segmenter;
  RegionExtractor extractor;
  ColourPlanes planes;
  RegionBuilder builder;
  Hierarchy hierarchy;
};

SelectiveSearchOptions resolved(const SelectiveSearchOptions& options) {
  using enum ColourSpace;
  using enum SimilarityMix;
  SelectiveSearchOptions all = options;
  const bool soco = options.strategy == SearchStrategy::kSoco;
  if (!all.sigma) all.sigma = soco ? 0.9 : 0.8;
  if (!all.min_size) all.min_size = 100;
  switch (options.strategy) {
    case SearchStrategy::kSoco:
      fill_when_empty(all.scales, {300});
      break;
    case SearchStrategy::kSingle:
      fill_when_empty(all.scales, {200});
      fill_when_empty(all.colours, {kHsv});
      fill_when_empty(all.similarities, {kColourTextureSizeFill});
      break;
    case SearchStrategy::kFast:
      fill_when_empty(all.scales, {150, 300, 450});
      fill_when_empty(all.colours, {kHsv, kLab, kRgi});
      fill_when_empty(all.similarities, {kColourTextureSizeFill, kTextureSizeFill, kFill});
      break;
    case SearchStrategy::kQuality:
      fill_when_empty(all.scales, {150, 300, 450});
      fill_when_empty(all.colours, {kHsv, kLab, kIntensity, kRgi, kRgb});
      fill_when_empty(all.similarities, {kColourTextureSizeFill, kTextureSizeFill, kFill});
      break;
  }
  std::sort(all.scales.begin(), all.scales.end());
  return all;
}

void SelectiveSearchOptions::validate() const {
  if (strategy != SearchStrategy::kSoco) return;
  if (scales.size() > 1) fail_usage("scales has {} values, but strategy soco takes one", scales.size());
  const auto refuse = [](bool given, std::string_view key) {
    if (given)
      fail_usage("{} has no meaning for strategy soco: leave it out, or take strategy single, fast or quality", key);
  };
  const SelectiveSearchOptions defaults;
  refuse(!colours.empty(), "colours");
  refuse(!similarities.empty(), "similarities");
  refuse(seed != defaults.seed, "seed");
  refuse(duplicate_iou != defaults.duplicate_iou, "duplicate_iou");
  refuse(max_boxes != defaults.max_boxes, "max_boxes");
}

std::string identity_text(const SelectiveSearchOptions& options) {
  const SelectiveSearchOptions all = resolved(options);
  const auto list = [](const auto& values, const auto& text_of) {
    std::string text;
    for (const auto& value : values) text += (text.empty() ? "" : ",") + text_of(value);
    return text;
  };
  std::string text =
      fmt::format("strategy={} scale={} sigma={} min_size={}", enum_name(all.strategy, kSearchStrategyNames),
                  list(all.scales, [](double v) { return fmt::format("{}", v); }), *all.sigma, *all.min_size);
  if (all.strategy != SearchStrategy::kSoco) {
    text += fmt::format(" ranking=votes colours={} similarities={} seed={} duplicate_iou={} max_boxes={}",
                        list(all.colours, [](ColourSpace v) { return enum_name(v, kColourSpaceNames); }),
                        list(all.similarities, [](SimilarityMix v) { return enum_name(v, kSimilarityMixNames); }),
                        all.seed, all.duplicate_iou, all.max_boxes);
  }
  if (all.max_side > 0) text += fmt::format(" max_side={}", all.max_side);
  return text;
}

SelectiveSearcher::SelectiveSearcher(const SelectiveSearchOptions& options)
    : options_(resolved(options)), buffers_(std::make_unique<Buffers>()) {
  options.validate();
}
SelectiveSearcher::~SelectiveSearcher() = default;
SelectiveSearcher::SelectiveSearcher(SelectiveSearcher&&) noexcept = default;
SelectiveSearcher& SelectiveSearcher::operator=(SelectiveSearcher&&) noexcept = default;

std::vector<Box> SelectiveSearcher::search(const Image& image) {
  if (image.height <= 0 || image.width <= 0) {
    fail("proposals: empty image ({} x {} pixels)", image.width, image.height);
  }
  SOCO_ASSERT(static_cast<std::int64_t>(image.pixels.size()) == 3 * num_pixels_of(image));
  const CropRect size = searched_size(image, options_.max_side);
  check_size(size.height, size.width, options_.max_pixels);
  const bool scaled = size.width != image.width || size.height != image.height;
  const Image smaller =
      scaled ? crop_and_resize(image, {0, 0, image.width, image.height}, size.height, size.width) : Image{};
  const Image& searched = scaled ? smaller : image;
  const bool soco = options_.strategy == SearchStrategy::kSoco;
  std::vector<Box> boxes =
      soco ? buffers_->search_soco(searched, options_) : buffers_->search_ranked(searched, options_);
  if (scaled) map_back(boxes, size, image);
  if (num_pixels_of(searched) > kKeptPixels) buffers_ = std::make_unique<Buffers>();
  return boxes;
}

std::vector<Box> selective_search(const Image& image, const SelectiveSearchOptions& options) {
  return SelectiveSearcher(options).search(image);
}

}  // namespace soco
