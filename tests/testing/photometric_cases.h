// SPDX-License-Identifier: MIT
#pragma once
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "soco/image/image.h"
#include "testing/oracle_file.h"

namespace soco::testing {

/// The images and results that tests/oracles/photometric_oracle.py writes.
struct PhotometricCases {
  std::vector<Image> images;
  Json index;
};

/// Reads the oracle's folder.
inline PhotometricCases read_photometric_cases(const std::filesystem::path& folder) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 28;
  PhotometricCases cases{{}, parse_json(read_text_file(folder / "index.json", kMaxBytes), "index.json")};
  const std::vector<std::byte> bytes = read_file(folder / "images.bin", kMaxBytes);
  std::size_t at = 0;
  for (const Json& size : cases.index.at("images")) {
    Image& image = cases.images.emplace_back(make_image(size[0].get<int>(), size[1].get<int>()));
    if (bytes.size() - at < image.pixels.size()) fail("images.bin is cut off");
    std::memcpy(image.pixels.data(), bytes.data() + at, image.pixels.size());
    at += image.pixels.size();
  }
  return cases;
}

/// CRC-32 as Python's zlib.crc32 has it.
template <class T>
std::uint32_t crc32_of(const std::vector<T>& values) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(values.data()), values.size() * sizeof(T)));
}

}  // namespace soco::testing
