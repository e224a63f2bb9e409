// SPDX-License-Identifier: MIT
#include "soco/proposals/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/signals.h"
#include "soco/proposals/new_store.h"
#include "soco/proposals/store.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

ProposalRecord record(const std::string& key, float x = 0) {
  return {.key = key,
          .proposals = {.height = 30, .width = 40, .boxes = {{x, 1, x + 3, 4}}},
          .fingerprint = {3, 4},
          .error = ""};
}

class MergeTest : public ::testing::Test {
 protected:
  void TearDown() override { request_stop(0); }
  fs::path make(const std::string& name, const std::vector<ProposalRecord>& records, const std::string& options = "o") {
    ProposalStore::create_or_open(dir / name, options).put(records);
    return dir / name;
  }
  std::string error_of(const std::vector<fs::path>& sources) {
    try {
      merge_stores(sources, dir / "all.db", quiet);
    } catch (const Error& error) {
      EXPECT_FALSE(fs::exists(dir / "all.db"));
      for (const auto& entry : fs::directory_iterator(dir.path())) {
        EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr("tmp")));
      }
      return error.what();
    }
    return "no error";
  }

  TempDir dir;
  NullLogger quiet;
};

TEST_F(MergeTest, PutsAllRowsInOrderOfKey) {
  const ProposalRecord bad{.key = "d", .proposals = {}, .fingerprint = {5, 6}, .error = "broken"};
  const MergeSummary summary = merge_stores({make("1.db", {record("e"), record("a", 1)}), make("2.db", {}),
                                             make("3.db", {record("b", 2), bad, record("c", 3)})},
                                            dir / "all.db", quiet);
  EXPECT_EQ(summary.num_images, 5);
  EXPECT_EQ(summary.num_bad, 1);
  EXPECT_EQ(summary.num_boxes, 4);
  EXPECT_EQ(summary.num_repeated, 0);
  const ProposalStore all = ProposalStore::open_read(dir / "all.db");
  EXPECT_THAT(all.keys(), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(all.options(), "o");
  EXPECT_EQ(all.get("c")->proposals, record("c", 3).proposals);
  EXPECT_EQ(all.get("d")->error, "broken");
  EXPECT_EQ(all.get("d")->fingerprint, bad.fingerprint);
  all.verify();
}

TEST_F(MergeTest, TakesEqualRowsOnce) {
  const std::vector<ProposalRecord> both{record("a"), record("b")};
  const MergeSummary summary =
      merge_stores({make("1.db", both), make("2.db", both), make("3.db", both)}, dir / "all.db", quiet);
  EXPECT_EQ(summary.num_images, 2);
  EXPECT_EQ(summary.num_repeated, 4);
}

TEST_F(MergeTest, NamesTheKeyThatDiffers) {
  const fs::path first = make("1.db", {record("a"), record("b", 1)});
  ProposalRecord changed = record("b", 1);
  changed.fingerprint.low = 9;
  const ProposalRecord bad{.key = "b", .proposals = {}, .fingerprint = {3, 4}, .error = "broken"};
  int i = 2;
  for (const ProposalRecord& other : {record("b", 2), changed, bad}) {
    const std::string error = error_of({first, make(fmt::format("{}.db", i++), {other})});
    EXPECT_THAT(error, HasSubstr("'b' differs"));
    EXPECT_THAT(error, HasSubstr("1.db"));
    EXPECT_THAT(error, HasSubstr(fmt::format("{}.db", i - 1)));
  }
}

TEST_F(MergeTest, NamesBothOptionsWhenTheyDiffer) {
  const std::string error = error_of({make("1.db", {record("a")}, "A"), make("2.db", {record("b")}, "B")});
  EXPECT_THAT(error, HasSubstr("1.db: A\n"));
  EXPECT_THAT(error, HasSubstr("2.db: B\n"));
}

TEST_F(MergeTest, NeverOverwrites) {
  const fs::path a = make("1.db", {record("a")}), b = make("2.db", {record("b")});
  write_file_atomic(dir / "all.db", "mine");
  EXPECT_THROW(merge_stores({a, b}, dir / "all.db", quiet), Error);
  EXPECT_EQ(read_text_file(dir / "all.db"), "mine");
}

TEST_F(MergeTest, RefusesWhatItCannotRead) {
  const fs::path a = make("1.db", {record("a")});
  EXPECT_THAT(error_of({a}), HasSubstr("two stores or more"));
  EXPECT_THAT(error_of({a, dir / "none.db"}), HasSubstr("no such file"));
  write_file_atomic(dir / "text.db", std::string(5000, 'x'));
  EXPECT_THAT(error_of({a, dir / "text.db"}), HasSubstr("not a proposal store"));
}

TEST_F(MergeTest, KeepsNothingWhenStopped) {
  const fs::path a = make("1.db", {record("a")}), b = make("2.db", {record("b")});
  request_stop(SIGINT);
  EXPECT_THAT(error_of({a, b}), HasSubstr("nothing was kept"));
}

TEST_F(MergeTest, JoinsMoreRowsThanABatch) {
  std::vector<ProposalRecord> even, odd;
  for (int i = 0; i < 1000; ++i)
    (i % 2 ? odd : even).push_back(record(fmt::format("{:04}", i), static_cast<float>(i % 30)));
  merge_stores({make("1.db", even), make("2.db", odd)}, dir / "all.db", quiet);
  int i = 0;
  ProposalStore::open_read(dir / "all.db").for_each([&](const ProposalRecord& r) {
    EXPECT_EQ(r.key, fmt::format("{:04}", i));
    EXPECT_EQ(r.proposals.boxes[0].x1, static_cast<float>(i++ % 30));
  });
  EXPECT_EQ(i, 1000);
}

}  // namespace
}  // namespace soco
