// SPDX-License-Identifier: MIT
#include "soco/proposals/sqlite.h"

#include <sqlite3.h>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/format.h"

namespace soco {
namespace {

constexpr int kBusyWaitMs = 250;

/// What is wrong and what to do, by SQLite's primary result code.
std::string explain(int code, const std::filesystem::path& path) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "it is in use by another process; wait for that to end, or use another file";
    case SQLITE_NOTADB:
      return "it is not a proposal store (not an SQLite file); use another file, or remove this one";
    case SQLITE_CORRUPT:
      return "it is damaged or truncated; remove it and make the proposals again";
    case SQLITE_FULL:
      return fmt::format("the disk is full ({} free)", format_bytes(free_bytes(path)));
    case SQLITE_READONLY:
      return "it cannot be written: check the permissions of the file and of its folder";
    case SQLITE_CANTOPEN:
      return "it cannot be opened: check that the file and its folder exist and may be read and written";
    case SQLITE_IOERR:
      return "reading or writing failed: check the disk";
    case SQLITE_NOMEM:
      return "out of memory";
    default:
      return "unexpected";
  }
}

}  // namespace

SqliteDatabase::SqliteDatabase(const std::filesystem::path& path, SqliteMode mode) : path_(path) {
  const int access = mode == SqliteMode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // A path beginning with ':' or "file:" would mean something else to SQLite; an absolute one never does.
  const std::string name = std::filesystem::absolute(path).string();
  const int code = sqlite3_open_v2(name.c_str(), &handle_, access | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    sqlite3_close(handle_);
    handle_ = nullptr;
    fail_with(code, "opening");
  }
  sqlite3_busy_timeout(handle_, kBusyWaitMs);
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(handle_); }

void SqliteDatabase::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code, sql.substr(0, sql.find_first_of(";(")));
}

std::string SqliteDatabase::query_text(const std::string& sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? std::string(statement.column_text(0)) : std::string();
}

std::int64_t SqliteDatabase::query_int(const std::string& sql) {
  SqliteStatement statement(*this, sql);
  return statement.step() ? statement.column_int(0) : 0;
}

sqlite3_file* SqliteDatabase::file() {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) fail_with(code, "asking for the file");
  return file;
}

std::uint64_t SqliteDatabase::file_bytes() {
  sqlite3_file* const main = file();
  sqlite3_int64 size = 0;
  const int code = main->pMethods->xFileSize(main, &size);
  if (code != SQLITE_OK) fail_with(code, "asking for the file's size");
  return static_cast<std::uint64_t>(size);
}

void SqliteDatabase::read_bytes(std::uint64_t offset, std::span<std::byte> bytes) {
  sqlite3_file* const main = file();
  const int code =
      main->pMethods->xRead(main, bytes.data(), static_cast<int>(bytes.size()), static_cast<sqlite3_int64>(offset));
  if (code != SQLITE_OK) fail_with(code, "reading the file");
}

void SqliteDatabase::write_bytes(std::uint64_t offset, std::span<const std::byte> bytes) {
  sqlite3_file* const main = file();
  int code =
      main->pMethods->xWrite(main, bytes.data(), static_cast<int>(bytes.size()), static_cast<sqlite3_int64>(offset));
  if (code == SQLITE_OK) code = main->pMethods->xSync(main, SQLITE_SYNC_NORMAL);
  if (code != SQLITE_OK) fail_with(code, "writing the file");
}

bool SqliteDatabase::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

void SqliteDatabase::rollback() noexcept {
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void SqliteDatabase::fail_with(int code, std::string_view doing) const {
  const std::string detail = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  fail("proposal store {}: {} (SQLite: {}, {}, in: {})", path_.string(), explain(code, path_), detail, code, doing);
}

SqliteStatement::SqliteStatement(SqliteDatabase& database, const std::string& sql) : database_(database) {
  check(sqlite3_prepare_v2(database.handle(), sql.c_str(), static_cast<int>(sql.size()), &handle_, nullptr), sql);
}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(handle_); }

void SqliteStatement::check(int code, std::string_view doing) const {
  if (code != SQLITE_OK) database_.fail_with(code, doing);
}

void SqliteStatement::bind(int index, std::int64_t value) { check(sqlite3_bind_int64(handle_, index, value), "bind"); }

void SqliteStatement::bind_text(int index, std::string_view value) {
  const char* text = value.empty() ? "" : value.data();
  check(sqlite3_bind_text64(handle_, index, text, value.size(), SQLITE_STATIC, SQLITE_UTF8), "bind");
}

void SqliteStatement::bind_blob(int index, std::span<const std::byte> value) {
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  check(sqlite3_bind_blob64(handle_, index, data, value.size(), SQLITE_STATIC), "bind");
}

void SqliteStatement::bind_null(int index) { check(sqlite3_bind_null(handle_, index), "bind"); }

bool SqliteStatement::step() {
  const int code = sqlite3_step(handle_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail_with(code, sqlite3_sql(handle_));
  return code == SQLITE_ROW;
}

void SqliteStatement::reset() noexcept {
  sqlite3_reset(handle_);  // repeats the error of the last step, which was thrown already
  sqlite3_clear_bindings(handle_);
}

std::int64_t SqliteStatement::column_int(int index) const { return sqlite3_column_int64(handle_, index); }

std::string_view SqliteStatement::column_text(int index) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, index));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, index)));
}

std::span<const std::byte> SqliteStatement::column_blob(int index) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, index));
  return {data, data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(handle_, index))};
}

bool SqliteStatement::column_is_null(int index) const { return sqlite3_column_type(handle_, index) == SQLITE_NULL; }

}  // namespace soco
