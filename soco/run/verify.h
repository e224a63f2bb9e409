// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace soco {

/// What was found in one file. `problem` empty: whole. `note`: what its checksums do not cover, or a harmless
/// leftover of a killed process; mostly empty.
struct VerifiedFile {
  std::filesystem::path path;
  std::uint64_t num_bytes = 0;
  std::string problem, note;
};

/// Checks one file by its kind, which its name tells: safetensors (checksums of header and data, where it has them, and
/// the step in a checkpoint's name), proposal stores (.db: pages, rows and seal), TensorBoard event files (checksum of
/// each record), metrics (.jsonl: each line), configurations (.toml), other JSON. Changes nothing.
/// Usage error for a file of another kind or one that is missing.
VerifiedFile verify_file(const std::filesystem::path& path);

/// Checks every file of a run folder that verify_file knows, and beside: `last` names a checkpoint that is there;
/// `config.toml` is, byte for byte, the configuration that the newest checkpoint carries. Usage error when `run` is no
/// run folder. In the order of the names.
std::vector<VerifiedFile> verify_run(const std::filesystem::path& run);

}  // namespace soco
