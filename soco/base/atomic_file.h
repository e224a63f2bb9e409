// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace soco {

/// Writes a file so that its name holds either the old content or the whole new one, whatever happens in between:
/// the bytes go to ".<name>.tmp.<pid>.<n>" in the same folder, which commit() syncs and renames.
/// A symbolic link as final path is followed. Not thread-safe.
class AtomicFile {
 public:
  /// Creates the temporary file. Error when the folder is missing or not writable.
  explicit AtomicFile(std::filesystem::path final_path);

  /// Removes the temporary file unless commit() succeeded.
  ~AtomicFile();

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes (buffered). Error on failure; a full disk names the bytes needed so far and those free.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Writes what is buffered, syncs the file, renames it to the final path, syncs the folder. At most once.
  void commit();

  std::uint64_t num_bytes() const { return num_bytes_; }
  const std::filesystem::path& temporary_path() const { return temporary_path_; }

 private:
  void write_through(std::span<const std::byte> bytes);
  void flush();
  [[noreturn]] void fail_with(const char* what, int error_number);

  std::filesystem::path final_path_;
  std::filesystem::path temporary_path_;
  std::vector<std::byte> buffer_;
  std::uint64_t num_bytes_ = 0;  // given to write(), buffered ones included
  int descriptor_ = -1;
  bool committed_ = false;
};

/// Writes a whole file through AtomicFile.
void write_file_atomic(const std::filesystem::path& path, std::string_view bytes);
void write_file_atomic(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Syncs a finished file, renames it to its final name, which it replaces, and syncs the folder; for files that others
/// than AtomicFile write. Both in one folder. Error when one of these fails.
void put_into_place(const std::filesystem::path& temporary, const std::filesystem::path& final_path);

}  // namespace soco
