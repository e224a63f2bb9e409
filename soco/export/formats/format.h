// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "soco/export/formats/key_rules.h"
#include "soco/structures/host_tensor.h"

namespace soco {

/// One format's part of export_model: names, writer, reader, and what its consumer must know.
struct FormatPart {
  KeyMap (*key_map)();
  void (*write)(const std::filesystem::path& path, const StateDict& theirs,
                const std::map<std::string, std::string>& metadata);
  StateDict (*read)(const std::filesystem::path& path);
  std::string_view input_convention;  // "{depth}" stands for the ResNet's
};

}  // namespace soco
