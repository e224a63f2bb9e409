// SPDX-License-Identifier: MIT
#pragma once
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace soco::testing {

/// A file of the tests' source folder. Its place comes from SOCO_TEST_DIR, which ctest sets: __FILE__ will not do,
/// since a compiler cache may make it relative to a folder that is not the test's working directory.
inline std::filesystem::path test_path(const std::filesystem::path& relative) {
  const char* folder = std::getenv("SOCO_TEST_DIR");
  if (folder == nullptr) throw std::runtime_error("set SOCO_TEST_DIR to the tests' source folder (ctest does)");
  return std::filesystem::path(folder) / relative;
}

}  // namespace soco::testing
