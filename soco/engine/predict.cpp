// SPDX-License-Identifier: MIT
#include "soco/engine/predict.h"

#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/json.h"
#include "soco/base/progress.h"
#include "soco/base/signals.h"
#include "soco/data/detection_loader.h"
#include "soco/data/detection_source.h"
#include "soco/engine/detector_inference.h"
#include "soco/engine/detector_weights.h"
#include "soco/engine/device.h"
#include "soco/image/codec.h"
#include "soco/image/draw_detections.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/run/detector_file.h"
#include "soco/structures/coco_results.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

/// The file with the settings of this prediction in the place of its own.
DetectorFile read_model(const PredictOptions& options, Logger& log) {
  DetectorFile file = read_detector_file(options.model, log);
  if (options.score) file.options.model.roi_heads.score_threshold = *options.score;
  if (options.nms) file.options.model.roi_heads.nms_iou = *options.nms;
  if (options.short_edge) file.options.input.test_short_edge = *options.short_edge;
  if (options.max_edge) file.options.input.test_max_edge = *options.max_edge;
  if (options.num_workers) file.options.loader.num_workers = *options.num_workers;
  return file;
}

MaskRcnn make_model(const DetectorFile& file, const torch::Device& device) {
  MaskRcnn model(file.options.model, static_cast<std::int64_t>(file.categories.size()));
  const DetectorLoadReport report = load_detector_weights(*model, {file.name, file.weights}, PartialWeights::kRefuse);
  if (!report.fresh.empty() || !report.other_classes.empty())
    fail("{}: does not hold a whole detector:\n{}", file.name, report_text(report, 10));
  model->to(device);
  model->eval();
  return model;
}

ImageList images_from_stdin() {
  ImageList list;
  const std::uint32_t here = list.add_container({ImageList::Kind::kFolder, fs::current_path()});
  for (std::string name; std::getline(std::cin, name);)
    if (!name.empty()) list.add(name, here);
  list.sort_by_key();
  if (list.empty()) fail_usage("--images -: no path came from the standard input; one a line is expected");
  return list;
}

DetectionSource read_images(const PredictOptions& options, const DecodeLimits& limits, Logger& log) {
  if (!options.annotations.empty())
    return read_detection_source(
        options.annotations, options.images,
        {.masks = false, .limits = limits, .repairs = nullptr, .index_folder = default_index_folder()}, log);
  ImageList list = options.images == "-"
                       ? images_from_stdin()
                       : list_images(options.images, {.logger = &log, .index_folder = default_index_folder()});
  return unlabelled_source(std::move(list), limits, log);
}

/// The images as the head of a COCO file, so that a result's image_id says which it is of.
void write_image_ids(const fs::path& path, const DetectionDataset& dataset,
                     const std::vector<ObjectCategory>& categories) {
  Json json{{"images", Json::array()}, {"categories", Json::array()}};
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    const AnnotatedImage& image = dataset.image(i);
    json["images"].push_back({{"id", image.id},
                              {"file_name", std::string(dataset.key(i))},
                              {"height", image.height},
                              {"width", image.width}});
  }
  for (const ObjectCategory& category : categories)
    json["categories"].push_back({{"id", category.id}, {"name", category.name}});
  write_file_atomic(path, dump_json(json) + "\n");
}

/// Puts detections on their images, as ID_NAME.jpg in a folder.
class Drawer {
 public:
  Drawer(const PredictOptions& options, const DetectionDataset& dataset, const std::vector<ObjectCategory>& categories)
      : folder_(options.draw), dataset_(dataset) {
    draw_options_.min_score = options.draw_score;
    for (const ObjectCategory& category : categories) names_.push_back(category.name);
    if (!folder_.empty()) fs::create_directories(folder_);
  }

  void draw(std::int64_t index, const ImageDetections& found) {
    if (folder_.empty()) return;
    Image image;
    dataset_.visit(index, sample_, [&](const EncodedSample& sample) {
      image = decode_image(sample.bytes, sample.name, dataset_.limits());
    });
    draw_detections(image, found, names_, draw_options_);
    const std::string stem = fs::path(dataset_.key(index)).stem().string();
    write_image(folder_ / fmt::format("{:06}_{}.jpg", found.image_id, stem), image);
  }

 private:
  fs::path folder_;
  const DetectionDataset& dataset_;
  DrawDetectionsOptions draw_options_;
  std::vector<std::string> names_;
  EncodedSample sample_;
};

using UseDetections = std::function<void(ImageDetections&&)>;

void detect_whole_images(MaskRcnn& model, const DetectorFile& file, const DetectionDataset& dataset, int batch_size,
                         const torch::Device& device, const UseDetections& use) {
  DetectionLoader loader(dataset, {.use = DetectionUse::kTest,
                                   .input = file.options.input,
                                   .loader = file.options.loader,
                                   .batch_size = batch_size});
  loader.start({0, 0}, /*end_epoch=*/1);
  detect_all(model, loader, device, use);
}

void detect_tiled_images(MaskRcnn& model, const DetectorFile& file, const DetectionDataset& dataset,
                         const PredictOptions& options, const torch::Device& device, const UseDetections& use) {
  EncodedSample sample;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    Image image;
    dataset.visit(i, sample, [&](const EncodedSample& encoded) {
      image = decode_image(encoded.bytes, encoded.name, dataset.limits());
    });
    if (sample.index != i) continue;  // bad, and another's turn comes by itself
    const TiledInput tiling{options.tile, options.tile_overlap, options.batch_size, file.options.input};
    ImageDetections found = detect_in_tiles(model, image, tiling, device);
    found.image_id = dataset.image(i).id;
    use(std::move(found));
  }
}

}  // namespace

PredictSummary predict(const PredictOptions& options, Logger& log) {
  const DetectorFile file = read_model(options, log);
  const torch::Device device = choose_device(options.device);
  torch::set_num_threads(options.num_threads.value_or(std::max(1u, std::thread::hardware_concurrency())));
  MaskRcnn model = make_model(file, device);
  log.info("{}: {} categories, on {}", file.name, file.categories.size(), describe_device(device));
  const DetectionDataset dataset(read_images(options, file.options.data.decode_limits(), log),
                                 {.use = DetectionUse::kTest,
                                  .masks = false,
                                  .limits = file.options.data.decode_limits(),
                                  .max_bad_ratio = file.options.data.max_bad_ratio},
                                 log);
  std::vector<std::int64_t> category_ids;
  for (const ObjectCategory& category : file.categories) category_ids.push_back(category.id);
  CocoResultsWriter writer(options.out, category_ids);
  Drawer drawer(options, dataset, file.categories);
  std::unordered_map<std::int64_t, std::int64_t> index_of_id;
  for (std::int64_t i = 0; i < dataset.size(); ++i) index_of_id.emplace(dataset.image(i).id, i);

  PredictSummary summary;
  Progress progress(log, "predict", dataset.size(), "images");
  const auto use = [&](ImageDetections&& found) {
    writer.add(found);
    drawer.draw(index_of_id.at(found.image_id), found);
    progress.update(++summary.num_images, fmt::format("{} detections", writer.num_detections()));
  };
  const auto begin = std::chrono::steady_clock::now();
  if (options.tile > 0)
    detect_tiled_images(model, file, dataset, options, device, use);
  else
    detect_whole_images(model, file, dataset, options.batch_size, device, use);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  progress.finish();
  writer.commit();
  write_image_ids(fs::path(options.out).replace_extension(".images.json"), dataset, file.categories);
  summary.num_bad = dataset.num_bad();
  summary.num_detections = writer.num_detections();
  return summary;
}

}  // namespace soco
