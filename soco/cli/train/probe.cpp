// SPDX-License-Identifier: MIT
#include "soco/engine/probe.h"

#include <torch/torch.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/log.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/cli/command_line.h"
#include "soco/cli/train/training_commands.h"
#include "soco/engine/device.h"
#include "soco/report/probe_report.h"
#include "soco/run/recipes.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace {

struct ProbeArguments {
  std::string from, val, val_images, config, json, features, feature;
  bool random = false;
};

/// The network to judge: its settings, and its online weights (none: --random).
struct ProbeSource {
  PretrainOptions options;
  StateDict online;
  std::string name;
};

SafetensorsFile read_weights(const std::string& from, Logger& log) {
  if (!is_run_folder(from)) return read_safetensors(from);
  auto loaded = load_latest_checkpoint(std::filesystem::path(from) / "checkpoints", log);
  if (!loaded) fail("{}: the run has no checkpoint yet; --random judges the weights it starts from", from);
  log.info("judging {}", loaded->path.string());
  return std::move(loaded->file);
}

/// The online network under its own names, of a checkpoint (model.online.*) or of an exported file (bare names).
StateDict online_tensors(const SafetensorsFile& file) {
  StateDict online;
  constexpr std::string_view kPrefix = "model.online.";
  for (const auto& [name, tensor] : file.tensors.entries())
    if (name.starts_with(kPrefix)) online.add(name.substr(kPrefix.size()), tensor);
  return online.empty() ? file.tensors : online;
}

void load_config(const ProbeArguments& a, const std::optional<SafetensorsFile>& file, PretrainOptions& options) {
  if (!a.config.empty()) return load_recipe_or_file(options, a.config);
  if (is_run_folder(a.from)) return load_toml_file(options, std::filesystem::path(a.from) / "config.toml");
  if (!file || !file->metadata.contains("config"))
    fail_usage("probe: {} does not say which network it is; give --config RECIPE or FILE",
               a.from.empty() ? "--random" : "'" + a.from + "'");
  load_toml(options, file->metadata.at("config"), a.from + " (its metadata)");
}

ProbeSource read_source(const ProbeArguments& a, Logger& log) {
  if (a.from.empty() && !a.random) fail_usage("probe: give a run folder or a weights file, or --random with --config");
  std::optional<SafetensorsFile> file;
  if (!a.from.empty() && !(a.random && is_run_folder(a.from))) file = read_weights(a.from, log);
  ProbeSource source{.options = {}, .online = {}, .name = a.random ? "random weights" : a.from};
  load_config(a, file, source.options);
  if (!a.random) source.online = online_tensors(*file);
  return source;
}

ProbeSet read_set(const ProbeArguments& a, ProbeOptions options, Logger& log) {
  if (a.val.empty()) {
    if (!a.val_images.empty()) fail_usage("probe: --val-images needs --val, the annotations of these images");
    return load_probe_set(options, log);
  }
  options.val_ratio = 0;
  ProbeSet train = load_probe_set(options, log);
  const std::string train_name = options.annotations.string();
  options.annotations = a.val;
  if (!a.val_images.empty()) options.images = a.val_images;
  return join_probe_sets(std::move(train), train_name, load_probe_set(options, log), a.val);
}

/// train.features and val.features [rows, channels] float32; train.labels and val.labels [rows] int32.
StateDict feature_tensors(const ProbeFeatures& features) {
  StateDict tensors;
  const auto add = [&](const std::string& side, const LabelledFeatures& rows) {
    tensors.add(side + ".features", HostTensor::from<float>({rows.rows(), rows.channels}, rows.values));
    tensors.add(side + ".labels", HostTensor::from<std::int32_t>({rows.rows()}, rows.labels));
  };
  add("train", features.train);
  add("val", features.val);
  return tensors;
}

void log_set(const ProbeSet& set, Logger& log) {
  log.info("{} labelled images, {} boxes to learn from and {} to predict; {} crowds and {} boxes without area left out",
           set.images.size(), set.num_boxes(false), set.num_boxes(true), set.num_crowds, set.num_degenerate);
  if (!set.empty_categories.empty())
    log.info("{} categories without a box are left out ('{}'{})", set.empty_categories.size(), set.empty_categories[0],
             set.empty_categories.size() > 1 ? ", ..." : "");
}

}  // namespace

int run_probe(int argc, char** argv) {
  ProbeArguments a;
  ProbeOptions options;
  CommandLine line(
      "probe",
      "Judges a pretrained network by how well its features tell the classes of labelled boxes apart: by nearest "
      "neighbours and by a linear classifier, without training it further.",
      "  soco probe runs/first --images val2017 --annotations instances_val2017.json\n"
      "  soco probe runs/first --random --images val2017 --annotations instances_val2017.json\n"
      "  soco probe soco.safetensors --images train --annotations train.json --val val.json --val-images val\n"
      "  soco probe runs/first --feature head --images photos --annotations boxes.json --json probe.json "
      "max_images=500\n");
  line.app.add_option("RUN", a.from, "run folder (its newest checkpoint), checkpoint, or exported .safetensors");
  line.app.add_option("--images", options.images, "labelled images, as pretrain takes them")->required();
  line.app.add_option("--annotations", options.annotations, "their COCO annotations")->required();
  line.app.add_option("--val", a.val,
                      "predict the boxes of these annotations; else a share of the images is split off");
  line.app.add_option("--val-images", a.val_images, "the images of --val, when they lie elsewhere");
  line.app.add_option("--feature", a.feature, "roi, backbone, head or image (same as feature=)")->default_str("roi");
  line.app.add_flag("--random", a.random, "judge the random weights that the run started from");
  line.app.add_option("--config", a.config, "recipe or TOML file; else what run or file say of themselves");
  line.app.add_option("--json", a.json, "write all figures there");
  line.app.add_option("--features", a.features, "write features and labels there (.safetensors)");
  line.take_overrides(options);
  if (!line.parse(argc, argv)) return 0;
  // Without RUN, which --random may do, the first key=value comes in its place.
  if (a.random && a.from.find('=') != std::string::npos) apply_override(options, std::exchange(a.from, {}));
  if (!a.feature.empty()) apply_override(options, "feature=" + a.feature);
  line.apply_overrides(options);
  ConsoleLogger log;
  const ProbeSource source = read_source(a, log);
  const ProbeSet set = read_set(a, options, log);
  log_set(set, log);
  if (source.options.train.num_threads) torch::set_num_threads(*source.options.train.num_threads);
  ProbeNetwork network(source.options.model, source.options.plan, options.feature, source.options.train.seed,
                       choose_device(source.options.train.device));
  if (!a.random) network.load(source.online, source.name);
  const ProbeFeatures features = extract_features(network, set, options, source.options.data.decode_limits(), log);
  if (!a.features.empty()) write_safetensors(a.features, feature_tensors(features), {{"source", source.name}});
  const FeatureProbe probe = judge(features, set, options);
  std::fputs(probe_table(probe).c_str(), stdout);
  if (!a.json.empty()) write_file_atomic(a.json, probe_json(probe, source.name));
  return 0;
}

}  // namespace soco
