// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "soco/structures/host_tensor.h"

namespace soco {

/// What one safetensors file holds: tensors in the order of its header's keys, and the strings of `__metadata__`.
struct SafetensorsFile {
  StateDict tensors;
  std::map<std::string, std::string> metadata;
};

/// Metadata keys of our checksums, each XXH3-128 in hexadecimal: over the file's data section, and over the header's
/// compact JSON without the second key itself. They find damage by disks and copies; they do not protect against
/// someone who changes content and checksum together.
inline constexpr const char* kChecksumKey = "soco.xxh3";
inline constexpr const char* kHeaderChecksumKey = "soco.header_xxh3";

/// Longest header that is read, in bytes: the limit of the format's own reference implementation.
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

/// Writes `tensors` and `metadata` to `path`, whole or not at all (AtomicFile).
/// The header lists the tensors in their order in `tensors`; the data section starts at a multiple of 64 bytes and
/// holds the widest element types first, so that each tensor is aligned to its element. `format` = "pt" and the
/// checksums are added to the metadata, replacing entries of those names.
/// Errors: a tensor named `__metadata__`, a header over the limit, disk full or not writable (nothing is left behind).
void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata);

/// Reads a whole file, by the letter of the format: header length, JSON object without duplicate keys, known element
/// types, shape x element size equal to each range, ranges that cover the data section without hole or overlap, no byte
/// behind them; and the checksums where the metadata has them. No size is allocated before it is known to lie in the
/// file. Errors: anything else, naming the file and the tensor.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// Reads the file as read_safetensors does, in pieces and without keeping it; gives the metadata.
std::map<std::string, std::string> verify_safetensors(const std::filesystem::path& path);

}  // namespace soco
