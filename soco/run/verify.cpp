// SPDX-License-Identifier: MIT
#include "soco/run/verify.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/base/log.h"
#include "soco/checkpoint/checkpointer.h"
#include "soco/checkpoint/safetensors.h"
#include "soco/proposals/store.h"
#include "soco/report/event_writer.h"
#include "soco/report/metrics_log.h"
#include "soco/run/finetune_options.h"
#include "soco/run/pretrain_options.h"
#include "soco/run/run_folder.h"

namespace soco {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kEventPrefix = "events.out.tfevents.";

// Each takes a path, throws Error for damage, and gives a note or nothing.

std::string check_safetensors(const fs::path& path) {
  const auto metadata = verify_safetensors(path);
  check_checkpoint_step(metadata, path);
  return metadata.contains(kChecksumKey) ? "" : "no checksum of ours: only its form was checked";
}

std::string check_store(const fs::path& path) {
  if (ProposalStore::open_read(path).verify() == StoreSeal::kWhole) return "";
  return "not sealed (open in another process, or its process was killed): pages and rows were checked, bytes that no "
         "row uses were not";
}

std::string check_event_file(const fs::path& path) {
  const EventCheck check = check_events(path);
  if (check.torn_bytes == 0) return "";
  return fmt::format("ends with {} bytes of a record that was never finished", check.torn_bytes);
}

std::string check_metrics_file(const fs::path& path) {
  const MetricsCheck check = check_metrics(path);
  return check.torn_last_line ? "ends with a line that was never finished" : "";
}

/// Of a pretraining, or of a detector's training, whose configuration alone has a section of labels.
std::string check_config(const fs::path& path) {
  const std::string text = read_text_file(path);
  if (text.find("[labels]") != std::string::npos) {
    FinetuneOptions options;
    load_toml(options, text, path.string());
  } else {
    PretrainOptions options;
    load_toml(options, text, path.string());
  }
  return "";
}

std::string check_json(const fs::path& path) {
  static_cast<void>(parse_json(read_text_file(path), path.string()));
  return "";
}

using Check = std::string (*)(const fs::path&);

Check check_for(const fs::path& path) {
  const std::string name = path.filename().string(), extension = path.extension().string();
  if (name.starts_with(kEventPrefix)) return check_event_file;
  if (extension == ".safetensors") return check_safetensors;
  if (extension == ".db") return check_store;
  if (extension == ".jsonl") return check_metrics_file;
  if (extension == ".toml") return check_config;
  if (extension == ".json") return check_json;
  return nullptr;
}

VerifiedFile verified(const fs::path& path, Check check) {
  VerifiedFile file{.path = path, .num_bytes = 0, .problem = "", .note = ""};
  try {
    file.num_bytes = fs::file_size(path);
    file.note = check(path);
  } catch (const std::exception& error) {  // a damaged file may also break a parser's own rules
    file.problem = error.what();
  }
  return file;
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") && name.find(".tmp.") != std::string::npos;
}

std::string problem_of_last(const fs::path& checkpoints) {
  std::string name = read_text_file(checkpoints / "last", 4096);
  if (!name.ends_with("\n")) return "does not end with a line end";
  name.pop_back();
  const bool there =
      name.find('/') == std::string::npos && fs::is_regular_file(checkpoints / name) && name.starts_with("step_");
  return there ? "" : fmt::format("names '{}', which is no checkpoint of this folder", printable(name));
}

/// The configuration in the newest checkpoint that is whole, if there is one.
std::optional<std::string> newest_config(const fs::path& checkpoints) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(checkpoints))
    if (entry.path().extension() == ".safetensors" && !is_temporary(entry.path())) paths.push_back(entry.path());
  std::sort(paths.rbegin(), paths.rend());
  for (const fs::path& path : paths) {
    try {
      const auto metadata = verify_safetensors(path);
      if (const auto found = metadata.find("config"); found != metadata.end()) return found->second;
    } catch (const std::exception&) {  // told in its own place
    }
  }
  return std::nullopt;
}

void compare_config(const fs::path& run, VerifiedFile& file) {
  const auto config = newest_config(run / "checkpoints");
  if (!config)
    file.note = "no checkpoint to compare it with: only its form was checked";
  else if (*config != read_text_file(file.path))
    file.problem = "differs from the configuration in the newest checkpoint: damaged, or edited since";
}

}  // namespace

VerifiedFile verify_file(const fs::path& path) {
  if (!fs::is_regular_file(path)) fail_usage("{}: there is no such file", path.string());
  const Check check = check_for(path);
  if (check == nullptr)
    fail_usage(
        "{}: cannot be checked; known are a run folder, .safetensors, .db (proposals), .jsonl (metrics), .toml, .json "
        "and TensorBoard's event files",
        path.string());
  return verified(path, check);
}

std::vector<VerifiedFile> verify_run(const fs::path& run) {
  if (!is_run_folder(run)) fail_usage("{}: is not a run folder (no config.toml and checkpoints/ in it)", run.string());
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(run))
    if (entry.is_regular_file() && !is_temporary(entry.path()) && check_for(entry.path()) != nullptr)
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<VerifiedFile> files;
  for (const fs::path& path : paths) {
    files.push_back(verified(path, check_for(path)));
    if (path == run / "config.toml" && files.back().problem.empty()) compare_config(run, files.back());
  }
  if (const fs::path last = run / "checkpoints" / "last"; fs::exists(last))
    files.push_back(
        {.path = last, .num_bytes = fs::file_size(last), .problem = problem_of_last(last.parent_path()), .note = ""});
  return files;
}

}  // namespace soco
