// SPDX-License-Identifier: MIT
#include "soco/data/probe_set.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/missing_names.h"
#include "soco/base/random.h"
#include "soco/proposals/key_index.h"

namespace soco {
namespace {

Box clipped_box(const CocoBox& box, const AnnotatedImage& image) {
  const auto inside = [](double value, int size) { return static_cast<float>(std::clamp<double>(value, 0, size)); };
  return {inside(box.x, image.width), inside(box.y, image.height), inside(box.x + box.width, image.width),
          inside(box.y + box.height, image.height)};
}

/// Category ids that have boxes, ascending, each with its place among them.
std::unordered_map<std::int64_t, int> used_categories(const AnnotationSet& annotations,
                                                      const std::vector<bool>& has_boxes, ProbeSet& set) {
  std::unordered_map<std::int64_t, int> labels;
  for (std::size_t c = 0; c < annotations.categories.size(); ++c) {
    const ObjectCategory& category = annotations.categories[c];
    if (!has_boxes[c]) {
      set.empty_categories.push_back(category.name);
      continue;
    }
    labels.emplace(category.id, static_cast<int>(set.classes.size()));
    set.classes.push_back(category.name);
  }
  return labels;
}

struct FoundImage {
  const AnnotatedImage* image;
  std::size_t index;                                  // in the image list
  std::vector<std::pair<Box, std::int64_t>> objects;  // with category id
};

std::vector<FoundImage> find_images(const ImageList& images, const AnnotationSet& annotations,
                                    const std::string& annotations_name, Logger& log) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < images.size(); ++i) names.emplace_back(images.key(i));
  const KeyIndex keys(std::move(names));
  std::vector<FoundImage> found;
  MissingNames missing;
  for (const AnnotatedImage& image : annotations.images) {
    if (const auto index = keys.find(image.file_name))
      found.push_back({&image, *index, {}});
    else
      missing.add(image.file_name);
  }
  missing.check_minority(static_cast<std::int64_t>(annotations.images.size()), annotations_name,
                         "images are not among the images given:");
  if (missing.count() > 0)
    log.warning("{}: images that are not among those given, left out: {}", annotations_name, missing.text());
  return found;
}

void add_objects(const AnnotationSet& annotations, std::vector<FoundImage>& found, ProbeSet& set) {
  std::unordered_map<std::int64_t, FoundImage*> by_id;
  for (FoundImage& image : found) by_id.emplace(image.image->id, &image);
  for (const ObjectAnnotation& object : annotations.annotations) {
    const auto image = by_id.find(object.image_id);
    if (image == by_id.end()) continue;
    const Box box = clipped_box(object.box, *image->second->image);
    const bool degenerate = !(box.width() > 0 && box.height() > 0);
    set.num_crowds += object.is_crowd ? 1 : 0;
    set.num_degenerate += !object.is_crowd && degenerate ? 1 : 0;
    if (!object.is_crowd && !degenerate) image->second->objects.emplace_back(box, object.category_id);
  }
}

Rng split_rng(std::int64_t seed, std::uint64_t use) {
  return Rng(static_cast<std::uint64_t>(seed), 0, use, purpose::kProbeSplit);
}

/// Images with objects, at most `max_images` of them, in their order.
std::vector<FoundImage> chosen_images(std::vector<FoundImage> found, const ProbeSetOptions& options) {
  std::erase_if(found, [](const FoundImage& image) { return image.objects.empty(); });
  if (options.max_images == 0 || found.size() <= static_cast<std::size_t>(options.max_images)) return found;
  Rng rng = split_rng(options.seed, 0);
  std::vector<std::size_t> places =
      rng.sample_without_replacement(found.size(), static_cast<std::size_t>(options.max_images));
  std::sort(places.begin(), places.end());
  std::vector<FoundImage> chosen;
  for (const std::size_t place : places) chosen.push_back(std::move(found[place]));
  return chosen;
}

std::string left_out(const ProbeSet& set) {
  return fmt::format("{} crowds and {} boxes without area are left out", set.num_crowds, set.num_degenerate);
}

void check_two_classes(const ProbeSet& set, const std::string& name) {
  if (set.classes.size() == 1)
    fail("{}: all boxes are of one category, '{}'; classification needs two or more ({})", name, set.classes[0],
         left_out(set));
}

void split(ProbeSet& set, const ProbeSetOptions& options, const std::string& name) {
  check_two_classes(set, name);
  if (set.images.size() < 2)
    fail("{}: one image has labelled boxes; at least one to learn from and one to predict are needed", name);
  const auto count = static_cast<double>(set.images.size());
  const auto num_val = static_cast<std::size_t>(std::clamp(std::round(options.val_ratio * count), 1.0, count - 1));
  Rng rng = split_rng(options.seed, 1);
  for (const std::size_t place : rng.sample_without_replacement(set.images.size(), num_val))
    set.images[place].is_val = true;
}

/// Whether any chosen image has a box of each category.
std::vector<bool> categories_with_boxes(const AnnotationSet& annotations, const std::vector<FoundImage>& chosen) {
  std::unordered_map<std::int64_t, std::size_t> place;
  for (std::size_t c = 0; c < annotations.categories.size(); ++c) place.emplace(annotations.categories[c].id, c);
  std::vector<bool> has_boxes(annotations.categories.size(), false);
  for (const FoundImage& image : chosen)
    for (const auto& [box, category] : image.objects) has_boxes[place.at(category)] = true;
  return has_boxes;
}

}  // namespace

std::int64_t ProbeSet::num_boxes(bool val) const {
  std::int64_t count = 0;
  for (const ProbeImage& image : images)
    if (image.is_val == val) count += static_cast<std::int64_t>(image.objects.size());
  return count;
}

ProbeSet make_probe_set(const ImageList& images, const AnnotationSet& annotations, const std::string& annotations_name,
                        const ProbeSetOptions& options, Logger& log) {
  ProbeSet set;
  std::vector<FoundImage> found = find_images(images, annotations, annotations_name, log);
  add_objects(annotations, found, set);
  const std::vector<FoundImage> chosen = chosen_images(std::move(found), options);
  const auto labels = used_categories(annotations, categories_with_boxes(annotations, chosen), set);
  if (set.classes.empty()) fail("{}: no labelled boxes to judge features by ({})", annotations_name, left_out(set));
  for (const FoundImage& found_image : chosen) {
    ProbeImage image{images[found_image.index], found_image.image->height, found_image.image->width, {}};
    for (const auto& [box, category] : found_image.objects) image.objects.push_back({box, labels.at(category)});
    set.images.push_back(std::move(image));
  }
  if (options.val_ratio > 0) split(set, options, annotations_name);
  return set;
}

ProbeSet join_probe_sets(ProbeSet train, const std::string& train_name, ProbeSet val, const std::string& val_name) {
  check_two_classes(train, train_name);
  std::vector<int> label_of(val.classes.size());
  for (std::size_t c = 0; c < val.classes.size(); ++c) {
    const auto place = std::find(train.classes.begin(), train.classes.end(), val.classes[c]);
    if (place == train.classes.end())
      fail("{}: has boxes of '{}', of which {} has none to learn from", val_name, val.classes[c], train_name);
    label_of[c] = static_cast<int>(place - train.classes.begin());
  }
  for (ProbeImage& image : val.images) {
    image.is_val = true;
    for (ProbeObject& object : image.objects) object.label = label_of[static_cast<std::size_t>(object.label)];
    train.images.push_back(std::move(image));
  }
  train.num_crowds += val.num_crowds;
  train.num_degenerate += val.num_degenerate;
  return train;
}

}  // namespace soco
