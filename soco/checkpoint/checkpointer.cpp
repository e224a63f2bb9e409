// SPDX-License-Identifier: MIT
#include "soco/checkpoint/checkpointer.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step_";
constexpr std::string_view kSuffix = ".safetensors";
constexpr const char* kLastName = "last";
constexpr const char* kStepKey = "step";

std::string file_name_from_step(std::int64_t step) { return fmt::format("{}{:08}{}", kPrefix, step, kSuffix); }

/// The step in a checkpoint's file name; nothing for any other name.
std::optional<std::int64_t> step_from_file_name(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  std::int64_t step = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || step < 0) return std::nullopt;
  return step;
}

/// Steps of the checkpoints in a folder, highest first.
std::vector<std::int64_t> list_steps(const fs::path& directory) {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const auto step = step_from_file_name(it->path().filename().string());
    if (step && file_name_from_step(*step) == it->path().filename().string()) steps.push_back(*step);
  }
  if (error && error != std::errc::no_such_file_or_directory)
    fail("{}: cannot be listed: {}", directory.string(), error.message());
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

/// The step that `last` names; nothing when it is missing or unreadable, since the files themselves then tell.
std::optional<std::int64_t> read_last(const fs::path& directory) {
  std::error_code ignored;
  if (!fs::exists(directory / kLastName, ignored)) return std::nullopt;
  try {
    std::string text = read_text_file(directory / kLastName, 4096);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return step_from_file_name(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Steps in the order in which they are tried: that of `last`, then from the highest down.
std::vector<std::int64_t> steps_to_try(const fs::path& directory) {
  std::vector<std::int64_t> steps = list_steps(directory);
  if (const auto last = read_last(directory)) {
    const auto found = std::find(steps.begin(), steps.end(), *last);
    if (found != steps.end()) std::rotate(steps.begin(), found, found + 1);
  }
  return steps;
}

}  // namespace

void check_checkpoint_step(const std::map<std::string, std::string>& metadata, const fs::path& path) {
  const auto step = step_from_file_name(path.filename().string());
  const auto found = metadata.find(kStepKey);
  if (step && found != metadata.end() && found->second != std::to_string(*step))
    fail("{}: holds step {}: the file was renamed", path.string(), found->second);
}

std::optional<LoadedCheckpoint> load_latest_checkpoint(const fs::path& directory, Logger& logger,
                                                       const WantedCheckpoint& wanted) {
  const std::vector<std::int64_t> steps = steps_to_try(directory);
  bool all_damaged = !steps.empty();
  for (const std::int64_t step : steps) {
    const fs::path path = directory / file_name_from_step(step);
    try {
      SafetensorsFile file = read_safetensors(path);
      check_checkpoint_step(file.metadata, path);
      if (!wanted || wanted(file.metadata)) return LoadedCheckpoint{step, path, std::move(file)};
      all_damaged = false;
    } catch (const Error& error) {
      logger.warning("checkpoint passed over: {}", error.what());
    }
  }
  if (all_damaged) fail("{}: all {} checkpoints are damaged; the log names each", directory.string(), steps.size());
  return std::nullopt;
}

Checkpointer::Checkpointer(fs::path directory, const Retention& retention, Logger& logger)
    : directory_(std::move(directory)), retention_(retention), logger_(logger) {
  if (retention_.keep_last < 1) fail_usage("checkpoints to keep: {}, must be at least 1", retention_.keep_last);
  if (retention_.keep_every < 0)
    fail_usage("steps between checkpoints to keep: {}, must be at least 0", retention_.keep_every);
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) fail("{}: cannot be made: {}", directory_.string(), error.message());
  remove_unfinished_files();
}

fs::path Checkpointer::save(std::int64_t step, const StateDict& state, std::map<std::string, std::string> metadata) {
  if (step < 0) fail("step {} of a checkpoint must not be negative", step);
  const fs::path path = directory_ / file_name_from_step(step);
  metadata[kStepKey] = std::to_string(step);
  write_safetensors(path, state, metadata);
  try {
    check_checkpoint_step(verify_safetensors(path), path);
  } catch (const Error& error) {
    std::error_code ignored;
    fs::remove(path, ignored);
    fail("a checkpoint was written but does not read back, older ones are kept; is the disk failing? {}", error.what());
  }
  write_file_atomic(directory_ / kLastName, path.filename().string() + "\n");
  remove_old_files(step);
  return path;
}

std::optional<LoadedCheckpoint> Checkpointer::load_latest() { return load_latest_checkpoint(directory_, logger_); }

/// AtomicFile's temporary names are `.<name>.tmp.<pid>.<n>`; nobody else writes this folder, so they are leftovers.
void Checkpointer::remove_unfinished_files() {
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with(fmt::format(".{}", kPrefix)) || name.starts_with(fmt::format(".{}.", kLastName));
    if (ours && name.find(".tmp.") != std::string::npos) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) {
    std::error_code error;
    if (fs::remove(path, error))
      logger_.info("removed {}, left unfinished by a run that was killed", path.string());
    else
      logger_.warning("{}: unfinished file cannot be removed: {}", path.string(), error.message());
  }
}

void Checkpointer::remove_old_files(std::int64_t newest_step) {
  int kept = 0;
  for (const std::int64_t step : list_steps(directory_)) {
    const bool superseded = step > newest_step;
    if (!superseded && kept++ < retention_.keep_last) continue;
    if (!superseded && retention_.keep_every > 0 && step % retention_.keep_every == 0) continue;
    const fs::path path = directory_ / file_name_from_step(step);
    std::error_code error;
    fs::remove(path, error);
    if (error) logger_.warning("{}: old checkpoint cannot be removed: {}", path.string(), error.message());
  }
}

}  // namespace soco
