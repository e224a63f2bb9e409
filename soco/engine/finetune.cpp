// SPDX-License-Identifier: MIT
#include "soco/engine/finetune.h"

#include <torch/version.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/distributed/c10d_communicator.h"
#include "soco/distributed/launch_environment.h"
#include "soco/engine/device.h"
#include "soco/engine/finetune_task.h"
#include "soco/engine/trainer.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/run/detector_file.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxReportedNames = 10;

/// Of the images' names and of what there is to find in them.
std::string fingerprint(const DetectionDataset& dataset) {
  Hasher128 hasher;
  const auto add = [&](std::string_view text) { hasher.update(std::as_bytes(std::span(text))); };
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    add(dataset.key(i));
    for (const ObjectAnnotation& object : dataset.objects(i))
      add(fmt::format("\t{} {} {} {} {}", object.category_id, object.box.x, object.box.y, object.box.width,
                      object.box.height));
    add("\n");
  }
  return hasher.digest().hex();
}

std::vector<std::string> absolute(const std::vector<std::string>& paths, bool of_images) {
  std::vector<std::string> result;
  for (const std::string& path : paths)
    result.push_back(path.empty() ? "" : of_images ? absolute_source(path) : fs::absolute(path).string());
  return result;
}

void write_sources(const RunFolder& run, const FinetuneSources& sources, const DetectionDataset& dataset) {
  Json json;
  json["kind"] = kFinetuneSources;
  json["annotations"] = absolute(sources.annotations, false);
  json["images"] = absolute(sources.images, true);
  json["val_annotations"] = absolute({sources.val_annotations}, false).front();
  json["val_images"] = absolute({sources.val_images}, true).front();
  json["init"] = absolute({sources.init.string()}, false).front();
  json["partial"] = sources.partial == PartialWeights::kAccept;
  json["repair"] = sources.repair;
  json["num_images"] = dataset.size();
  json["image_list"] = fingerprint(dataset);
  write_file_atomic(run.sources(), json.dump(2) + "\n");
}

FinetuneSources read_sources(const RunFolder& run, const Json& json) {
  return {.annotations = json.at("annotations").get<std::vector<std::string>>(),
          .images = json.at("images").get<std::vector<std::string>>(),
          .val_annotations = json.at("val_annotations").get<std::string>(),
          .val_images = json.at("val_images").get<std::string>(),
          .repair = json.at("repair").get<bool>(),
          .init = json.at("init").get<std::string>(),
          .out = run.path(),
          .partial = json.at("partial").get<bool>() ? PartialWeights::kAccept : PartialWeights::kRefuse};
}

DetectionSource read_labels(const std::vector<std::string>& annotations, const std::vector<std::string>& images,
                            bool repair, const FinetuneOptions& options, Logger& log) {
  if (!images.empty() && images.size() != annotations.size())
    fail_usage("--images was given {} times for {} label files; give it once for each, or not at all", images.size(),
               annotations.size());
  Repairs repairs;
  std::vector<DetectionSource> sources;
  for (std::size_t i = 0; i < annotations.size(); ++i)
    sources.push_back(read_detection_source(annotations[i], images.empty() ? std::string() : images[i],
                                            {.masks = options.labels.masks && options.model.masks.enabled,
                                             .limits = options.data.decode_limits(),
                                             .repairs = repair ? &repairs : nullptr,
                                             .index_folder = default_index_folder()},
                                            log));
  for (const std::string& text : repairs.lines()) log.warning("{}", text);
  return merge_sources(std::move(sources));
}

/// The images of a run: those to learn from, and those to be judged by.
struct FinetuneData {
  FinetuneData(const FinetuneSources& sources, const FinetuneOptions& options, Logger& log)
      : train(make_detection_dataset(read_labels(sources.annotations, sources.images, sources.repair, options, log),
                                     options, DetectionUse::kTrain, log)) {
    if (sources.val_annotations.empty()) return;
    const std::vector<std::string> images =
        sources.val_images.empty() ? std::vector<std::string>() : std::vector{sources.val_images};
    judge.emplace(read_labels({sources.val_annotations}, images, sources.repair, options, log), options, log);
    const auto ids = [](const DetectionDataset& set) {
      std::vector<std::int64_t> result;
      for (const ObjectCategory& category : set.categories()) result.push_back(category.id);
      return result;
    };
    if (ids(train) != ids(judge->dataset()))
      fail_usage(
          "--val-annotations {}: has other categories ({}) than the training labels ({}); both must have the same ids",
          sources.val_annotations, judge->dataset().num_labels(), train.num_labels());
  }

  DetectionDataset train;
  std::optional<DetectorJudge> judge;
};

void start_from(const FinetuneSources& sources, const FinetuneOptions& options, const RunFolder& run,
                FinetuneTask& task, Logger& log) {
  const DetectorLoadReport report =
      task.take_weights(read_detector_source(sources.init, options.model, log), sources.partial);
  if (launch_environment().rank > 0) return;
  log.info("{}", report_text(report, kMaxReportedNames));
  write_file_atomic(run.path() / "load_report.txt", report_text(report, SIZE_MAX) + "\n");
}

void train(const FinetuneOptions& options, const FinetuneSources& sources, const RunFolder& run,
           const FinetuneData& data, Communicator& communicator, Logger& log) {
  const torch::Device device = choose_rank_device(options.train.device);
  choose_algorithms(device, options.train.deterministic);
  torch::set_num_threads(*options.train.num_threads);
  log.info("training on {}", describe_device(device));
  FinetuneTask task(options, data.train, data.judge ? &*data.judge : nullptr, device, run, communicator, log);
  log.info("{} images, {} categories; {} steps ({} an epoch), batch {}, {} parameters", data.train.size(),
           data.train.num_labels(), task.total_steps(), task.steps_per_epoch(), options.train.batch_size,
           format_count(task.num_parameters()));
  if (!sources.init.empty() && !fs::exists(run.checkpoints() / "last")) start_from(sources, options, run, task, log);
  auto metadata = detector_metadata(options, data.train.categories());
  metadata["libtorch"] = TORCH_VERSION;
  metadata["num_threads"] = std::to_string(*options.train.num_threads);
  metadata["num_ranks"] = std::to_string(communicator.world_size());
  metadata["device"] = device.str();
  Trainer(task, options.train, run, std::move(metadata), communicator, log).train();
  log.info("done: {}", run.path().string());
  log.info("next: soco predict --model {} --images DIR --out results.json", run.path().string());
}

/// What a run folder says of its run.
struct SavedRun {
  FinetuneOptions options;
  FinetuneSources sources;
  std::unique_ptr<FinetuneData> data;
};

SavedRun read_run(const RunFolder& run, Logger& log) {
  FinetuneOptions options;
  load_toml_file(options, run.config());
  const Json json = parse_json(read_text_file(run.sources()), run.sources().string());
  FinetuneSources sources = read_sources(run, json);
  auto data = std::make_unique<FinetuneData>(sources, options, log);
  if (fingerprint(data->train) != json.at("image_list").get<std::string>())
    fail(
        "{}: the images or labels are no longer those the run began with ({} images then, {} now): a continuation "
        "would train on others. Restore them, or start a new run",
        sources.annotations.front(), json.at("num_images").get<std::int64_t>(), data->train.size());
  return {std::move(options), std::move(sources), std::move(data)};
}

/// The part of rank 1 and above: settings and sources are in the run folder once rank 0 has made that.
void join(const FinetuneOptions& options, const fs::path& out, const LaunchEnvironment& environment, Logger& log) {
  const auto communicator = make_communicator(environment, options.train.rank_timeout_s);
  communicator->wait_for_main();
  const RunFolder run = RunFolder::of_job(out);
  const SavedRun saved = read_run(run, log);
  train(saved.options, saved.sources, run, *saved.data, *communicator, log);
}

}  // namespace

void finetune(FinetuneOptions options, const FinetuneSources& sources, ExistingRun existing, ConsoleLogger& log) {
  validate_options(options);
  if (sources.val_annotations.empty() && !sources.val_images.empty())
    fail_usage("--val-images needs --val-annotations, the labels of these images");
  const LaunchEnvironment environment = launch_environment();
  if (environment.rank > 0) return join(options, sources.out, environment, log);
  const FinetuneData data(sources, options, log);
  if (!options.train.num_threads) options.train.num_threads = machine_info(torch::kCPU).num_cores;
  const bool without_shapes = options.model.masks.enabled && !data.train.has_masks();
  if (without_shapes) options.model.masks.enabled = false;
  const RunFolder run = RunFolder::create(sources.out, existing);
  log.add_file(run.log());
  if (without_shapes)
    log.warning("{}: {}: boxes alone are learned, no masks", sources.annotations.front(),
                options.labels.masks ? "has objects without a shape" : "labels.masks = false");
  write_sources(run, sources, data.train);
  write_file_atomic(run.config(), dump_toml(options));
  log.info("configuration, saved as {}:\n{}", run.config().string(), dump_toml(options));
  const auto communicator = make_communicator(environment, options.train.rank_timeout_s);
  communicator->wait_for_main();
  train(options, sources, run, data, *communicator, log);
}

void resume_finetuning(const fs::path& path, ConsoleLogger& log) {
  const LaunchEnvironment environment = launch_environment();
  const RunFolder run = environment.rank == 0 ? RunFolder::open(path) : RunFolder::of_job(path);
  if (environment.rank == 0) log.add_file(run.log());
  const SavedRun saved = read_run(run, log);
  const auto communicator = make_communicator(environment, saved.options.train.rank_timeout_s);
  communicator->wait_for_main();
  train(saved.options, saved.sources, run, *saved.data, *communicator, log);
}

}  // namespace soco
