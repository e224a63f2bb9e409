// SPDX-License-Identifier: MIT
#include "soco/data/synth.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/progress.h"
#include "soco/base/signals.h"
#include "soco/base/thread_pool.h"
#include "soco/data/synth_coco.h"
#include "soco/data/synth_scene.h"
#include "soco/image/codec.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkerName = "dataset.json";
constexpr const char* kMarkerKind = "soco synthetic scenes";
constexpr int kMarkerVersion = 1;          // raised when equal options give other pictures than before
constexpr std::int64_t kChunk = 256;       // images whose labels are in memory at a time
constexpr std::uint64_t kSceneStream = 0;  // stream_hi of an image's scene
constexpr std::uint64_t kLabelStream = 1;  // and of its place in the order of labelled images

// The options that decide the content, as JSON.
struct IdentityVisitor {
  Json json = Json::object();

  template <class T, class R>
  void field(const char* key, T& value, const char*, R) {
    if (std::string_view(key) != "workers") json[key] = value;
  }
};

Json identity(SynthOptions options) {
  IdentityVisitor visitor;
  options.visit(visitor);
  return visitor.json;
}

std::int64_t num_val_images(const SynthOptions& options) { return std::llround(options.val_ratio * options.images); }

enum class FolderState { kNew, kInterrupted, kFinished };

// What `out` holds; a usage Error when it holds anything but this data set.
FolderState inspect_folder(const SynthOptions& options, const fs::path& out) {
  if (!fs::exists(out)) return FolderState::kNew;
  if (!fs::is_directory(out)) fail_usage("{}: is not a folder; give a new folder for the data set", out.string());
  if (fs::is_empty(out)) return FolderState::kNew;
  const fs::path marker = out / kMarkerName;
  if (!fs::exists(marker)) {
    fail_usage("{}: is not empty and holds no {}, so it is not a data set of this command; give a new folder",
               out.string(), kMarkerName);
  }
  const Json found = parse_json(read_text_file(marker), marker.string());
  if (!found.is_object() || found.value("kind", Json()) != kMarkerKind || !found.contains("options")) {
    fail_usage("{}: does not describe a data set of this command; give a new folder", marker.string());
  }
  if (found.value("version", Json()) != kMarkerVersion) {
    fail_usage("{}: was made by a version whose scenes differ; give a new folder", marker.string());
  }
  const Json wanted = identity(options);
  for (const auto& [key, value] : wanted.items()) {
    const Json existing = found["options"].is_object() ? found["options"].value(key, Json()) : Json();
    if (existing != value) {
      fail_usage("{}: the folder holds the data set with {} = {}, asked for is {}; give a new folder", out.string(),
                 key, existing.dump(), value.dump());
    }
  }
  return found.value("finished", Json()) == true ? FolderState::kFinished : FolderState::kInterrupted;
}

void write_marker(const SynthOptions& options, const fs::path& out, const Json& counts) {
  Json marker;
  marker["kind"] = kMarkerKind;
  marker["version"] = kMarkerVersion;
  marker["finished"] = !counts.is_null();
  marker["options"] = identity(options);
  if (!counts.is_null()) marker["counts"] = counts;
  write_file_atomic(out / kMarkerName, dump_json(marker, 2) + "\n");
}

// Not atomic and not synced: until dataset.json says finished, a rerun writes every file again.
void write_image_bytes(const fs::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail("{}: cannot be written ({} bytes needed, {} free)", path.string(), bytes.size(), free_bytes(path));
}

struct ImageLabels {
  CocoImage image;
  std::vector<std::string> annotations;
};

ImageLabels make_image(const SynthOptions& options, std::int64_t index, const fs::path& folder) {
  if (stop_requested()) {
    throw Error(ErrorKind::kInterrupted, "stopped; the same command makes the data set again from its start");
  }
  Rng rng(static_cast<std::uint64_t>(options.seed), kSceneStream, static_cast<std::uint64_t>(index), purpose::kSynth);
  const Scene scene = draw_scene(options, rng);
  ImageLabels labels;
  labels.image = {index + 1, scene.image.height, scene.image.width, fmt::format("{:08}.jpg", index + 1)};
  for (const SceneObject& object : scene.objects) labels.annotations.push_back(coco_annotation(index + 1, object));
  write_image_bytes(folder / labels.image.file_name, encode_jpeg(scene.image, options.jpeg_quality));
  return labels;
}

// Which of the first `count` images keep their labels: the first of a random order that does not depend on the share.
std::vector<bool> labelled_images(const SynthOptions& options, std::int64_t count) {
  std::vector<std::pair<double, std::int64_t>> order;
  for (std::int64_t i = 0; i < count; ++i) {
    Rng rng(static_cast<std::uint64_t>(options.seed), kLabelStream, static_cast<std::uint64_t>(i), purpose::kSynth);
    order.emplace_back(rng.uniform(), i);
  }
  std::sort(order.begin(), order.end());
  const auto wanted = std::llround(options.label_fraction * static_cast<double>(count));
  const std::int64_t kept = std::min(count, std::max<std::int64_t>(1, wanted));
  std::vector<bool> labelled(static_cast<std::size_t>(count), false);
  for (std::int64_t i = 0; i < kept; ++i)
    labelled[static_cast<std::size_t>(order[static_cast<std::size_t>(i)].second)] = true;
  return labelled;
}

// Makes the images [first, last) of one split and its COCO files.
class SplitMaker {
 public:
  SplitMaker(const SynthOptions& options, const fs::path& out, const std::string& split, Progress& progress)
      : options_(options),
        folder_(out / split),
        progress_(progress),
        writer_(out / "annotations" / ("instances_" + split + ".json"), description(options), names(options)) {}

  // Also writes the labels of the images of `labelled` (by index - first) to `path`.
  void add_subset(const fs::path& path, std::vector<bool> labelled) {
    subset_ = std::make_unique<CocoWriter>(path, description(options_), names(options_));
    labelled_ = std::move(labelled);
  }

  Json make(std::int64_t first, std::int64_t last) {
    std::int64_t next_id = 1;
    for (std::int64_t begin = first; begin < last; begin += kChunk) {
      const std::int64_t count = std::min(kChunk, last - begin);
      std::vector<ImageLabels> chunk(static_cast<std::size_t>(count));
      std::atomic<std::int64_t> done{begin};
      parallel_for(options_.workers, count, [&](std::int64_t i) {
        chunk[static_cast<std::size_t>(i)] = make_image(options_, begin + i, folder_);
        progress_.update(++done);
      });
      for (const ImageLabels& labels : chunk) {
        writer_.add(labels.image, labels.annotations, next_id);
        if (subset_ && labelled_[static_cast<std::size_t>(labels.image.id - 1 - first)]) {
          subset_->add(labels.image, labels.annotations, next_id);
        }
        next_id += static_cast<std::int64_t>(labels.annotations.size());
      }
    }
    Json counts{{"images", writer_.num_images()}, {"annotations", writer_.num_annotations()}};
    if (subset_) counts["labelled_images"] = subset_->num_images();
    writer_.finish();
    if (subset_) subset_->finish();
    return counts;
  }

 private:
  static std::string description(const SynthOptions& options) {
    return fmt::format("soco synthetic scenes, seed {}", options.seed);
  }
  static std::vector<std::string> names(const SynthOptions& options) {
    const auto& all = synth_category_names();
    return {all.begin(), all.begin() + options.categories};
  }

  const SynthOptions& options_;
  fs::path folder_;
  Progress& progress_;
  CocoWriter writer_;
  std::unique_ptr<CocoWriter> subset_;
  std::vector<bool> labelled_;
};

void make_folders(const fs::path& out) {
  for (const char* name : {"train", "val", "annotations"}) {
    std::error_code error;
    fs::create_directories(out / name, error);
    if (error) fail("{}: cannot be created: {}", (out / name).string(), error.message());
  }
}

}  // namespace

const std::vector<std::string>& synth_category_names() {
  static const std::vector<std::string> names{"disc", "box",     "triangle", "star",    "ring",  "cross",
                                              "ell",  "ellipse", "crescent", "polygon", "arrow", "blob"};
  return names;
}

void SynthOptions::validate() const {
  if (min_size > max_size) fail_usage("min_size = {} is above max_size = {}", min_size, max_size);
  const double largest = (1 + size_variation) * std::max(width, height);
  const double smallest = (1 - size_variation) * std::min(width, height);
  if (smallest < 32 || largest > 8192) {
    fail_usage("width {} and height {} with size_variation {} give sides of {:.0f} .. {:.0f} px; allowed is 32 .. 8192",
               width, height, size_variation, smallest, largest);
  }
}

void synthesize(const SynthOptions& options, const fs::path& out, Logger& log) {
  validate_options(options);
  const FolderState state = inspect_folder(options, out);
  if (state == FolderState::kFinished) {
    log.info("{}: holds this data set already ({} images), nothing to do", out.string(), options.images);
    return;
  }
  if (state == FolderState::kInterrupted) log.info("{}: was interrupted, is made again", out.string());
  make_folders(out);
  write_marker(options, out, Json());

  const std::int64_t num_train = options.images - num_val_images(options);
  Progress progress(log, "scenes", options.images, "images");
  Json counts;
  {
    SplitMaker train(options, out, "train", progress);
    if (options.label_fraction < 1) {
      const std::string name = fmt::format("instances_train_{:g}pct.json", options.label_fraction * 100);
      train.add_subset(out / "annotations" / name, labelled_images(options, num_train));
    }
    counts["train"] = train.make(0, num_train);
  }
  counts["val"] = SplitMaker(options, out, "val", progress).make(num_train, options.images);
  progress.finish();
  write_marker(options, out, counts);
  log.info("{}: {} training and {} validation images, {} objects", out.string(), num_train, options.images - num_train,
           counts["train"]["annotations"].get<std::int64_t>() + counts["val"]["annotations"].get<std::int64_t>());
}

}  // namespace soco
