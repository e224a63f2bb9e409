// SPDX-License-Identifier: MIT
#include "soco/data/detection_source.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/signals.h"
#include "soco/base/thread_pool.h"
#include "soco/image/image_source.h"
#include "soco/proposals/key_index.h"
#include "soco/structures/voc_xml.h"
#include "soco/structures/yolo_txt.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

ImageList listed(const fs::path& images, const fs::path& fallback, const DetectionSourceOptions& options,
                 Logger& logger) {
  return list_images(images.empty() ? fallback : images, {.logger = &logger, .index_folder = options.index_folder});
}

DetectionSource read_coco(const fs::path& file, const fs::path& images, const DetectionSourceOptions& options,
                          Logger& logger) {
  const auto use = options.masks ? SegmentationUse::kKeep : SegmentationUse::kSkip;
  DetectionSource source;
  source.annotations = read_coco_annotations(file, {.segmentations = use, .repairs = options.repairs});
  source.images = listed(images, file, options, logger);
  return source;
}

/// Of an image set, that is a list, the annotations of other images are not wanted.
void keep_images_of(const ImageList& images, AnnotationSet& set) {
  std::unordered_map<std::string, bool> stems;
  for (std::size_t i = 0; i < images.size(); ++i) stems.emplace(fs::path(images.key(i)).stem().string(), true);
  std::unordered_map<std::int64_t, bool> left_out;
  std::erase_if(set.images, [&](const AnnotatedImage& image) {
    const bool leave = !stems.contains(fs::path(image.file_name).stem().string());
    if (leave) left_out.emplace(image.id, true);
    return leave;
  });
  std::erase_if(set.annotations, [&](const ObjectAnnotation& a) { return left_out.contains(a.image_id); });
}

DetectionSource read_voc(const fs::path& folder, const fs::path& images, const DetectionSourceOptions& options,
                         Logger& logger) {
  const fs::path annotations = is_folder(folder / "Annotations") ? folder / "Annotations" : folder;
  DetectionSource source;
  source.annotations = read_voc_annotations(annotations);
  source.images = listed(images, annotations.parent_path() / "JPEGImages", options, logger);
  keep_images_of(source.images, source.annotations);
  return source;
}

/// What the headers say, in the list's order; unreadable ones are left out of both.
std::vector<AnnotatedImage> measured(ImageList& images, const DecodeLimits& limits, Logger& logger) {
  std::vector<ImageInfo> infos(images.size());
  parallel_for(num_available_cpus(), static_cast<std::int64_t>(images.size()), [&](std::int64_t i) {
    if (stop_requested()) throw Error(ErrorKind::kInterrupted, "stopped by a signal while sizes of images were read");
    const ImageEntry entry = images[static_cast<std::size_t>(i)];
    try {
      infos[static_cast<std::size_t>(i)] =
          probe_image(read_image_bytes(entry, limits.max_file_bytes), display_name(entry), limits);
    } catch (const Error& error) {
      logger.warning("image '{}' cannot be used and is left out: {}", entry.key, error.what());
    }
  });
  std::vector<ImageEntry> kept;
  std::vector<AnnotatedImage> result;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (infos[i].height == 0) continue;
    kept.push_back(images[i]);
    result.push_back({.id = static_cast<std::int64_t>(result.size()) + 1,
                      .height = infos[i].height,
                      .width = infos[i].width,
                      .file_name = kept.back().key});
  }
  if (kept.empty()) fail("none of the {} images could be read, see the log for the reasons", images.size());
  if (kept.size() < images.size()) images = ImageList(kept);
  return result;
}

DetectionSource read_yolo(const fs::path& names_file, const fs::path& images, const DetectionSourceOptions& options,
                          Logger& logger) {
  const fs::path root = names_file.has_parent_path() ? names_file.parent_path() : fs::path(".");
  DetectionSource source;
  const std::vector<std::string> names = read_yolo_names(names_file);
  source.images = listed(images, root / "images", options, logger);
  std::vector<AnnotatedImage> found = measured(source.images, options.limits, logger);
  // Labels lie where the images do, but for the folder's name: keys are relative to what was listed.
  const fs::path listed_folder = images.empty() ? root / "images" : images;
  const bool folder = is_folder(listed_folder);
  for (AnnotatedImage& image : found) {
    if (folder)
      image.file_name =
          fs::absolute(listed_folder / image.file_name).lexically_relative(fs::absolute(root)).generic_string();
  }
  source.annotations = read_yolo_annotations(root, names, found);
  for (std::size_t i = 0; i < found.size(); ++i) source.annotations.images[i].file_name = source.images.key(i);
  return source;
}

bool has_xml(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator child(folder, error), end; !error && child != end; child.increment(error)) {
    if (child->path().extension() == ".xml") return true;
  }
  return false;
}

DetectionSource read_any(const fs::path& annotations, const fs::path& images, const DetectionSourceOptions& options,
                         Logger& logger) {
  const fs::path extension = annotations.extension();
  if (is_folder(annotations) && (is_folder(annotations / "Annotations") || has_xml(annotations)))
    return read_voc(annotations, images, options, logger);
  if (extension == ".json") return read_coco(annotations, images, options, logger);
  if (extension == ".yaml" || extension == ".yml" || extension == ".names" || annotations.filename() == "classes.txt")
    return read_yolo(annotations, images, options, logger);
  fail_usage(
      "{}: no labels; expected a .json file (COCO, LVIS), a folder of .xml files (Pascal VOC), or a .yaml file, .names "
      "or classes.txt (YOLO)",
      annotations.string());
}

std::int64_t id_in(AnnotationSet& set, const ObjectCategory& category) {
  const auto same = [&](const ObjectCategory& other) { return other.name == category.name; };
  if (const auto found = std::ranges::find_if(set.categories, same); found != set.categories.end()) return found->id;
  std::int64_t id = category.id;
  const auto taken = [&](const ObjectCategory& other) { return other.id == id; };
  while (std::ranges::any_of(set.categories, taken)) ++id;
  set.categories.push_back({.id = id, .name = category.name, .frequency = category.frequency});
  return id;
}

/// `set_name`: before the names of the source's images, since two sets may call different images the same.
void add_source(DetectionSource& source, const std::string& set_name, AnnotationSet& set,
                std::vector<ImageEntry>& entries) {
  std::unordered_map<std::int64_t, std::int64_t> image_ids, category_ids;
  for (const ObjectCategory& category : source.annotations.categories) category_ids[category.id] = id_in(set, category);
  const auto renumber = [&](std::vector<std::int64_t>& ids) {
    for (std::int64_t& id : ids) {
      if (const auto found = category_ids.find(id); found != category_ids.end()) id = found->second;
    }
  };
  std::vector<std::string> names;
  for (std::size_t i = 0; i < source.images.size(); ++i) {
    ImageEntry& entry = entries.emplace_back(source.images[i]);
    names.push_back(entry.key);
    entry.key = set_name + entry.key;
  }
  const KeyIndex keys(std::move(names));
  for (AnnotatedImage& image : source.annotations.images) {
    image_ids[image.id] = static_cast<std::int64_t>(set.images.size()) + 1;
    image.id = image_ids[image.id];
    const std::optional<std::size_t> found = keys.find(image.file_name);
    image.file_name = set_name + (found ? keys.keys()[*found] : image.file_name);
    renumber(image.absent_categories);
    renumber(image.incomplete_categories);
    set.images.push_back(std::move(image));
  }
  for (ObjectAnnotation& a : source.annotations.annotations) {
    a.id = static_cast<std::int64_t>(set.annotations.size()) + 1;
    a.image_id = image_ids.at(a.image_id);
    a.category_id = category_ids.at(a.category_id);
    set.annotations.push_back(std::move(a));
  }
}

}  // namespace

DetectionSource read_detection_source(const fs::path& annotations, const fs::path& images,
                                      const DetectionSourceOptions& options, Logger& logger) {
  DetectionSource source = read_any(annotations, images, options, logger);
  source.name = annotations.string();
  return source;
}

DetectionSource unlabelled_source(ImageList images, const DecodeLimits& limits, Logger& logger) {
  DetectionSource source;
  source.images = std::move(images);
  source.annotations.images = measured(source.images, limits, logger);
  source.name = "images without labels";
  return source;
}

DetectionSource merge_sources(std::vector<DetectionSource> sources) {
  SOCO_ASSERT(!sources.empty());
  if (sources.size() == 1) return std::move(sources[0]);
  DetectionSource merged;
  std::vector<ImageEntry> entries;
  int number = 0;
  for (DetectionSource& source : sources) {
    add_source(source, fmt::format("{}/", ++number), merged.annotations, entries);
    merged.name += (merged.name.empty() ? "" : " and ") + source.name;
  }
  std::ranges::sort(merged.annotations.categories, {}, &ObjectCategory::id);
  merged.images = ImageList(entries);
  return merged;
}

}  // namespace soco
