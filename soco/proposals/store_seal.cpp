// SPDX-License-Identifier: MIT
#include "soco/proposals/store_seal.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/hash.h"

namespace soco {
namespace {

constexpr std::string_view kTag = "seal:";
constexpr std::size_t kNumDigits = 32;
constexpr std::uint64_t kChunkBytes = 1 << 20;

const std::string kNoDigits(kNumDigits, '0');

/// Holds a lock on the file from now to its end. A plain read only keeps others from writing, as a transaction that is
/// open already does.
class Transaction {
 public:
  Transaction(SqliteDatabase& database, const char* begin) : database_(database), ours_(!database.in_transaction()) {
    if (ours_) database_.execute(begin);
    database_.query_int("SELECT count(*) FROM meta");  // a plain BEGIN locks at the first read
  }
  ~Transaction() {
    if (ours_) database_.rollback();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 private:
  SqliteDatabase& database_;
  const bool ours_;
};

void set_digits(SqliteDatabase& database, const std::string& digits) {
  SqliteStatement statement(database, "INSERT OR REPLACE INTO meta VALUES ('seal', ?1)");
  const std::string value = std::string(kTag) + digits;
  statement.bind_text(1, value);
  statement.step();
}

/// Where the digits are in the file. `meta` has two short rows, which its root page holds.
std::uint64_t offset_of_digits(SqliteDatabase& database, const std::string& digits) {
  const auto page_size = static_cast<std::uint64_t>(database.query_int("PRAGMA page_size"));
  const auto page =
      static_cast<std::uint64_t>(database.query_int("SELECT rootpage FROM sqlite_master WHERE name = 'meta'"));
  std::string bytes(page_size, '\0');
  database.read_bytes((page - 1) * page_size, std::as_writable_bytes(std::span(bytes)));
  const std::size_t found = bytes.find(std::string(kTag) + digits);
  if (found == std::string::npos || bytes.find(std::string(kTag) + digits, found + 1) != std::string::npos)
    fail("proposal store {}: its seal is not where it should be", database.path().string());
  return (page - 1) * page_size + found + kTag.size();
}

/// The checksum of the file with zeros for the digits at `offset`.
std::string checksum_without_digits(SqliteDatabase& database, std::uint64_t offset) {
  Hasher128 hasher;
  std::vector<std::byte> chunk;
  const std::uint64_t size = database.file_bytes();
  for (std::uint64_t begin = 0; begin < size; begin += chunk.size()) {
    chunk.resize(std::min(kChunkBytes, size - begin));
    database.read_bytes(begin, chunk);
    for (std::size_t i = 0; i < kNumDigits; ++i)
      if (offset + i >= begin && offset + i < begin + chunk.size()) chunk[offset + i - begin] = std::byte{'0'};
    hasher.update(chunk);
  }
  return hasher.digest().hex();
}

}  // namespace

void break_seal(SqliteDatabase& database) {
  database.execute("PRAGMA secure_delete=ON");  // no copy of the old row may stay in the page
  set_digits(database, kNoDigits);
  database.execute("PRAGMA secure_delete=OFF");
}

void put_seal(SqliteDatabase& database) {
  const Transaction alone(database, "BEGIN EXCLUSIVE");
  const std::uint64_t offset = offset_of_digits(database, kNoDigits);
  const std::string digits = checksum_without_digits(database, offset);
  database.write_bytes(offset, bytes_of(digits));
}

bool check_seal(SqliteDatabase& database) {
  const Transaction reading(database, "BEGIN");
  const std::string name = database.path().string();
  const std::int64_t num_unknown =
      database.query_int("SELECT count(*) FROM meta WHERE name IS NOT 'options' AND name IS NOT 'seal'");
  if (num_unknown != 0) fail("proposal store {}: the table meta has a row that no store has: it is damaged", name);
  if (database.query_int("SELECT count(*) FROM meta WHERE name = 'seal'") == 0) return false;  // from before seals
  const std::string value = database.query_text("SELECT value FROM meta WHERE name = 'seal'");
  if (value == std::string(kTag) + kNoDigits) return false;
  if (!value.starts_with(kTag) || value.size() != kTag.size() + kNumDigits)
    fail("proposal store {}: its seal '{}' is damaged", name, value);
  const std::string digits = value.substr(kTag.size());
  const std::string actual = checksum_without_digits(database, offset_of_digits(database, digits));
  if (actual != digits)
    fail("proposal store {}: it is damaged, or another program changed it: its checksum is {}, its seal says {}", name,
         actual, digits);
  return true;
}

}  // namespace soco
