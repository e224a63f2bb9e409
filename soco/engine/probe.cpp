// SPDX-License-Identifier: MIT
#include "soco/engine/probe.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "soco/base/error.h"
#include "soco/base/progress.h"
#include "soco/base/thread_pool.h"
#include "soco/data/sample.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/image/normalize.h"
#include "soco/image/resize.h"
#include "soco/structures/coco_json.h"

namespace soco {
namespace {

constexpr std::size_t kChunk = 32;  // images that are read while the network works on so many others

int num_threads(const ProbeOptions& options) { return options.workers > 0 ? options.workers : num_available_cpus(); }

/// An image as the network takes it, with its boxes.
struct Prepared {
  torch::Tensor pixels;  // [1, 3, H, W] float32, normalised
  torch::Tensor boxes;   // [B, 4] float32, xyxy, px of `pixels`
};

Prepared prepare(const ProbeImage& item, int max_side, const DecodeLimits& limits) {
  Image image = read_image(item.entry, limits);
  if (image.height != item.height || image.width != item.width)
    fail("{}: is {} x {} pixels, but its annotations are of an image of {} x {}", display_name(item.entry), image.width,
         image.height, item.width, item.height);
  const double scale = std::min(1.0, static_cast<double>(max_side) / std::max(image.height, image.width));
  const auto scaled = [scale](int side) { return std::max(1, static_cast<int>(std::lround(scale * side))); };
  const int height = scaled(image.height), width = scaled(image.width);
  if (scale < 1) image = crop_and_resize(image, {0, 0, image.width, image.height}, height, width);
  Prepared result{torch::empty({1, 3, height, width}),
                  torch::empty({static_cast<std::int64_t>(item.objects.size()), 4})};
  normalize_to_chw(image, kImageNetMean, kImageNetStd, result.pixels.data_ptr<float>());
  float* out = result.boxes.data_ptr<float>();
  const float sx = static_cast<float>(width) / static_cast<float>(item.width);
  const float sy = static_cast<float>(height) / static_cast<float>(item.height);
  for (const ProbeObject& object : item.objects) {
    *out++ = object.box.x1 * sx;
    *out++ = object.box.y1 * sy;
    *out++ = object.box.x2 * sx;
    *out++ = object.box.y2 * sy;
  }
  return result;
}

bool has_one_class(const ProbeImage& item) {
  return std::all_of(item.objects.begin(), item.objects.end(),
                     [&](const ProbeObject& object) { return object.label == item.objects[0].label; });
}

/// Reads chunk after chunk on a pool of threads, the next one while the current one is used.
class ChunkReader {
 public:
  ChunkReader(const std::vector<const ProbeImage*>& items, const ProbeOptions& options, const DecodeLimits& limits)
      : items_(items), max_side_(options.max_side), limits_(limits), pool_(num_threads(options)) {
    begin_reading();
  }

  /// The next chunk, in order; empty at the end.
  std::vector<Prepared> next() {
    pool_.wait();
    std::vector<Prepared> current = std::move(coming_);
    begin_reading();
    return current;
  }

 private:
  void begin_reading() {
    const std::size_t count = std::min(kChunk, items_.size() - begun_);
    coming_ = std::vector<Prepared>(count);
    for (std::size_t i = 0; i < count; ++i)
      pool_.submit([this, i, item = items_[begun_ + i]] { coming_[i] = prepare(*item, max_side_, limits_); });
    begun_ += count;
  }

  const std::vector<const ProbeImage*>& items_;
  int max_side_;
  DecodeLimits limits_;
  std::size_t begun_ = 0;
  std::vector<Prepared> coming_;
  ThreadPool pool_;  // last: its threads end before what they write to
};

std::string feature_text(ProbeFeature feature) {
  switch (feature) {
    case ProbeFeature::kRoi:
      return "roi (mean over the box of the map its detector pools it from)";
    case ProbeFeature::kBackbone:
      return "backbone (mean over the box of res4's map)";
    case ProbeFeature::kHead:
      return "head (the box head's vector)";
    case ProbeFeature::kImage:
      return "image (mean of res5's map; images with objects of one class)";
  }
  return "";
}

}  // namespace

ProbeFeatures extract_features(ProbeNetwork& network, const ProbeSet& set, const ProbeOptions& options,
                               const DecodeLimits& limits, Logger& log) {
  const bool whole = options.feature == ProbeFeature::kImage;
  std::vector<const ProbeImage*> items;
  for (const ProbeImage& image : set.images)
    if (!whole || has_one_class(image)) items.push_back(&image);
  ProbeFeatures result;
  ChunkReader reader(items, options, limits);
  Progress progress(log, "probe", static_cast<std::int64_t>(items.size()), "images");
  std::size_t done = 0;
  while (done < items.size()) {
    for (const Prepared& prepared : reader.next()) {
      const ProbeImage& item = *items[done++];
      const torch::Tensor features = network.features(prepared.pixels, prepared.boxes).contiguous();
      const auto channels = static_cast<std::size_t>(features.size(1));
      LabelledFeatures& side = item.is_val ? result.val : result.train;
      for (std::int64_t row = 0; row < features.size(0); ++row)
        side.add({features.data_ptr<float>() + row * features.size(1), channels},
                 item.objects[static_cast<std::size_t>(row)].label);
      progress.update(static_cast<std::int64_t>(done));
    }
  }
  progress.finish();
  return result;
}

FeatureProbe judge(const ProbeFeatures& features, const ProbeSet& set, const ProbeOptions& options) {
  FeatureProbe probe = judge_features(
      features.train, features.val, set.classes,
      {.knn = {options.neighbours, options.temperature}, .ridge = options.ridge, .threads = num_threads(options)},
      options.feature == ProbeFeature::kImage ? "images with objects of one class" : "labelled boxes");
  probe.feature = feature_text(options.feature);
  return probe;
}

FeatureProbe probe_network(ProbeNetwork& network, const ProbeSet& set, const ProbeOptions& options,
                           const DecodeLimits& limits, Logger& log) {
  return judge(extract_features(network, set, options, limits, log), set, options);
}

ProbeSet load_probe_set(const ProbeOptions& options, Logger& log) {
  const AnnotationSet annotations = read_coco_annotations(options.annotations);
  const ImageList images = list_images(options.images, {.logger = &log, .index_folder = default_index_folder()});
  return make_probe_set(images, annotations, options.annotations.string(),
                        {.val_ratio = options.val_ratio, .seed = options.seed, .max_images = options.max_images}, log);
}

}  // namespace soco
