// SPDX-License-Identifier: MIT
#include "soco/engine/pretrain.h"

#include <torch/version.h>

#include <optional>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/data/pretrain_dataset.h"
#include "soco/engine/device.h"
#include "soco/engine/pretrain_task.h"
#include "soco/engine/trainer.h"
#include "soco/image/image_index.h"
#include "soco/image/image_source.h"
#include "soco/proposals/job.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

std::string list_fingerprint(const ImageList& entries) {
  Hasher128 hasher;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    hasher.update(std::as_bytes(std::span(entries.key(i))));
    hasher.update(std::as_bytes(std::span("\n", 1)));
  }
  return hasher.digest().hex();
}

void write_sources(const RunFolder& run, const PretrainSources& sources, const ImageList& entries) {
  Json json;
  json["images"] = absolute_source(sources.images);
  json["proposals"] = sources.proposals.empty() ? "" : fs::absolute(sources.proposals).string();
  json["num_images"] = entries.size();
  json["image_list"] = list_fingerprint(entries);
  write_file_atomic(run.sources(), json.dump(2) + "\n");
}

/// The proposals of a run: the given store, or the run's own, made or completed now.
fs::path prepare_proposals(const PretrainOptions& options, const PretrainSources& sources, const RunFolder& run,
                           const ImageList& entries, Logger& log) {
  if (!sources.proposals.empty()) return sources.proposals;
  ProposeOptions job;
  job.images = sources.images;
  job.out = run.proposals();
  job.search = options.proposals;
  job.filter.enabled = false;  // all boxes are stored: options.filter applies at reading
  job.workers = options.loader.num_workers.value_or(0);
  job.max_bad_ratio = 1;  // bad images are judged once, by data.max_bad_ratio
  const ProposeSummary summary = propose(entries, job, log);
  log.info("proposals: {} images in {} ({} were there already, {} bad)", summary.num_images,
           format_duration(summary.seconds), summary.num_skipped, summary.num_bad);
  return run.proposals();
}

void train(const PretrainOptions& options, const PretrainSources& sources, const RunFolder& run, ImageList entries,
           Logger& log) {
  std::optional<ProposalStore> store;
  if (options.plan.needs_proposals())
    store = ProposalStore::open_read(prepare_proposals(options, sources, run, entries, log));
  const PretrainDatasetOptions data{
      .filter = options.filter, .limits = options.data.decode_limits(), .max_bad_ratio = options.data.max_bad_ratio};
  const PretrainDataset dataset =
      store ? PretrainDataset(std::move(entries), *store, data, log) : PretrainDataset(std::move(entries), data, log);
  const torch::Device device = choose_device(options.train.device);
  torch::set_num_threads(*options.train.num_threads);
  log.info("training on {}", describe_device(device));
  PretrainTask task(options, dataset, device, log);
  log.info("{} steps ({} an epoch), batch {}, {} parameters in the online network", task.total_steps(),
           task.steps_per_epoch(), *options.train.batch_size, format_count(task.num_parameters()));
  Trainer trainer(task, options.train, run,
                  {{"kind", "soco-pretrain"},
                   {"config", dump_toml(options)},
                   {"libtorch", TORCH_VERSION},
                   {"num_threads", std::to_string(*options.train.num_threads)},
                   {"device", device.str()}},
                  log);
  trainer.train();
  log.info("done: {}", run.path().string());
  log.info("next: soco export --from {} --format detectron2 --out {}", run.path().string(),
           (run.path() / "exported" / "detectron2.pkl").string());
}

}  // namespace

void pretrain(PretrainOptions options, const PretrainSources& sources, ExistingRun existing, ConsoleLogger& log) {
  validate_options(options);
  ImageList entries = list_images(sources.images, {.logger = &log, .index_folder = default_index_folder()});
  const torch::Device device = choose_device(options.train.device);
  const auto reasons = resolve_auto_settings(options, static_cast<std::int64_t>(entries.size()), machine_info(device));
  const RunFolder run = RunFolder::create(sources.out, existing);
  log.add_file(run.log());
  log.info("{} images in {}", entries.size(), sources.images.string());
  for (const std::string& reason : reasons) log.info("auto: {}", reason);
  write_sources(run, sources, entries);
  write_file_atomic(run.config(), dump_toml(options));
  log.info("configuration, saved as {}:\n{}", run.config().string(), dump_toml(options));
  train(options, sources, run, std::move(entries), log);
}

void resume_pretraining(const fs::path& path, ConsoleLogger& log) {
  const RunFolder run = RunFolder::open(path);
  log.add_file(run.log());
  PretrainOptions options;
  load_toml_file(options, run.config());
  const Json json = parse_json(read_text_file(run.sources()), run.sources().string());
  PretrainSources sources{.images = json.at("images").get<std::string>(),
                          .proposals = json.at("proposals").get<std::string>(),
                          .out = path};
  ImageList entries = list_images(sources.images, {.logger = &log, .index_folder = default_index_folder()});
  if (list_fingerprint(entries) != json.at("image_list").get<std::string>())
    fail(
        "{}: the images are no longer those the run began with ({} then, {} now): a continuation would train on "
        "another order. Restore "
        "the folder, or start a new run",
        sources.images.string(), json.at("num_images").get<std::int64_t>(), entries.size());
  train(options, sources, run, std::move(entries), log);
}

}  // namespace soco
