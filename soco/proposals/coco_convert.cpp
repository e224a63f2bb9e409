// SPDX-License-Identifier: MIT
#include "soco/proposals/coco_convert.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/base/missing_names.h"
#include "soco/base/progress.h"
#include "soco/image/codec.h"
#include "soco/proposals/key_index.h"
#include "soco/proposals/new_store.h"
#include "soco/proposals/result_sorter.h"
#include "soco/structures/coco_json.h"

namespace soco {
namespace {

/// The nearest whole px inside the image; nothing for a box that lies outside or has no area there.
std::optional<Box> whole_box(const CocoBox& b, int height, int width) {
  const double x1 = std::clamp(b.x, 0.0, static_cast<double>(width)),
               y1 = std::clamp(b.y, 0.0, static_cast<double>(height));
  const double x2 = std::clamp(b.x + b.width, 0.0, static_cast<double>(width));
  const double y2 = std::clamp(b.y + b.height, 0.0, static_cast<double>(height));
  if (x2 <= x1 || y2 <= y1) return std::nullopt;
  const auto side = [](double low, double high, int limit) {  // at least one px wide
    const double first = std::min(std::round(low), limit - 1.0);
    return std::pair(static_cast<float>(first), static_cast<float>(std::max(std::round(high), first + 1)));
  };
  const auto [left, right] = side(x1, x2, width);
  const auto [top, bottom] = side(y1, y2, height);
  return Box{left, top, right, bottom};
}

std::vector<std::string> keys_of(const ImageList& entries) {
  std::vector<std::string> keys;
  for (const ImageEntry& entry : entries) keys.push_back(entry.key);
  return keys;
}

/// Makes the rows of a new store from boxes that come image by image.
class Importer {
 public:
  Importer(const CocoImportOptions& options, const ImageList& entries, const AnnotationSet& truth,
           const std::string& file)
      : options_(options), entries_(entries), truth_(truth), file_(file), keys_(keys_of(entries)) {
    for (std::size_t i = 0; i < truth.images.size(); ++i) {
      index_of_id_.emplace(truth.images[i].id, static_cast<std::int64_t>(i));
    }
  }

  std::optional<std::int64_t> index_of(std::int64_t image_id) const {
    const auto place = index_of_id_.find(image_id);
    return place == index_of_id_.end() ? std::nullopt : std::optional(place->second);
  }

  /// Writes the rows of all images, those without boxes too.
  void write(ResultSorter& sorter, NewStore& store, Progress& progress) {
    std::int64_t next = 0;
    const auto write_until = [&](std::int64_t end) {
      for (; next < end; ++next) write_one(next, {}, store);
    };
    sorter.for_each_image([&](std::int64_t index, const std::vector<CocoBox>& boxes) {
      write_until(index);
      write_one(index, boxes, store);
      ++next;
      progress.update(next);
    });
    write_until(static_cast<std::int64_t>(truth_.images.size()));
  }

  const MissingNames& missing() const { return missing_; }
  std::int64_t num_dropped() const { return num_dropped_; }

 private:
  void write_one(std::int64_t index, const std::vector<CocoBox>& boxes, NewStore& store) {
    const AnnotatedImage& image = truth_.images[static_cast<std::size_t>(index)];
    const std::optional<std::size_t> entry_index = keys_.find(image.file_name);
    if (!entry_index) return missing_.add(image.file_name);
    const ImageEntry entry = entries_[*entry_index];
    const std::vector<std::byte> bytes = read_image_bytes(entry);
    const ImageInfo info = probe_image(bytes, entry.key);
    if (info.height != image.height || info.width != image.width) {
      fail("{}: '{}' is {} x {} pixels there, but {} has {} x {}", file_, image.file_name, image.width, image.height,
           entry.path.string(), info.width, info.height);
    }
    ProposalRecord record{.key = entry.key,
                          .proposals = {.height = info.height, .width = info.width, .boxes = {}},
                          .fingerprint = hash128(bytes),
                          .error = ""};
    for (const CocoBox& box : boxes) {
      const std::optional<Box> whole = whole_box(box, info.height, info.width);
      whole ? record.proposals.boxes.push_back(*whole) : static_cast<void>(++num_dropped_);
    }
    record.proposals.boxes = filter_proposals(record.proposals.boxes, info.height, info.width, options_.filter);
    store.add(std::move(record));
  }

  const CocoImportOptions& options_;
  const ImageList& entries_;
  const AnnotationSet& truth_;
  const std::string& file_;
  KeyIndex keys_;
  std::unordered_map<std::int64_t, std::int64_t> index_of_id_;
  MissingNames missing_;
  std::int64_t num_dropped_ = 0;
};

std::string options_text(const CocoImportOptions& o) {
  const std::string source =
      o.annotations.empty() ? "source=coco-annotations" : fmt::format("source=coco-results min_score={}", o.min_score);
  return source + " filter=" + to_string(o.filter);
}

std::string box_json(const Box& b) { return fmt::format("[{},{},{},{}]", b.x1, b.y1, b.width(), b.height()); }

}  // namespace

CocoConvertSummary import_coco(const CocoImportOptions& options, const ImageList& entries,
                               const std::filesystem::path& out, Logger& logger) {
  const bool is_results = !options.annotations.empty();
  const std::string truth_file = (is_results ? options.annotations : options.json).string();
  NewStore store(out, options_text(options));
  const AnnotationSet truth = read_coco_annotations(truth_file);
  Importer importer(options, entries, truth, truth_file);
  ResultSorter sorter(out.parent_path().empty() ? "." : out.parent_path());
  MissingNames unknown;
  CocoConvertSummary summary;
  if (is_results) {
    JsonReader json(options.json, kCocoResultsForm);
    std::int64_t num_results = 0;
    read_coco_results(json, [&](const DetectionResult& r) {
      ++num_results;
      const std::optional<std::int64_t> index = importer.index_of(r.image_id);
      if (!index) return unknown.add(fmt::format("{}", r.image_id));
      r.score < options.min_score ? static_cast<void>(++summary.num_dropped) : sorter.add(*index, r.score, r.box);
    });
    unknown.check_minority(num_results, options.json.string(),
                           "results, so many have an image_id that " + truth_file + " lacks:");
  } else {
    for (const ObjectAnnotation& a : truth.annotations) {
      a.is_crowd ? static_cast<void>(++summary.num_dropped) : sorter.add(*importer.index_of(a.image_id), 0, a.box);
    }
  }
  Progress progress(logger, "convert", static_cast<std::int64_t>(truth.images.size()), "images");
  importer.write(sorter, store, progress);
  const MissingNames& missing = importer.missing();
  missing.check_minority(static_cast<std::int64_t>(truth.images.size()), truth_file,
                         "images, so many are not among those of --images:");
  store.commit();
  progress.finish();
  if (missing.count() > 0) logger.warning("{}: images that are not there, left out: {}", truth_file, missing.text());
  if (unknown.count() > 0) {
    logger.warning("{}: results of unknown images, left out: {}", options.json.string(), unknown.text());
  }
  summary.num_images = store.num_rows();
  summary.num_boxes = store.num_boxes();
  summary.num_dropped += importer.num_dropped();
  summary.num_unmatched = missing.count() + unknown.count();
  return summary;
}

CocoConvertSummary export_coco_annotations(const ProposalStore& store, const std::filesystem::path& out,
                                           const FilterOptions& filter) {
  CocoConvertSummary summary;
  AtomicFile file(out);
  const auto rows = [&](const auto& write) {  // twice: images, then annotations, so that none is kept in memory
    std::int64_t image_id = 0;
    store.for_each([&](const ProposalRecord& record) {
      if (record.error.empty()) write(++image_id, record);
    });
  };
  file.write(R"({"categories":[{"id":1,"name":"object"}],"images":[)");
  rows([&](std::int64_t id, const ProposalRecord& r) {
    file.write(fmt::format(R"({}{{"id":{},"file_name":{},"height":{},"width":{}}})", id > 1 ? ",\n" : "", id,
                           dump_json(Json(r.key)), r.proposals.height, r.proposals.width));
    summary.num_images = id;
  });
  file.write("],\n\"annotations\":[");
  rows([&](std::int64_t id, const ProposalRecord& r) {
    for (const Box& box : filter_proposals(r.proposals.boxes, r.proposals.height, r.proposals.width, filter)) {
      file.write(fmt::format(R"({}{{"id":{},"image_id":{},"category_id":1,"iscrowd":0,"area":{},"bbox":{}}})",
                             summary.num_boxes > 0 ? ",\n" : "", summary.num_boxes + 1, id, box.width() * box.height(),
                             box_json(box)));
      ++summary.num_boxes;
    }
  });
  file.write("]}\n");
  file.commit();
  return summary;
}

CocoConvertSummary export_coco_results(const ProposalStore& store, const AnnotationSet& truth,
                                       const std::filesystem::path& out, const FilterOptions& filter, Logger& logger) {
  CocoConvertSummary summary;
  const KeyIndex keys(store.keys());
  MissingNames missing;
  AtomicFile file(out);
  file.write("[");
  for (const AnnotatedImage& image : truth.images) {
    const std::optional<std::size_t> index = keys.find(image.file_name);
    if (!index) {
      missing.add(image.file_name);
      continue;
    }
    const ProposalRecord record = store.get(keys.keys()[*index]).value();
    if (!record.error.empty()) continue;
    const ProposalSet& set = record.proposals;
    const std::vector<Box> boxes = filter_proposals(set.boxes, set.height, set.width, filter);
    for (std::size_t rank = 0; rank < boxes.size(); ++rank) {
      const double score = 1 - static_cast<double>(rank) / static_cast<double>(boxes.size());
      file.write(fmt::format(R"({}{{"image_id":{},"category_id":1,"bbox":{},"score":{}}})",
                             summary.num_boxes++ > 0 ? ",\n" : "", image.id, box_json(boxes[rank]), score));
    }
    ++summary.num_images;
  }
  file.write("]\n");
  missing.check_minority(static_cast<std::int64_t>(truth.images.size()), store.path().string(),
                         "images of the annotations, so many have no row:");
  file.commit();
  if (missing.count() > 0) logger.warning("{}: images without a row: {}", store.path().string(), missing.text());
  summary.num_unmatched = missing.count();
  return summary;
}

}  // namespace soco
