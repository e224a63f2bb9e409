// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "soco/export/pickle_value.h"

namespace soco {

/// What a foreign file may cost before it is refused. A limit that is hit is an error that names it.
struct PickleLimits {
  std::uint64_t max_values = 250'000;            // values made, and values of the result once aliases are expanded
  std::uint64_t max_text_bytes = 16ull << 20;    // all strings of the result
  std::uint64_t max_pickle_bytes = 64ull << 20;  // the program of a PyTorch archive (its tensors lie beside it)
  std::uint64_t max_file_bytes = 16ull << 30;    // of a plain pickle or a file before 1.6, which is read whole
  int max_depth = 64;                            // nesting of the result
};

/// Reads a PyTorch file (`torch.save`, the zip archives since 1.6 and the form before) or a plain pickle of numpy
/// arrays: a fixed set of opcodes, and globals that build state dicts and nothing else. Nothing in the file is
/// executed; what is not on the lists is refused by its name. Tensors come contiguous, whatever strides or device the
/// file says. Everything is checked before the first tensor is read, so a refusal has cost no more memory than the
/// file's size and 32 MiB. Errors: not such a file, damaged (bounds, checksums, sizes that do not fit their record),
/// refused, over a limit.
PickleValue read_pickle_file(const std::filesystem::path& path, const PickleLimits& limits = {});

/// True when the first bytes are those of a zip archive: a PyTorch file rather than a plain pickle or safetensors.
bool is_zip_file(const std::filesystem::path& path);

}  // namespace soco
