// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "soco/base/log.h"
#include "soco/checkpoint/safetensors.h"

namespace soco {

/// A checkpoint that was read and verified.
struct LoadedCheckpoint {
  std::int64_t step = 0;  // training steps done when it was saved
  std::filesystem::path path;
  SafetensorsFile file;
};

/// Reads the newest whole checkpoint of a folder and changes nothing in it, so it is safe beside a running training.
/// The file that `last` names comes first, then the others from the highest step down; each one that is damaged is
/// warned about and passed over.
/// Returns nothing when the folder is missing or holds no checkpoint. Errors: all checkpoints are damaged.
/// `wanted`: passes over those whose metadata it does not like; nothing when it likes none.
using WantedCheckpoint = std::function<bool(const std::map<std::string, std::string>& metadata)>;
std::optional<LoadedCheckpoint> load_latest_checkpoint(const std::filesystem::path& directory, Logger& logger,
                                                       const WantedCheckpoint& wanted = {});

/// Error when a file is named as the checkpoint of another step than its metadata say.
void check_checkpoint_step(const std::map<std::string, std::string>& metadata, const std::filesystem::path& path);

/// Which checkpoints stay.
struct Retention {
  int keep_last = 2;            // the newest ones, at least 1
  std::int64_t keep_every = 0;  // beside them those of steps that are multiples of this; 0: none
};

/// Keeps the newest checkpoints of one run: `step_00001234.safetensors` files and `last`, a text file naming the
/// newest. At every instant, whatever kills the process or fills the disk, the folder holds a whole checkpoint once it
/// held one: a new file gets its name only when it is complete and synced, and older ones go only after it was read
/// back. One process writes a folder at a time.
class Checkpointer {
 public:
  /// Makes the folder where needed and removes the unfinished files of killed runs.
  /// Errors: keep_last < 1, keep_every < 0, folder not writable.
  Checkpointer(std::filesystem::path directory, const Retention& retention, Logger& logger);

  /// Saves, reads back, points `last` at the new file, then removes what need not stay, together with files of later
  /// steps, which a resume from an older checkpoint has superseded. `metadata` gets `step`.
  /// Returns the new file. Errors: step < 0, disk full, read-back differs; older checkpoints are then all still there.
  std::filesystem::path save(std::int64_t step, const StateDict& state, std::map<std::string, std::string> metadata);

  /// load_latest_checkpoint of this folder.
  std::optional<LoadedCheckpoint> load_latest();

  const std::filesystem::path& directory() const { return directory_; }

 private:
  void remove_unfinished_files();
  void remove_old_files(std::int64_t newest_step);

  std::filesystem::path directory_;
  Retention retention_;
  Logger& logger_;
};

}  // namespace soco
