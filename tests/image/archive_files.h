// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "soco/base/error.h"

namespace soco::testing {

/// The end of a tar archive: two blocks of zeros.
inline std::string tar_end() { return std::string(1024, '\0'); }

/// One 512-byte ustar header (POSIX.1-1988). `size_field`: its twelve bytes; empty: octal digits of `size`.
inline std::string tar_header(const std::string& name, std::uint64_t size, char type = '0',
                              const std::string& link = "", const std::string& size_field = "") {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  char number[13];
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  std::snprintf(number, sizeof number, "%011lo", static_cast<unsigned long>(size));
  put(124, size_field.empty() ? number : size_field);
  put(136, "00000000000");
  put(148, "        ");  // the checksum counts as spaces
  header[156] = type;
  put(157, link);
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(number, sizeof number, "%06o", sum);
  put(148, std::string(number) + '\0' + ' ');
  return header;
}

/// A header and its content, filled up to whole blocks.
inline std::string tar_record(const std::string& name, const std::string& content, char type = '0',
                              const std::string& link = "") {
  return tar_header(name, content.size(), type, link) + content + std::string((512 - content.size() % 512) % 512, '\0');
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

/// The text of the Error that `action` throws.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace soco::testing
