// SPDX-License-Identifier: MIT
#include "soco/proposals/result_sorter.h"

#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <optional>
#include <system_error>

#include "soco/base/error.h"

namespace soco {
namespace {

std::filesystem::path temporary_path(const std::filesystem::path& folder) {
  static std::atomic<int> counter{0};
  return folder / fmt::format(".sort.tmp.{}.{}", ::getpid(), counter++);
}

/// An integer of the same order as the float64, so that SQLite compares and keeps it exactly.
std::int64_t ordered(double value) {
  const auto bits = std::bit_cast<std::int64_t>(value == 0 ? 0.0 : value);  // -0 equals 0
  return bits >= 0 ? bits : static_cast<std::int64_t>(0x8000'0000'0000'0000u - static_cast<std::uint64_t>(bits));
}

SqliteDatabase& prepared(SqliteDatabase& database) {
  // Nothing of it needs to survive: no journal, no sync, one transaction.
  database.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE");
  database.execute("CREATE TABLE boxes (image INTEGER, score INTEGER, box BLOB); BEGIN");
  return database;
}

}  // namespace

ResultSorter::ResultSorter(const std::filesystem::path& folder)
    : path_(temporary_path(folder)),
      database_(path_, SqliteMode::kReadWrite),
      insert_(prepared(database_), "INSERT INTO boxes VALUES (?1, ?2, ?3)") {}

ResultSorter::~ResultSorter() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void ResultSorter::add(std::int64_t image, double score, const CocoBox& box) {
  insert_.bind(1, image);
  insert_.bind(2, ordered(score));
  insert_.bind_blob(3, std::as_bytes(std::span(&box, 1)));
  insert_.step();
  insert_.reset();
}

void ResultSorter::for_each_image(const std::function<void(std::int64_t, const std::vector<CocoBox>&)>& visit) {
  SqliteStatement rows(database_, "SELECT image, box FROM boxes ORDER BY image, score DESC, rowid");
  std::optional<std::int64_t> image;
  std::vector<CocoBox> boxes;
  while (rows.step()) {
    if (image != rows.column_int(0)) {
      if (image) visit(*image, boxes);
      image = rows.column_int(0);
      boxes.clear();
    }
    const std::span<const std::byte> bytes = rows.column_blob(1);
    SOCO_ASSERT(bytes.size() == sizeof(CocoBox));
    std::memcpy(&boxes.emplace_back(), bytes.data(), sizeof(CocoBox));
  }
  if (image) visit(*image, boxes);
}

}  // namespace soco
