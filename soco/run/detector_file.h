// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "soco/base/log.h"
#include "soco/run/finetune_options.h"
#include "soco/structures/annotation.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// A trained detector.
struct DetectorFile {
  std::string name;  // of the file it was read from
  FinetuneOptions options;
  std::vector<ObjectCategory> categories;  // by label: ids and names
  StateDict weights;                       // backbone.*, proposal_generator.*, roi_heads.*
};

/// What the metadata of a run's checkpoints and of detector files say of the detector: kind, config (TOML), categories
/// (JSON, by label).
std::map<std::string, std::string> detector_metadata(const FinetuneOptions& options,
                                                     const std::vector<ObjectCategory>& categories);

/// The settings among these. `name` stands for their file in errors. Errors: they are not of detector_metadata; damaged.
FinetuneOptions detector_settings(const std::map<std::string, std::string>& metadata, const std::string& name);

/// The detector among the tensors of a fine-tuning checkpoint or of a detector file: the moving average where there is
/// one, else the trained weights, under their bare names. Other files' tensors: as they are, but for "model.".
StateDict detector_tensors(const StateDict& tensors);

/// Reads a fine-tuning run (its best detector by the validation images, else its newest checkpoint), or one of its
/// files. Errors: none of these; damaged.
DetectorFile read_detector_file(const std::filesystem::path& path, Logger& log);

/// Whether `path` is the folder of a detector's training: its sources.json says so.
bool is_finetune_run(const std::filesystem::path& path);
inline constexpr const char* kFinetuneSources = "finetune";  // "kind" in there

}  // namespace soco
