// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/json.h"
#include "soco/structures/host_tensor.h"

namespace soco::testing {

/// Path of an oracle's file in the folder SOCO_ORACLE_DIR, or nothing when it is not there (the test then skips).
inline std::optional<std::filesystem::path> find_oracle(const std::string& name) {
  const char* folder = std::getenv("SOCO_ORACLE_DIR");
  if (folder == nullptr) return std::nullopt;
  const std::filesystem::path path = std::filesystem::path(folder) / name;
  return std::filesystem::exists(path) ? std::optional(path) : std::nullopt;
}

/// The float32, float64 and int64 tensors of a safetensors file; a plain reader of its own, for tests of folders that
/// do not link `checkpoint`.
inline StateDict read_oracle(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path, 1ull << 31);
  std::uint64_t header_size = 0;
  if (bytes.size() < 8) fail("{} is too short", path.string());
  std::memcpy(&header_size, bytes.data(), 8);
  if (header_size > bytes.size() - 8) fail("{} is cut off", path.string());
  const Json header = parse_json({reinterpret_cast<const char*>(bytes.data()) + 8, header_size}, path.string());
  StateDict result;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const std::string type = entry.at("dtype").get<std::string>();
    const DType dtype = type == "F64" ? DType::kFloat64 : type == "I64" ? DType::kInt64 : DType::kFloat32;
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(8 + header_size);
    const auto begin = entry.at("data_offsets").at(0).get<std::int64_t>(),
               end = entry.at("data_offsets").at(1).get<std::int64_t>();
    if (begin < 0 || end < begin || static_cast<std::uint64_t>(end) > bytes.size() - 8 - header_size)
      fail("{} is cut off", path.string());
    result.add(name, HostTensor::make(dtype, entry.at("shape").get<std::vector<std::int64_t>>(),
                                      std::vector<std::byte>(first + begin, first + end)));
  }
  return result;
}

}  // namespace soco::testing

/// Ends the test as skipped, by name, when the oracle's file is absent; else declares `variable` with its path.
#define SOCO_ORACLE_OR_SKIP(variable, name)                                                              \
  const auto variable##_found = soco::testing::find_oracle(name);                                        \
  if (!variable##_found) GTEST_SKIP() << "no " << name << " in SOCO_ORACLE_DIR; tests/oracles makes it"; \
  const std::filesystem::path variable = *variable##_found
