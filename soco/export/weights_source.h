// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "soco/export/formats/key_rules.h"
#include "soco/export/pickle_value.h"

/// The first half of read_weights: from a file to tensors under its own names, and to the format these names tell.
namespace soco {

/// A file's tensors under its names, and what lies beside them.
struct WeightsFile {
  std::vector<std::pair<std::string, PickleValue::Tensor>> tensors;  // in the order of the file
  std::map<std::string, std::string> metadata;
  std::vector<std::string> beside;  // "epoch (int)"
  PickleValue optimizer;            // None where there is none
};

/// Reads a file and takes the state dict out of its wrapping ("model", "state_dict", "blobs" or none). Names lose the
/// "module." that all of them begin with, and the "model." of our checkpoints of either training. Errors: whatever the
/// readers refuse, no dict of tensors.
WeightsFile read_weights_file(const std::filesystem::path& path);

WeightsFile weights_file_from_tensors(const StateDict& tensors, const std::map<std::string, std::string>& metadata);

/// How one program names a network.
struct WeightsFormat {
  std::string_view title;
  std::string_view marker;  // name of the first convolution
  KeyMap (*key_map)(const WeightsFile& file);
  HostTensor (*arrange)(const std::string& ours, const HostTensor& theirs) = nullptr;  // rows in our order
  std::vector<std::string_view> unused = {};  // beginnings of names that belong to classifiers and the like
  bool is_training = false;                   // has both networks, whole
  bool is_release = false;                    // has the release's names
  std::string_view warning = {};              // what its consumer must know
};

/// The format by the names in a file. Errors: no name of a first convolution that we know.
const WeightsFormat& format_from_names(const WeightsFile& file, const std::string& name);

}  // namespace soco
