// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "soco/export/formats/key_rules.h"
#include "soco/export/network_shape.h"
#include "soco/structures/host_tensor.h"

namespace soco {

struct DetectorOptions;  // soco/modeling/detector_options.h

/// One format's part of export_model: names, order of rows, writer, reader, and what its consumer must know.
struct FormatPart {
  KeyMap (*key_map)(const NetworkShape& shape);
  StateDict (*arrange)(const StateDict& ours, const NetworkShape& shape);  // nullptr: rows are ordered as ours
  void (*write)(const std::filesystem::path& path, const StateDict& theirs,
                const std::map<std::string, std::string>& metadata);
  StateDict (*read)(const std::filesystem::path& path);
  std::string (*input_convention)(const NetworkShape& shape);
  /// In the place of `write`: of a file that needs the detector's settings too.
  void (*write_detector)(const std::filesystem::path& path, const StateDict& theirs,
                         const std::map<std::string, std::string>& metadata,
                         const DetectorOptions& settings) = nullptr;
};

}  // namespace soco
