// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string_view>

namespace soco {

/// A file that is only added to: each piece is handed to the system at once, nothing waits in a buffer of ours.
/// Owns a file descriptor. Not thread-safe.
class AppendFile {
 public:
  enum class Mode { kNew, kExisting };

  /// kNew: the file must not exist yet; kExisting: opened, or made when missing. Throws Error.
  AppendFile(std::filesystem::path path, Mode mode);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;

  /// Adds `bytes`. Throws Error naming the file, the bytes needed and those free when they cannot be written; what was
  /// written of them is taken back, so that the file ends with a whole piece.
  void append(std::string_view bytes);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace soco
