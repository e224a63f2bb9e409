// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <utility>

namespace soco {

/// What to do when the output folder of a new run is already in use.
enum class ExistingRun { kRefuse, kOverwrite };

/// The files of one training run. A run folder has one writer at a time: a lock is held while the object lives.
class RunFolder {
 public:
  /// Makes a new run folder. Errors: `path` is not empty and `existing` is kRefuse; not writable; locked.
  static RunFolder create(const std::filesystem::path& path, ExistingRun existing);
  /// Opens the folder of an earlier run. Errors: no `config.toml` in it; locked by a living process.
  static RunFolder open(const std::filesystem::path& path);

  /// The folder of a run that another process of the same job holds: without a lock, for reading.
  static RunFolder of_job(const std::filesystem::path& path) { return RunFolder(path, -1); }

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path sources() const { return path_ / "sources.json"; }
  std::filesystem::path proposals() const { return path_ / "proposals.db"; }
  std::filesystem::path log() const { return path_ / "train.log"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path best() const { return path_ / "best.safetensors"; }       // a detector's, by its validation
  std::filesystem::path validation() const { return path_ / "validation.json"; }  // figures of the newest one

 private:
  explicit RunFolder(std::filesystem::path path);
  RunFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_ = -1;  // descriptor of RUN/.lock, flock'ed: freed by the kernel however the process ends
};

/// True when `path` looks like the folder of a run (has config.toml and checkpoints/).
bool is_run_folder(const std::filesystem::path& path);

}  // namespace soco
