// SPDX-License-Identifier: MIT
#include "soco/proposals/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "proposals/child_process.h"
#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/proposals/sqlite.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using testing::ChildProcess;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

ProposalRecord record(const std::string& key, float x = 0, std::uint64_t fingerprint = 7) {
  return {.key = key,
          .proposals = {.height = 300, .width = 400, .boxes = {{x, 1, x + 30, 41}, {0, 0, 400, 300}}},
          .fingerprint = {fingerprint, ~fingerprint},
          .error = ""};
}

void put(ProposalStore& store, const ProposalRecord& r) { store.put(std::span(&r, 1)); }

/// A closed store with rows key00, key01, ...
fs::path made_store(const TempDir& dir, int num_rows = 3) {
  const fs::path path = dir / "p.db";
  ProposalStore store = ProposalStore::create_or_open(path, "options A");
  std::vector<ProposalRecord> records;
  for (int i = 0; i < num_rows; ++i) records.push_back(record(fmt::format("key{:02}", i), static_cast<float>(i)));
  store.put(records);
  return path;
}

/// Without the sync to disk that a real writer needs, since tests of damage write hundreds.
void write_quickly(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(ProposalStore, GivesBackWhatWasPut) {
  const TempDir dir;
  const ProposalRecord a = record("n01/a b.jpg", 5);
  ProposalRecord bad{.key = "n01/bad.jpg", .proposals = {}, .fingerprint = {1, 2}, .error = "truncated"};
  {
    ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
    put(store, a);
    put(store, bad);
  }
  const ProposalStore store = ProposalStore::open_read(dir / "p.db");
  EXPECT_EQ(store.get(a.key)->proposals, a.proposals);
  EXPECT_EQ(store.get(a.key)->fingerprint, a.fingerprint);
  EXPECT_EQ(store.get(a.key)->error, "");
  EXPECT_EQ(store.get(bad.key)->error, "truncated");
  EXPECT_TRUE(store.get(bad.key)->proposals.boxes.empty());
  EXPECT_FALSE(store.get("n01/a").has_value());
  EXPECT_EQ(store.size(), 2);
  EXPECT_EQ(store.num_bad(), 1);
  EXPECT_EQ(store.options(), "o");
  store.verify();
}

TEST(ProposalStore, ListsKeysInByteOrder) {
  const TempDir dir;
  ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
  for (const char* key : {"b", "a/z", "B", "\xc3\xa9", "a"}) put(store, record(key));
  EXPECT_THAT(store.keys(), ElementsAre("B", "a", "a/z", "b", "\xc3\xa9"));
  std::vector<std::string> visited;
  store.for_each([&](const ProposalRecord& r) { visited.push_back(r.key); });
  EXPECT_EQ(visited, store.keys());
}

TEST(ProposalStore, ReplacesTheRowOfAKey) {
  const TempDir dir;
  ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
  put(store, record("a", 1, 1));
  put(store, record("a", 2, 9));
  EXPECT_EQ(store.size(), 1);
  EXPECT_EQ(store.get("a")->proposals.boxes[0].x1, 2);
  EXPECT_TRUE(store.contains("a", {9, ~std::uint64_t{9}}));
  EXPECT_FALSE(store.contains("a", {1, ~std::uint64_t{1}}));
  EXPECT_FALSE(store.contains("b", {9, ~std::uint64_t{9}}));
}

TEST(ProposalStore, PutsAllRecordsOrNone) {
  const TempDir dir;
  ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
  std::vector<ProposalRecord> records{record("a"), record("b")};
  records[1].proposals.boxes[0].x2 = 401;  // leaves the image
  EXPECT_THAT(error_of([&] { store.put(records); }), HasSubstr("'b'"));
  EXPECT_EQ(store.size(), 0);
  put(store, record("c"));
  EXPECT_EQ(store.size(), 1);
}

TEST(ProposalStore, IsOneFileWhenClosed) {
  const TempDir dir;
  made_store(dir);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);
}

TEST(ProposalStore, RefusesWritingWhenOpenedForReading) {
  const TempDir dir;
  ProposalStore store = ProposalStore::open_read(made_store(dir));
  EXPECT_THAT(error_of([&] { put(store, record("x")); }), HasSubstr("reading only"));
}

TEST(ProposalStore, GoesOnWhenOptionsAreTheSame) {
  const TempDir dir;
  const fs::path path = made_store(dir);
  ProposalStore store = ProposalStore::create_or_open(path, "options A");
  EXPECT_EQ(store.size(), 3);
}

TEST(ProposalStore, NamesBothOptionsWhenTheyDiffer) {
  const TempDir dir;
  const fs::path path = made_store(dir);
  const std::string error = error_of([&] { ProposalStore::create_or_open(path, "options B"); });
  EXPECT_THAT(error, HasSubstr("options A"));
  EXPECT_THAT(error, HasSubstr("options B"));
  EXPECT_THAT(error, HasSubstr(path.string()));
}

TEST(ProposalStore, FailsWhenTheFileIsMissing) {
  const TempDir dir;
  EXPECT_THAT(error_of([&] { ProposalStore::open_read(dir / "none.db"); }), HasSubstr("no such file"));
  EXPECT_FALSE(fs::exists(dir / "none.db"));
  EXPECT_THAT(error_of([&] { ProposalStore::create_or_open(dir / "no/such/folder.db", "o"); }), HasSubstr("folder"));
}

TEST(ProposalStore, NamesTheVersionWhenItIsNewer) {
  const TempDir dir;
  const fs::path path = made_store(dir);
  SqliteDatabase(path, SqliteMode::kReadWrite).execute("PRAGMA user_version=99");
  EXPECT_THAT(error_of([&] { ProposalStore::open_read(path); }), HasSubstr("version 99 is newer"));
  EXPECT_THAT(error_of([&] { ProposalStore::create_or_open(path, "options A"); }), HasSubstr("version 99 is newer"));
}

TEST(ProposalStore, RefusesOtherFiles) {
  const TempDir dir;
  write_file_atomic(dir / "text.db", std::string(5000, 'x'));
  write_file_atomic(dir / "short.db", "hello");
  SqliteDatabase(dir / "other.db", SqliteMode::kReadWrite).execute("CREATE TABLE t (x)");
  for (const char* name : {"text.db", "short.db", "other.db"}) {
    const std::string before = read_text_file(dir / name);
    EXPECT_THAT(error_of([&] { ProposalStore::open_read(dir / name); }), HasSubstr("not a proposal store")) << name;
    EXPECT_THAT(error_of([&] { ProposalStore::create_or_open(dir / name, "o"); }), HasSubstr("not a proposal store"))
        << name;
    EXPECT_EQ(read_text_file(dir / name), before) << name;
  }
}

TEST(ProposalStore, RefusesAnEmptyFileForReadingAndUsesItForWriting) {
  const TempDir dir;
  write_file_atomic(dir / "p.db", "");
  EXPECT_THAT(error_of([&] { ProposalStore::open_read(dir / "p.db"); }), HasSubstr("not a proposal store"));
  ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
  EXPECT_EQ(store.size(), 0);
}

TEST(ProposalStore, SaysTruncatedAtAnyLength) {
  const TempDir dir;
  const fs::path path = made_store(dir, 60);
  const std::uintmax_t size = fs::file_size(path);
  ASSERT_GT(size, 8192u);
  for (std::uintmax_t length = 100; length < size; length += 1000) {
    fs::copy_file(path, dir / "cut.db", fs::copy_options::overwrite_existing);
    fs::resize_file(dir / "cut.db", length);
    EXPECT_THAT(error_of([&] { ProposalStore::open_read(dir / "cut.db"); }), HasSubstr("truncated")) << length;
  }
}

TEST(ProposalStore, FindsAFlippedByteInARow) {
  const TempDir dir;
  const fs::path path = made_store(dir, 1);
  const std::string bytes = read_text_file(path);
  const std::string boxes{"\x00\x00\x01\x00\x1e\x00\x29\x00", 8};  // (0, 1, 30, 41) as int16
  const std::size_t place = bytes.find(boxes);
  ASSERT_NE(place, std::string::npos);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    std::string damaged = bytes;
    damaged[place + i] = static_cast<char>(damaged[place + i] ^ 0x08);
    write_quickly(dir / "bad.db", damaged);
    const ProposalStore store = ProposalStore::open_read(dir / "bad.db");
    EXPECT_THAT(error_of([&] { store.get("key00"); }), HasSubstr("'key00' is damaged"));
    EXPECT_NE(error_of([&] { store.verify(); }), "no error");
  }
}

TEST(ProposalStore, NeverCrashesOnFlippedBytes) {
  const TempDir dir;
  const std::string bytes = read_text_file(made_store(dir, 20));
  for (std::size_t place = 0; place < bytes.size(); place += 97) {
    std::string damaged = bytes;
    damaged[place] = static_cast<char>(~damaged[place]);
    write_quickly(dir / "bad.db", damaged);
    error_of([&] {  // an Error or the whole content; anything else ends the test program
      const ProposalStore store = ProposalStore::open_read(dir / "bad.db");
      store.verify();
      for (const std::string& key : store.keys()) store.get(key);
    });
  }
}

TEST(ProposalStore, KeepsCommittedRowsWhenTheWriterIsKilled) {
  const TempDir dir;
  const fs::path path = dir / "p.db";
  ChildProcess child([&](const std::function<void()>& ready) {
    ProposalStore store = ProposalStore::create_or_open(path, "o");
    put(store, record("a"));
    put(store, record("b"));
    ready();
    while (true) pause();
  });
  ASSERT_TRUE(child.wait_ready());
  child.kill();
  {
    const ProposalStore store = ProposalStore::open_read(path);
    EXPECT_THAT(store.keys(), ElementsAre("a", "b"));
    store.verify();
  }
  ProposalStore store = ProposalStore::create_or_open(path, "o");
  put(store, record("c"));
  EXPECT_EQ(store.size(), 3);
}

TEST(ProposalStore, IsReadAsItWasWhenAWriterWasKilledOutsideOfTheLog) {
  const TempDir dir;
  const fs::path path = dir / "p.db", fresh = dir / "new.db";
  {
    ProposalStore store = ProposalStore::create_or_open(path, "o");
    put(store, record("a"));
  }
  const std::vector<std::pair<fs::path, std::string>> cuts{{path, "DELETE FROM proposals"},
                                                           {fresh, "CREATE TABLE proposals (key)"}};
  for (const auto& cut : cuts) {
    ChildProcess child([&](const std::function<void()>& ready) {
      SqliteDatabase database(cut.first, SqliteMode::kReadWrite);
      database.execute("PRAGMA cache_size=1; BEGIN IMMEDIATE");
      database.execute(cut.second);
      ready();
      while (true) pause();
    });
    ASSERT_TRUE(child.wait_ready());
    child.kill();
    ASSERT_GT(fs::file_size(cut.first.string() + "-journal"), 0u);  // else the test means nothing
  }
  EXPECT_THAT(ProposalStore::open_read(path).keys(), ElementsAre("a"));
  EXPECT_THAT(error_of([&] { ProposalStore::open_read(fresh); }), HasSubstr("it is empty"));
  EXPECT_EQ(ProposalStore::create_or_open(fresh, "o").size(), 0);
}

TEST(ProposalStore, SaysInUseWhileAnotherProcessWrites) {
  const TempDir dir;
  const fs::path path = dir / "p.db";
  ChildProcess child([&](const std::function<void()>& ready) {
    ProposalStore store = ProposalStore::create_or_open(path, "o");
    ready();
    while (true) pause();
  });
  ASSERT_TRUE(child.wait_ready());
  EXPECT_THAT(error_of([&] { ProposalStore::create_or_open(path, "o"); }), HasSubstr("in use by another process"));
}

TEST(ProposalStore, CanBeReadWhileAnotherProcessWrites) {
  const TempDir dir;
  if (is_on_network(dir.path())) GTEST_SKIP() << "the temporary folder is on a network file system";
  const fs::path path = dir / "p.db";
  ChildProcess child([&](const std::function<void()>& ready) {
    ProposalStore store = ProposalStore::create_or_open(path, "o");
    put(store, record("a"));
    put(store, record("b"));
    ready();
    for (int i = 0;; ++i) put(store, record(fmt::format("more{}", i)));
  });
  ASSERT_TRUE(child.wait_ready());
  for (int i = 0; i < 20; ++i) {
    const ProposalStore store = ProposalStore::open_read(path);
    EXPECT_EQ(store.get("a")->proposals, record("a").proposals);
    EXPECT_GE(store.size(), 2);
    EXPECT_EQ(store.options(), "o");
  }
  const ProposalStore reader = ProposalStore::open_read(path);
  child.kill();
  reader.verify();
  EXPECT_GE(reader.size(), 2);
}

TEST(ProposalStore, IsWholeWhenItsWriterClosesWhileSomeoneReads) {
  const TempDir dir;
  const fs::path path = dir / "p.db";
  auto writer = std::make_unique<ProposalStore>(ProposalStore::create_or_open(path, "o"));
  put(*writer, record("a"));
  {
    const ProposalStore reader = ProposalStore::open_read(path);
    EXPECT_EQ(reader.size(), 1);
    put(*writer, record("b"));
    writer.reset();
    EXPECT_EQ(reader.size(), 2);
    fs::copy_file(path, dir / "copy.db");  // without what lies beside it
  }
  EXPECT_EQ(ProposalStore::open_read(dir / "copy.db").size(), 2);
  EXPECT_EQ(ProposalStore::open_read(path).size(), 2);
}

TEST(ProposalStore, IsNotOpenedForWritingWhileSomeoneReadsTheFinishedFile) {
  const TempDir dir;
  const fs::path path = made_store(dir);
  const std::string options = ProposalStore::open_read(path).options();
  {
    const ProposalStore reader = ProposalStore::open_read(path);
    EXPECT_THAT(error_of([&] { ProposalStore::create_or_open(path, options); }), HasSubstr("in use by another process"));
  }
  ProposalStore writer = ProposalStore::create_or_open(path, options);
  put(writer, record("more"));
}

TEST(ProposalStore, KeepsItsLogSmall) {
  const TempDir dir;
  ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
  std::vector<ProposalRecord> records;
  for (int i = 0; i < 200; ++i) {
    records.push_back(record(fmt::format("{:03}", i)));
    records.back().proposals.boxes.resize(300, {0, 0, 400, 300});
  }
  for (int round = 0; round < 40; ++round) store.put(records);  // 20 MB in all
  // SQLite moves the log into the file every 1000 pages (4 MB), at the end of the put that passes them.
  EXPECT_LT(fs::file_size(dir / "p.db-wal"), 8u << 20);
}

TEST(ProposalStore, GivesRowsOneByOne) {
  const TempDir dir;
  const ProposalStore store = ProposalStore::open_read(made_store(dir, 3));
  ProposalStore::Cursor first = store.cursor(), second = store.cursor();
  EXPECT_EQ(first.next()->key, "key00");
  EXPECT_EQ(first.next()->key, "key01");
  EXPECT_EQ(second.next()->key, "key00");
  EXPECT_TRUE(store.get("key02"));
  EXPECT_EQ(first.next()->key, "key02");
  EXPECT_FALSE(first.next());
  EXPECT_FALSE(first.next());
}

TEST(ProposalStore, ServesManyThreads) {
  const TempDir dir;
  const ProposalStore store = ProposalStore::open_read(made_store(dir, 50));
  std::atomic<int> num_right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const auto found = store.get(fmt::format("key{:02}", i % 50));
        num_right += found && found->proposals.boxes[0].x1 == static_cast<float>(i % 50);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_right, 2000);
}

}  // namespace
}  // namespace soco
