// SPDX-License-Identifier: MIT
#include "soco/proposals/store.h"

#include <mutex>
#include <utility>

#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/proposals/record_codec.h"
#include "soco/proposals/sqlite.h"
#include "soco/proposals/store_seal.h"

namespace soco {
namespace {

constexpr std::int64_t kApplicationId = 0x536f436f;  // "SoCo", in the file's header
constexpr const char* kColumns = "key, height, width, fingerprint, boxes, error, checksum";
constexpr const char* kSchema =
    "CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE proposals (key TEXT PRIMARY KEY NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,"
    " fingerprint BLOB NOT NULL, boxes BLOB NOT NULL, error TEXT, checksum INTEGER NOT NULL);";

bool has_content(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  return !error && size > 0;
}

/// A writer that was killed before or after its WAL leaves a journal that undoes its last transaction. Undoing it takes
/// a connection that may write; one that reads alone is refused.
void undo_what_was_cut_off(const std::filesystem::path& path) {
  if (!has_content(path.string() + "-journal")) return;
  SqliteDatabase(path, SqliteMode::kReadWrite).query_int("SELECT count(*) FROM sqlite_master");
}

}  // namespace

/// Invariant: `mutex_` is held by whoever uses the connection or its statements.
class ProposalStore::Impl {
 public:
  Impl(const std::filesystem::path& path, SqliteMode mode)
      : database_(path, mode), writable_(mode == SqliteMode::kReadWrite) {}

  ~Impl() {
    get_.reset();
    put_.reset();
    if (writable_) make_single_file();
  }

  void open_for_writing(const std::string& options) {
    // Others cannot read either then, but WAL needs no memory shared between processes.
    if (is_on_network(path())) database_.execute("PRAGMA locking_mode=EXCLUSIVE");
    if (database_.query_int("SELECT count(*) FROM sqlite_master") == 0 && is_new()) create(options);
    check_format();
    options_ = database_.query_text("SELECT value FROM meta WHERE name = 'options'");
    if (options_ != options) {
      fail(
          "proposal store {}: its boxes were made with other options\n  there: {}\n  now:   {}\n"
          "use the same options, another file, or remove this one",
          database_.path().string(), options_, options);
    }
    check_length();
    break_seal(database_);
    changed_ = true;
    set_journal();
    database_.execute("BEGIN IMMEDIATE");  // from now on no other process can write
  }

  void open_for_reading() {
    // A finished file is locked once for all reads: taking the lock anew is two thirds of a row's time. Of a WAL file
    // that would hide what its writer adds.
    if (database_.query_text("PRAGMA journal_mode") == "delete") database_.execute("BEGIN");
    check_format();
    check_length();
    options_ = database_.query_text("SELECT value FROM meta WHERE name = 'options'");
  }

  void put(std::span<const ProposalRecord> records) {
    const std::lock_guard lock(mutex_);
    if (!writable_) fail("proposal store {}: it was opened for reading only", database_.path().string());
    if (!database_.in_transaction()) database_.execute("BEGIN IMMEDIATE");  // after an error
    try {
      for (const ProposalRecord& record : records) put_one(record);
      database_.execute("COMMIT");
    } catch (...) {
      database_.rollback();
      throw;
    }
    database_.execute("BEGIN IMMEDIATE");  // the lock is kept between puts
  }

  std::optional<ProposalRecord> get(std::string_view key) const {
    const std::lock_guard lock(mutex_);
    SqliteStatement& statement = prepared(get_, fmt::format("SELECT {} FROM proposals WHERE key = ?1", kColumns));
    const Reset reset{statement};
    statement.bind_text(1, key);
    if (!statement.step()) return std::nullopt;
    return record_of(statement);
  }

  void for_each_key(const std::function<void(std::string_view)>& visit) const {
    const std::lock_guard lock(mutex_);
    SqliteStatement statement(database_, "SELECT key FROM proposals ORDER BY key");
    while (statement.step()) visit(statement.column_text(0));
  }

  std::int64_t count(const std::string& where) const {
    const std::lock_guard lock(mutex_);
    return database_.query_int("SELECT count(*) FROM proposals" + where);
  }

  void check_pages() const {
    const std::lock_guard lock(mutex_);
    const std::string result = database_.query_text("PRAGMA integrity_check(1)");
    if (result != "ok") {
      fail("proposal store {}: it is damaged ({}); remove it and make the proposals again", path().string(), result);
    }
  }

  StoreSeal seal() const {
    const std::lock_guard lock(mutex_);
    return !writable_ && check_seal(database_) ? StoreSeal::kWhole : StoreSeal::kNone;
  }

  const std::string& options() const { return options_; }
  const std::filesystem::path& path() const { return database_.path(); }

 private:
  struct Reset {
    SqliteStatement& statement;
    ~Reset() { statement.reset(); }
  };

  bool is_new() {
    return database_.query_int("PRAGMA application_id") == 0 && database_.query_int("PRAGMA user_version") == 0;
  }

  void create(const std::string& options) {
    database_.execute("BEGIN IMMEDIATE");
    try {
      database_.execute(kSchema);
      database_.execute(
          fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kFormatVersion));
      SqliteStatement insert(database_, "INSERT INTO meta VALUES ('options', ?1)");
      insert.bind_text(1, options);
      insert.step();
      insert.reset();
      database_.execute("COMMIT");
    } catch (...) {
      database_.rollback();
      throw;
    }
  }

  void check_format() {
    const std::string name = path().string();
    if (database_.query_int("PRAGMA application_id") != kApplicationId) {
      fail("proposal store {}: it is an SQLite file but not a proposal store; use another file", name);
    }
    const std::int64_t version = database_.query_int("PRAGMA user_version");
    if (version > kFormatVersion) {
      fail(
          "proposal store {}: its format version {} is newer than {}, the newest this program knows; update the "
          "program, or use another file",
          name, version, kFormatVersion);
    }
    if (version != kFormatVersion) fail("proposal store {}: unknown format version {}", name, version);
  }

  /// Compares the file's length with its number of pages, which SQLite only does for the pages it comes to read. Not
  /// possible while a log beside it holds pages of its own.
  void check_length() {
    if (has_content(path().string() + "-wal")) return;
    const auto expected = static_cast<std::uint64_t>(database_.query_int("PRAGMA page_count")) *
                          static_cast<std::uint64_t>(database_.query_int("PRAGMA page_size"));
    if (database_.file_bytes() >= expected) return;
    fail("proposal store {}: it is truncated ({} bytes of {}); remove it and make the proposals again", path().string(),
         database_.file_bytes(), expected);
  }

  /// WAL commits without rewriting pages; a file system that cannot have it gets the slower rollback journal.
  void set_journal() {
    const bool wal = database_.query_text("PRAGMA journal_mode=WAL") == "wal";
    database_.execute(wal ? "PRAGMA synchronous=NORMAL" : "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL");
  }

  /// Moves the write-ahead log into the file, so that it can be copied, and read where nothing can be written; seals
  /// it.
  void make_single_file() noexcept {
    try {
      database_.rollback();
      database_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      database_.execute("PRAGMA journal_mode=DELETE");
      if (changed_) put_seal(database_);
    } catch (...) {  // e.g. someone reads; nothing is lost: the log stays beside the file and is read with it
    }
  }

  SqliteStatement& prepared(std::unique_ptr<SqliteStatement>& statement, const std::string& sql) const {
    if (!statement) statement = std::make_unique<SqliteStatement>(database_, sql);
    return *statement;
  }

  void put_one(const ProposalRecord& record) {
    SqliteStatement& statement = prepared(
        put_, fmt::format("INSERT OR REPLACE INTO proposals ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", kColumns));
    const std::vector<std::byte> boxes = encode_boxes(record.proposals, record.key);
    const std::vector<std::byte> fingerprint = encode_fingerprint(record.fingerprint);
    const RowView row{.key = record.key,
                      .height = record.proposals.height,
                      .width = record.proposals.width,
                      .fingerprint = fingerprint,
                      .boxes = boxes,
                      .error = record.error};
    const Reset reset{statement};
    statement.bind_text(1, row.key);
    statement.bind(2, row.height);
    statement.bind(3, row.width);
    statement.bind_blob(4, row.fingerprint);
    statement.bind_blob(5, row.boxes);
    row.error.empty() ? statement.bind_null(6) : statement.bind_text(6, row.error);
    statement.bind(7, row_checksum(row));
    statement.step();
  }

  ProposalRecord record_of(const SqliteStatement& s) const {
    const RowView row{.key = s.column_text(0),
                      .height = s.column_int(1),
                      .width = s.column_int(2),
                      .fingerprint = s.column_blob(3),
                      .boxes = s.column_blob(4),
                      .error = s.column_text(5)};
    try {
      if (row_checksum(row) != s.column_int(6)) fail("its checksum does not match");
      ProposalRecord record;
      record.key = row.key;
      record.proposals.height = static_cast<int>(row.height);
      record.proposals.width = static_cast<int>(row.width);
      record.proposals.boxes = decode_boxes(row.boxes, record.proposals.height, record.proposals.width);
      record.fingerprint = decode_fingerprint(row.fingerprint);
      record.error = row.error;
      return record;
    } catch (const Error& e) {
      fail("proposal store {}: the row of '{}' is damaged: {}; remove the file and make the proposals again",
           path().string(), row.key, e.what());
    }
  }

  friend class ProposalStore::Cursor::State;
  mutable SqliteDatabase database_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<SqliteStatement> get_, put_;
  bool writable_;
  bool changed_ = false;  // opened for writing without an error
  std::string options_;
};

class ProposalStore::Cursor::State {
 public:
  explicit State(const Impl& impl) : impl_(impl) {
    const std::lock_guard lock(impl_.mutex_);
    statement_ = std::make_unique<SqliteStatement>(impl_.database_,
                                                   fmt::format("SELECT {} FROM proposals ORDER BY key", kColumns));
  }
  ~State() {
    const std::lock_guard lock(impl_.mutex_);
    statement_.reset();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::optional<ProposalRecord> next() {
    const std::lock_guard lock(impl_.mutex_);
    if (done_) return std::nullopt;
    done_ = !statement_->step();
    if (done_) return std::nullopt;
    return impl_.record_of(*statement_);
  }

 private:
  const Impl& impl_;
  std::unique_ptr<SqliteStatement> statement_;
  bool done_ = false;
};

ProposalStore::Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
ProposalStore::Cursor::~Cursor() = default;
ProposalStore::Cursor::Cursor(Cursor&&) noexcept = default;
std::optional<ProposalRecord> ProposalStore::Cursor::next() { return state_->next(); }
ProposalStore::Cursor ProposalStore::cursor() const { return Cursor(std::make_unique<Cursor::State>(*impl_)); }

ProposalStore::ProposalStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ProposalStore::~ProposalStore() = default;
ProposalStore::ProposalStore(ProposalStore&&) noexcept = default;
ProposalStore& ProposalStore::operator=(ProposalStore&&) noexcept = default;

ProposalStore ProposalStore::create_or_open(const std::filesystem::path& path, const std::string& options) {
  auto impl = std::make_unique<Impl>(path, SqliteMode::kReadWrite);
  impl->open_for_writing(options);
  return ProposalStore(std::move(impl));
}

ProposalStore ProposalStore::open_read(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) fail("proposal store {}: there is no such file", path.string());
  undo_what_was_cut_off(path);
  if (!has_content(path))
    fail("proposal store {}: it is empty, not a proposal store: whoever made it was cut off; make the proposals again",
         path.string());
  auto impl = std::make_unique<Impl>(path, SqliteMode::kReadOnly);
  impl->open_for_reading();
  return ProposalStore(std::move(impl));
}

void ProposalStore::put(std::span<const ProposalRecord> records) { impl_->put(records); }
std::optional<ProposalRecord> ProposalStore::get(std::string_view key) const { return impl_->get(key); }

bool ProposalStore::contains(std::string_view key, const Hash128& fingerprint) const {
  const std::optional<ProposalRecord> record = impl_->get(key);
  return record && record->fingerprint == fingerprint;
}

void ProposalStore::for_each_key(const std::function<void(std::string_view)>& visit) const {
  impl_->for_each_key(visit);
}

std::vector<std::string> ProposalStore::keys() const {
  std::vector<std::string> keys;
  for_each_key([&](std::string_view key) { keys.emplace_back(key); });
  return keys;
}

void ProposalStore::for_each(const std::function<void(const ProposalRecord&)>& visit) const {
  Cursor rows = cursor();
  while (const std::optional<ProposalRecord> record = rows.next()) visit(*record);
}

std::int64_t ProposalStore::size() const { return impl_->count(""); }
std::int64_t ProposalStore::num_bad() const { return impl_->count(" WHERE error IS NOT NULL"); }
const std::string& ProposalStore::options() const { return impl_->options(); }
const std::filesystem::path& ProposalStore::path() const { return impl_->path(); }

StoreSeal ProposalStore::verify() const {
  impl_->check_pages();
  for_each([](const ProposalRecord&) {});
  return impl_->seal();
}

}  // namespace soco
