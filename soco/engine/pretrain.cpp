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
#include "soco/distributed/c10d_communicator.h"
#include "soco/engine/device.h"
#include "soco/engine/pretrain_task.h"
#include "soco/engine/trainer.h"
#include "soco/export/weights.h"
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
  json["weights"] = sources.weights.empty() ? "" : fs::absolute(sources.weights).string();
  json["num_images"] = entries.size();
  json["image_list"] = list_fingerprint(entries);
  write_file_atomic(run.sources(), json.dump(2) + "\n");
}

/// Sees to the run's own proposals: makes or completes them now. A given store is left alone.
void prepare_proposals(const PretrainOptions& options, const PretrainSources& sources, const RunFolder& run,
                       const ImageList& entries, Logger& log) {
  if (!sources.proposals.empty()) return;
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
}

/// Puts the weights of a file in the place of the random ones. Parts that it does not have stay random, alike in both
/// networks; without a target, the target is as the online network.
void start_from(const fs::path& file, const PretrainOptions& options, PretrainTask& task, Logger& log) {
  const bool c4 = options.model.architecture == Architecture::kC4;
  const ReadWeights read = read_weights(file, {.layout = c4 ? TrunkLayout::kC4 : TrunkLayout::kFpn});
  const StateDict& online = read.weights.online;
  const StateDict& target = read.weights.target.empty() ? online : read.weights.target;
  constexpr std::string_view kOnline = "model.online.", kTarget = "model.target.";
  std::size_t num_taken = 0, num_online = 0;
  const StateDict random = task.state();
  StateDict state;
  for (const auto& [name, tensor] : random.entries()) {
    const HostTensor* found = nullptr;
    if (name.starts_with(kOnline)) {
      found = online.find(std::string_view(name).substr(kOnline.size()));
      num_taken += found != nullptr;
      ++num_online;
    } else if (name.starts_with(kTarget)) {
      found = target.find(std::string_view(name).substr(kTarget.size()));
    }
    state.add(name, found != nullptr ? *found : tensor);
  }
  if (num_taken < online.size())
    fail("{}: {} of its {} tensors have no place in the configured model; is model.backbone another?", file.string(),
         online.size() - num_taken, online.size());
  task.load_state(state);
  log.info("weights: {} ({}), {} of the online network's {} tensors, the others random", file.string(),
           read.report.format, num_taken, num_online);
  for (const std::string& warning : read.report.warnings) log.warning("{}", warning);
}

void train(const PretrainOptions& options, const PretrainSources& sources, const RunFolder& run, ImageList entries,
           Communicator& communicator, Logger& log) {
  std::optional<ProposalStore> store;
  if (options.plan.needs_proposals()) {
    const fs::path path = sources.proposals.empty() ? run.proposals() : sources.proposals;
    if (communicator.is_main()) prepare_proposals(options, sources, run, entries, log);
    communicator.wait_for_main();
    store = ProposalStore::open_read(path);
  }
  const PretrainDatasetOptions data{
      .filter = options.filter, .limits = options.data.decode_limits(), .max_bad_ratio = options.data.max_bad_ratio};
  const PretrainDataset dataset =
      store ? PretrainDataset(std::move(entries), *store, data, log) : PretrainDataset(std::move(entries), data, log);
  const torch::Device device = choose_rank_device(options.train.device);
  choose_algorithms(device, options.train.deterministic);
  torch::set_num_threads(*options.train.num_threads);
  log.info("training on {}", describe_device(device));
  PretrainTask task(options, dataset, device, communicator, log);
  log.info("{} steps ({} an epoch), batch {}, {} parameters in the online network", task.total_steps(),
           task.steps_per_epoch(), *options.train.batch_size, format_count(task.num_parameters()));
  if (!sources.weights.empty() && !fs::exists(run.checkpoints() / "last"))
    start_from(sources.weights, options, task, log);
  Trainer trainer(task, options.train, run,
                  {{"kind", "soco-pretrain"},
                   {"config", dump_toml(options)},
                   {"libtorch", TORCH_VERSION},
                   {"num_threads", std::to_string(*options.train.num_threads)},
                   {"num_ranks", std::to_string(communicator.world_size())},
                   {"device", device.str()}},
                  communicator, log);
  trainer.train();
  log.info("done: {}", run.path().string());
  log.info("next: soco export --from {} --format detectron2 --out {}", run.path().string(),
           (run.path() / "exported" / "detectron2.pkl").string());
}

/// What a run folder says of its run.
struct SavedRun {
  PretrainOptions options;
  PretrainSources sources;
  ImageList entries;
};

SavedRun read_run(const RunFolder& run, Logger& log) {
  SavedRun saved;
  load_toml_file(saved.options, run.config());
  const Json json = parse_json(read_text_file(run.sources()), run.sources().string());
  saved.sources = {.images = json.at("images").get<std::string>(),
                   .proposals = json.at("proposals").get<std::string>(),
                   .out = run.path(),
                   .weights = json.value("weights", "")};
  saved.entries = list_images(saved.sources.images, {.logger = &log, .index_folder = default_index_folder()});
  if (list_fingerprint(saved.entries) != json.at("image_list").get<std::string>())
    fail(
        "{}: the images are no longer those the run began with ({} then, {} now): a continuation would train on "
        "another order. Restore "
        "the folder, or start a new run",
        saved.sources.images.string(), json.at("num_images").get<std::int64_t>(), saved.entries.size());
  return saved;
}

}  // namespace

void pretrain(PretrainOptions options, const PretrainSources& sources, ExistingRun existing, ConsoleLogger& log) {
  validate_options(options);
  const LaunchEnvironment environment = launch_environment();
  if (environment.rank > 0) {  // its settings are in the run folder once rank 0 has made that
    const auto communicator = make_communicator(environment, options.train.rank_timeout_s);
    communicator->wait_for_main();
    const RunFolder run = RunFolder::of_job(sources.out);
    SavedRun saved = read_run(run, log);
    train(saved.options, saved.sources, run, std::move(saved.entries), *communicator, log);
    return;
  }
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
  const auto communicator = make_communicator(environment, options.train.rank_timeout_s);
  communicator->wait_for_main();
  train(options, sources, run, std::move(entries), *communicator, log);
}

void resume_pretraining(const fs::path& path, ConsoleLogger& log) {
  const LaunchEnvironment environment = launch_environment();
  const RunFolder run = environment.rank == 0 ? RunFolder::open(path) : RunFolder::of_job(path);
  if (environment.rank == 0) log.add_file(run.log());
  SavedRun saved = read_run(run, log);
  const auto communicator = make_communicator(environment, saved.options.train.rank_timeout_s);
  communicator->wait_for_main();
  train(saved.options, saved.sources, run, std::move(saved.entries), *communicator, log);
}

}  // namespace soco
