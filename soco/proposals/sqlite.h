// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace soco {

enum class SqliteMode { kReadOnly, kReadWrite };

/// One connection to an SQLite file. Failures throw an Error that names the file, what is wrong with it and the remedy.
/// Not thread-safe. Internal to `proposals`.
class SqliteDatabase {
 public:
  /// Opens; kReadWrite makes the file when it is missing.
  SqliteDatabase(const std::filesystem::path& path, SqliteMode mode);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// Runs statements that give no rows (or whose rows do not matter).
  void execute(const std::string& sql);
  /// First column of the first row; "" and 0 when there is no row.
  std::string query_text(const std::string& sql);
  std::int64_t query_int(const std::string& sql);
  /// Bytes of the main file, asked through SQLite: opening and closing it here would drop this process's locks on it.
  std::uint64_t file_bytes();
  /// Bytes of the main file as they lie on disk, by the same way. Error when the file ends before them.
  void read_bytes(std::uint64_t offset, std::span<std::byte> bytes);
  /// Writes and syncs them behind SQLite's back: for a caller that holds an exclusive transaction and knows why.
  void write_bytes(std::uint64_t offset, std::span<const std::byte> bytes);
  bool in_transaction() const;
  /// Rolls an open transaction back, if there is one. Never throws.
  void rollback() noexcept;

  const std::filesystem::path& path() const { return path_; }
  sqlite3* handle() const { return handle_; }
  [[noreturn]] void fail_with(int code, std::string_view doing) const;

 private:
  sqlite3_file* file();

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. Bound and returned bytes: bound ones must live until reset(), returned ones until the next
/// call of step() or reset(). Indices of parameters count from 1, of columns from 0, as in SQLite.
class SqliteStatement {
 public:
  SqliteStatement(SqliteDatabase& database, const std::string& sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  void bind(int index, std::int64_t value);
  void bind_text(int index, std::string_view value);
  void bind_blob(int index, std::span<const std::byte> value);
  void bind_null(int index);
  bool step();  ///< true: there is a row
  void reset() noexcept;

  std::int64_t column_int(int index) const;
  std::string_view column_text(int index) const;
  std::span<const std::byte> column_blob(int index) const;
  bool column_is_null(int index) const;

 private:
  void check(int code, std::string_view doing) const;

  SqliteDatabase& database_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace soco
