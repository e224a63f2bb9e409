// SPDX-License-Identifier: MIT
#include "soco/data/detection_dataset.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/missing_names.h"
#include "soco/base/random.h"
#include "soco/proposals/key_index.h"

namespace soco {
namespace {

constexpr std::uint64_t kShareStream = 5;  // of purpose::kSamplerOrder; see sampler.cpp, detection_sampler.cpp

/// The first of all indices in an order drawn by the seed: a smaller share's are among those of a larger one.
std::vector<std::size_t> drawn_share(std::size_t count, double fraction, std::int64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng(static_cast<std::uint64_t>(seed), 0, kShareStream, purpose::kSamplerOrder);
  rng.shuffle(order);
  const auto wanted = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(count)));
  order.resize(std::clamp<std::size_t>(wanted, 1, count));
  std::ranges::sort(order);
  return order;
}

std::vector<std::string> keys_of(const ImageList& images) {
  std::vector<std::string> keys;
  keys.reserve(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) keys.emplace_back(images.key(i));
  return keys;
}

}  // namespace

DetectionDataset::DetectionDataset(DetectionSource source, const DetectionDatasetOptions& options, Logger& logger)
    : limits_(options.limits), bad_(options.max_bad_ratio, logger) {
  AnnotationSet& set = source.annotations;
  const bool train = options.use == DetectionUse::kTrain;
  if (train && set.categories.empty()) fail_usage("{}: has no categories to train on", source.name);
  categories_ = std::move(set.categories);
  std::ranges::sort(categories_, {}, &ObjectCategory::id);
  for (std::size_t i = 0; i < categories_.size(); ++i)
    label_of_id_.emplace(categories_[i].id, static_cast<std::int32_t>(i));
  find_files(source, std::move(set.images), logger);
  take_objects(std::move(set.annotations), options.masks, logger);
  if (!train) return;
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (options.keep_empty || has_objects(records_[i])) kept.push_back(i);
  }
  if (std::ranges::none_of(records_, [&](const Record& record) { return has_objects(record); }))
    fail_usage("{}: none of its {} images has an object to train on", source.name, records_.size());
  if (kept.size() < records_.size())
    logger.info("{}: {} of {} images have no objects and are left out", source.name, records_.size() - kept.size(),
                records_.size());
  if (options.label_fraction < 1) {
    std::vector<std::size_t> share = drawn_share(kept.size(), options.label_fraction, options.fraction_seed);
    for (std::size_t& index : share) index = kept[index];
    kept = std::move(share);
  }
  keep(kept);
}

void DetectionDataset::find_files(const DetectionSource& source, std::vector<AnnotatedImage> images, Logger& logger) {
  if (images.empty()) fail_usage("{}: has no images", source.name);
  const KeyIndex keys(keys_of(source.images));
  MissingNames missing;
  std::vector<ImageEntry> entries;
  const auto num_images = static_cast<std::int64_t>(images.size());
  for (AnnotatedImage& image : images) {
    const std::optional<std::size_t> found = keys.find(image.file_name);
    if (!found) {
      missing.add(image.file_name);
      continue;
    }
    entries.push_back(source.images[*found]);
    records_.push_back({.image = std::move(image)});
  }
  missing.check_minority(num_images, source.name, "images have no file among those given:");
  if (missing.count() > 0) logger.warning("{}: images without a file are left out: {}", source.name, missing.text());
  images_ = ImageList(entries);
}

void DetectionDataset::take_objects(std::vector<ObjectAnnotation> objects, bool masks, Logger& logger) {
  const auto needs_shape = [](const ObjectAnnotation& a) { return !a.is_crowd && a.segmentation.empty(); };
  has_masks_ = masks && std::ranges::any_of(objects, [](const ObjectAnnotation& a) { return !a.segmentation.empty(); });
  if (masks && !has_masks_ && !objects.empty()) logger.info("no object has a shape: boxes are used alone");
  if (has_masks_) {
    const std::size_t shapeless = std::erase_if(objects, needs_shape);
    if (shapeless > 0) logger.warning("{} objects have no shape and are left out; masks=false keeps them", shapeless);
  }
  std::unordered_map<std::int64_t, Record*> record_of_image;
  for (Record& record : records_) record_of_image.emplace(record.image.id, &record);
  const auto record_of = [&](const ObjectAnnotation& a) {
    const auto found = record_of_image.find(a.image_id);
    return found == record_of_image.end() ? nullptr : found->second;
  };
  for (const ObjectAnnotation& a : objects) {
    if (Record* record = record_of(a)) ++record->count;
  }
  std::size_t first = 0;
  for (Record& record : records_) {
    record.first = first;
    first += std::exchange(record.count, 0);
  }
  objects_.resize(first);
  for (ObjectAnnotation& a : objects) {
    if (!has_masks_) a.segmentation = {};
    if (Record* record = record_of(a)) objects_[record->first + record->count++] = std::move(a);
  }
}

bool DetectionDataset::has_objects(const Record& record) const {
  const auto begin = objects_.begin() + static_cast<std::ptrdiff_t>(record.first);
  return std::any_of(begin, begin + static_cast<std::ptrdiff_t>(record.count),
                     [](const ObjectAnnotation& a) { return !a.is_crowd; });
}

void DetectionDataset::keep(const std::vector<std::size_t>& indices) {
  if (indices.size() == records_.size()) return;
  std::vector<Record> records;
  std::vector<ImageEntry> entries;
  std::vector<ObjectAnnotation> objects;
  for (const std::size_t index : indices) {
    Record& record = records.emplace_back(std::move(records_[index]));
    entries.push_back(images_[index]);
    const auto begin = objects_.begin() + static_cast<std::ptrdiff_t>(record.first);
    record.first = objects.size();
    std::move(begin, begin + static_cast<std::ptrdiff_t>(record.count), std::back_inserter(objects));
  }
  records_ = std::move(records);
  images_ = ImageList(entries);
  objects_ = std::move(objects);
}

std::span<const ObjectAnnotation> DetectionDataset::objects(std::int64_t index) const {
  return std::span(objects_).subspan(record(index).first, record(index).count);
}

void DetectionDataset::visit(std::int64_t index, EncodedSample& sample,
                             const std::function<void(const EncodedSample&)>& use) const {
  bad_.first_usable(images_, index, [&](std::int64_t candidate) {
    std::string why = read(candidate, sample);
    if (!why.empty()) return why;
    try {
      use(sample);
    } catch (const Error& error) {
      why = error.what();
    }
    return why;
  });
}

std::string DetectionDataset::read(std::int64_t index, EncodedSample& sample) const {
  const ImageEntry entry = images_[static_cast<std::size_t>(index)];
  const AnnotatedImage& wanted = image(index);
  sample.index = index;
  try {
    sample.name = display_name(entry);
    sample.bytes = read_image_bytes(entry, limits_.max_file_bytes);
    const ImageInfo info = probe_image(sample.bytes, sample.name, limits_);
    if (info.height == wanted.height && info.width == wanted.width) return "";
    return fmt::format("it is {} x {} px (height x width), its annotations say {} x {}", info.height, info.width,
                       wanted.height, wanted.width);
  } catch (const Error& error) {
    return error.what();
  }
}

std::vector<double> repeat_factors(const DetectionDataset& dataset, double threshold) {
  std::vector<double> factors(static_cast<std::size_t>(dataset.size()), 1.0);
  if (threshold <= 0) return factors;
  const auto labels_of = [&](std::int64_t index) {
    std::set<std::int32_t> labels;
    for (const ObjectAnnotation& a : dataset.objects(index)) labels.insert(dataset.label_of(a.category_id));
    return labels;
  };
  std::vector<std::int64_t> num_images(static_cast<std::size_t>(dataset.num_labels()));
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    for (const std::int32_t label : labels_of(i)) ++num_images[static_cast<std::size_t>(label)];
  }
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    for (const std::int32_t label : labels_of(i)) {
      const double share =
          static_cast<double>(num_images[static_cast<std::size_t>(label)]) / static_cast<double>(dataset.size());
      double& factor = factors[static_cast<std::size_t>(i)];
      factor = std::max(factor, std::sqrt(threshold / share));
    }
  }
  return factors;
}

}  // namespace soco
