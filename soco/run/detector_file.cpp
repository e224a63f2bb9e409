// SPDX-License-Identifier: MIT
#include "soco/run/detector_file.h"

#include <string_view>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr const char* kKind = "soco-finetune";
constexpr std::string_view kModel = "model.", kAverage = "ema.", kOptimizer = "optimizer.", kSelection = "selection";

std::string categories_text(const std::vector<ObjectCategory>& categories) {
  Json json = Json::array();
  for (const ObjectCategory& category : categories) json.push_back({{"id", category.id}, {"name", category.name}});
  return json.dump();
}

std::vector<ObjectCategory> read_categories(const std::string& text, const std::string& name) {
  const Json json = parse_json(text, name + " (categories in its metadata)");
  std::vector<ObjectCategory> categories;
  try {
    for (const Json& entry : json)
      categories.push_back({.id = entry.at("id").get<std::int64_t>(), .name = entry.at("name").get<std::string>()});
  } catch (const Json::exception& error) {
    fail("{}: the categories in its metadata cannot be read: {}", name, error.what());
  }
  if (categories.empty()) fail("{}: its metadata name no categories", name);
  return categories;
}

std::pair<SafetensorsFile, std::string> read_file(const fs::path& path, Logger& log) {
  if (!is_run_folder(path)) return {read_safetensors(path), path.string()};
  const fs::path best = RunFolder::of_job(path).best();
  if (fs::exists(best)) return {read_safetensors(best), best.string()};
  auto loaded = load_latest_checkpoint(path / "checkpoints", log);
  if (!loaded) fail("{}: the run has no checkpoint yet", path.string());
  return {std::move(loaded->file), loaded->path.string()};
}

}  // namespace

std::map<std::string, std::string> detector_metadata(const FinetuneOptions& options,
                                                     const std::vector<ObjectCategory>& categories) {
  return {{"kind", kKind}, {"config", dump_toml(options)}, {"categories", categories_text(categories)}};
}

FinetuneOptions detector_settings(const std::map<std::string, std::string>& metadata, const std::string& name) {
  const auto kind = metadata.find("kind");
  if (kind == metadata.end() || kind->second != kKind)
    fail(
        "{}: is no detector that 'soco finetune' trained (its metadata do not say kind = {}); to start a detector from "
        "other weights, train it with 'soco finetune --init'",
        name, kKind);
  for (const char* key : {"config", "categories"})
    if (!metadata.contains(key)) fail("{}: its metadata have no {}", name, key);
  FinetuneOptions options;
  load_toml(options, metadata.at("config"), name + " (config in its metadata)");
  return options;
}

StateDict detector_tensors(const StateDict& tensors) {
  bool averaged = false;
  for (const auto& [name, tensor] : tensors.entries()) averaged = averaged || name.starts_with(kAverage);
  const std::string_view prefix = averaged ? kAverage : kModel;
  StateDict detector;
  for (const auto& [name, tensor] : tensors.entries()) {
    if (name.starts_with(prefix))
      detector.add(name.substr(prefix.size()), tensor);
    else if (!averaged && !name.starts_with(kOptimizer) && name != kSelection)
      detector.add(name, tensor);
  }
  return detector;
}

bool is_finetune_run(const fs::path& path) {
  const fs::path sources = path / "sources.json";
  return is_run_folder(path) && fs::is_regular_file(sources) &&
         parse_json(read_text_file(sources), sources.string()).value("kind", "") == kFinetuneSources;
}

DetectorFile read_detector_file(const fs::path& path, Logger& log) {
  auto [file, name] = read_file(path, log);
  DetectorFile detector;
  detector.options = detector_settings(file.metadata, name);
  detector.categories = read_categories(file.metadata.at("categories"), name);
  detector.weights = detector_tensors(file.tensors);
  detector.name = std::move(name);
  return detector;
}

}  // namespace soco
