// SPDX-License-Identifier: MIT
#include "soco/proposals/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <mutex>

#include "proposals/child_process.h"
#include "proposals/test_images.h"
#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/signals.h"
#include "soco/image/codec.h"
#include "soco/proposals/store.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using testing::ChildProcess;
using ::testing::HasSubstr;
using testing::scene_image;
using testing::TempDir;

class RecordingLogger : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::kWarning) warnings.emplace_back(message);
    if (on_message) on_message();
  }
  std::vector<std::string> warnings;
  std::function<void()> on_message;

 private:
  std::mutex mutex_;
};

class ProposeTest : public ::testing::Test {
 protected:
  void SetUp() override { request_stop(0); }
  void TearDown() override { request_stop(0); }

  void add_images(int n) {
    for (int i = 0; i < n; ++i)
      add_image(fmt::format("image{:03}.png", entries.size()), static_cast<int>(entries.size()));
  }
  void add_image(const std::string& key, int seed) {
    write_image(dir / key, scene_image(40, 50, static_cast<std::uint64_t>(seed)));
    entries.push_back({key, dir / key});
  }
  void add_bad_image(const std::string& key) {
    write_file_atomic(dir / key, "this is no image");
    entries.push_back({key, dir / key});
  }
  ProposeOptions options(int workers = 2, const std::string& out = "p.db") {
    ProposeOptions o;
    o.out = dir / out;
    o.workers = workers;
    return o;
  }
  ProposeSummary run(const ProposeOptions& o) { return propose(entries, o, logger); }
  /// All rows as text.
  std::string content(const std::string& out = "p.db") {
    std::string text;
    ProposalStore::open_read(dir / out).for_each([&](const ProposalRecord& r) {
      text +=
          fmt::format("{} {}x{} {} '{}':", r.key, r.proposals.width, r.proposals.height, r.fingerprint.hex(), r.error);
      for (const Box& b : r.proposals.boxes) text += fmt::format(" {},{},{},{}", b.x1, b.y1, b.x2, b.y2);
      text += '\n';
    });
    return text;
  }

  TempDir dir;
  std::vector<ImageEntry> entries;
  RecordingLogger logger;
};

template <class F>
Error error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  return Error("no error");
}

TEST_F(ProposeTest, StoresTheFilteredBoxesOfEveryImage) {
  add_images(3);
  ProposeOptions o = options();
  o.filter = parse_filter("ratio=3,size=0.1:0.9,min=8");
  const ProposeSummary summary = run(o);
  EXPECT_EQ(summary.num_images, 3);
  EXPECT_EQ(summary.num_done, 3);
  EXPECT_EQ(summary.num_skipped, 0);
  EXPECT_EQ(summary.num_bad, 0);
  const ProposalStore store = ProposalStore::open_read(o.out);
  std::int64_t num_boxes = 0;
  for (int i = 0; i < 3; ++i) {
    const Image image = scene_image(40, 50, static_cast<std::uint64_t>(i));
    const auto found = store.get(entries[i].key);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->proposals.height, 40);
    EXPECT_EQ(found->proposals.width, 50);
    EXPECT_EQ(found->proposals.boxes, filter_proposals(selective_search(image), 40, 50, o.filter));
    num_boxes += static_cast<std::int64_t>(found->proposals.boxes.size());
  }
  EXPECT_EQ(summary.num_boxes, num_boxes);
}

TEST_F(ProposeTest, WritesTheSameRowsForAnyNumberOfWorkers) {
  add_images(12);
  add_bad_image("broken.png");
  run(options(1, "one.db"));
  run(options(5, "five.db"));
  EXPECT_EQ(content("one.db"), content("five.db"));
}

TEST_F(ProposeTest, SkipsWhatIsDone) {
  add_images(4);
  run(options());
  const std::string before = content();
  add_images(2);
  const ProposeSummary summary = run(options());
  EXPECT_EQ(summary.num_skipped, 4);
  EXPECT_EQ(summary.num_done, 2);
  EXPECT_THAT(content(), HasSubstr(before));
}

TEST_F(ProposeTest, DoesAChangedImageAgain) {
  add_images(3);
  run(options());
  write_image(entries[1].path, scene_image(60, 45, 77));
  const ProposeSummary summary = run(options());
  EXPECT_EQ(summary.num_skipped, 2);
  EXPECT_EQ(summary.num_done, 1);
  EXPECT_EQ(ProposalStore::open_read(dir / "p.db").get(entries[1].key)->proposals.height, 60);
}

TEST_F(ProposeTest, RefusesAStoreOfOtherOptions) {
  add_images(1);
  run(options());
  ProposeOptions o = options();
  o.search.scales = {100};
  const std::string error = error_of([&] { run(o); }).what();
  EXPECT_THAT(error, HasSubstr("scale=300"));
  EXPECT_THAT(error, HasSubstr("scale=100"));
}

TEST_F(ProposeTest, RecordsABadImageAndNamesItOnce) {
  add_images(3);
  add_bad_image("broken.png");
  entries.push_back({"gone.png", dir / "gone.png"});
  const ProposeSummary summary = run(options());
  EXPECT_EQ(summary.num_bad, 2);
  EXPECT_EQ(summary.num_done, 5);
  ASSERT_EQ(logger.warnings.size(), 2u);
  std::sort(logger.warnings.begin(), logger.warnings.end());
  EXPECT_THAT(logger.warnings[0], HasSubstr("broken.png"));
  EXPECT_THAT(logger.warnings[1], HasSubstr("gone.png"));
  const ProposalStore store = ProposalStore::open_read(dir / "p.db");
  EXPECT_EQ(store.num_bad(), 2);
  EXPECT_NE(store.get("broken.png")->error, "");
  EXPECT_NE(store.get("gone.png")->error, "");
}

TEST_F(ProposeTest, PassesABadImageOverUntilItsFileChanges) {
  add_images(3);
  add_bad_image("broken.png");
  entries.push_back({"gone.png", dir / "gone.png"});
  run(options());
  const std::string before = content();
  logger.warnings.clear();
  const ProposeSummary again = run(options());
  EXPECT_EQ(again.num_done, 0);
  EXPECT_EQ(again.num_skipped, 5);
  EXPECT_EQ(again.num_bad, 2);
  EXPECT_TRUE(logger.warnings.empty());
  EXPECT_EQ(content(), before);
  for (const char* key : {"broken.png", "gone.png"}) write_image(dir / key, scene_image(40, 50, 5));
  const ProposeSummary mended = run(options());
  EXPECT_EQ(mended.num_done, 2);
  EXPECT_EQ(mended.num_bad, 0);
  EXPECT_EQ(ProposalStore::open_read(dir / "p.db").num_bad(), 0);
}

TEST_F(ProposeTest, TriesBadImagesAgainWhenAsked) {
  add_images(3);
  add_bad_image("broken.png");
  entries.push_back({"gone.png", dir / "gone.png"});
  run(options());
  logger.warnings.clear();
  ProposeOptions o = options();
  o.retry_bad = true;
  const ProposeSummary summary = run(o);
  EXPECT_EQ(summary.num_done, 2);
  EXPECT_EQ(summary.num_skipped, 3);
  EXPECT_EQ(summary.num_bad, 2);
  EXPECT_EQ(logger.warnings.size(), 2u);
}

TEST_F(ProposeTest, CountsBadImagesOfEarlierRunsAgainstTheLimit) {
  add_images(5);
  for (int i = 0; i < 5; ++i) add_bad_image(fmt::format("broken{}.png", i));
  EXPECT_THAT(error_of([&] { run(options()); }).what(), HasSubstr("5 of 10 images are bad"));
  EXPECT_THAT(error_of([&] { run(options()); }).what(), HasSubstr("5 of 10 images are bad"));
}

TEST_F(ProposeTest, StoresBoxesByChanceThatDependOnNameAndSeedAlone) {
  add_images(3);
  ProposeOptions o = options();
  o.source = BoxSource::kRandom;
  o.random.min_side = 4;
  run(o);
  const std::string before = content();
  std::reverse(entries.begin(), entries.end());
  o.out = dir / "reversed.db";
  o.workers = 1;
  run(o);
  EXPECT_EQ(content("reversed.db"), before);
  o.out = dir / "seed.db";
  o.random.seed = 1;
  run(o);
  EXPECT_NE(content("seed.db"), before);
  const ProposalStore store = ProposalStore::open_read(dir / "p.db");
  EXPECT_NE(store.get("image000.png")->proposals.boxes, store.get("image001.png")->proposals.boxes);
}

TEST_F(ProposeTest, StoresAGridAndNoticesADamagedHeader) {
  add_images(2);
  add_bad_image("broken.png");
  ProposeOptions o = options();
  o.source = BoxSource::kGrid;
  EXPECT_EQ(run(o).num_bad, 1);
  EXPECT_EQ(ProposalStore::open_read(dir / "p.db").get("image001.png")->proposals,
            (ProposalSet{40, 50, box_grid(40, 50, o.grid)}));
}

TEST_F(ProposeTest, FailsWhenTooManyImagesAreBad) {
  add_images(5);
  for (int i = 0; i < 5; ++i) add_bad_image(fmt::format("broken{}.png", i));
  const std::string error = error_of([&] { run(options()); }).what();
  EXPECT_THAT(error, HasSubstr("5 of 10 images are bad"));
  EXPECT_EQ(ProposalStore::open_read(dir / "p.db").size(), 10);  // the good ones are kept
  ProposeOptions o = options();
  o.max_bad_ratio = 0.5;
  EXPECT_EQ(run(o).num_bad, 5);
}

TEST_F(ProposeTest, FailsWhenNoImageIsGood) {
  add_bad_image("broken.png");
  EXPECT_THAT(error_of([&] { run(options()); }).what(), HasSubstr("1 of 1"));
}

TEST_F(ProposeTest, ToleratesNoBadImageWhenTheRatioIsZero) {
  add_images(3);
  add_bad_image("broken.png");
  ProposeOptions o = options();
  o.max_bad_ratio = 0;
  EXPECT_THAT(error_of([&] { run(o); }).what(), HasSubstr("1 of 4"));
}

TEST_F(ProposeTest, FailsWithoutImages) { EXPECT_THROW(run(options()), Error); }

TEST_F(ProposeTest, StopsWhenAskedAndContinues) {
  add_bad_image("a_broken.png");  // its warning is the moment at which the stop is asked for
  add_images(30);
  run(options(2, "whole.db"));
  logger.on_message = [] { request_stop(SIGINT); };
  const Error error = error_of([&] { run(options(1)); });
  EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  logger.on_message = {};
  request_stop(0);
  const std::int64_t num_saved = ProposalStore::open_read(dir / "p.db").size();
  EXPECT_GE(num_saved, 1);
  EXPECT_LT(num_saved, 31);
  EXPECT_EQ(run(options()).num_skipped, num_saved);
  EXPECT_EQ(content(), content("whole.db"));
}

TEST_F(ProposeTest, ContinuesAfterBeingKilledAtAnyTime) {
  add_images(40);
  run(options(2, "whole.db"));
  for (int round = 0; round < 4; ++round) {
    ChildProcess child([&](const std::function<void()>& ready) {
      NullLogger quiet;
      ready();
      propose(entries, options(2), quiet);
    });
    ASSERT_TRUE(child.wait_ready());
    usleep(static_cast<useconds_t>(8000 * round));
    child.kill();
  }
  run(options());
  EXPECT_EQ(content(), content("whole.db"));
  ProposalStore::open_read(dir / "p.db").verify();
}

TEST_F(ProposeTest, ShardsPartitionTheImages) {
  add_images(20);
  std::int64_t num_images = 0;
  for (int i = 1; i <= 3; ++i) {
    ProposeOptions o = options();
    o.shard = fmt::format("{}/3", i);
    num_images += run(o).num_images;
  }
  EXPECT_EQ(num_images, 20);
  EXPECT_EQ(ProposalStore::open_read(dir / "p.db").size(), 20);
  for (const ImageEntry& entry : entries) {
    int num_owners = 0;
    for (int i = 1; i <= 7; ++i) num_owners += Shard{i, 7}.contains(entry.key);
    EXPECT_EQ(num_owners, 1);
  }
}

TEST(ParseShard, ReadsOneOfN) {
  EXPECT_EQ(parse_shard("2/4").index, 2);
  EXPECT_EQ(parse_shard("2/4").count, 4);
  for (const char* text : {"", "1", "0/4", "5/4", "1/0", "-1/4", "1/4x", "a/b", "1//4", "/", "1/"}) {
    EXPECT_EQ(error_of([&] { parse_shard(text); }).kind(), ErrorKind::kUsage) << text;
  }
}

TEST(StoreOptionsText, NamesAllThatShapesTheBoxes) {
  const std::string search = store_options_text({});
  EXPECT_THAT(search, ::testing::StartsWith("source=search strategy=soco scale=300 sigma=0.9 min_size=100"));
  EXPECT_THAT(search, ::testing::EndsWith(" filter=none"));
  EXPECT_THAT(search, ::testing::Not(HasSubstr("max_pixels")));  // refuses images, shapes none
  ProposeOptions o;
  o.source = BoxSource::kRandom;
  o.filter = {};
  EXPECT_EQ(store_options_text(o),
            "source=random num_tries=32 max_ratio=3.0 min_size_ratio=0.3 max_size_ratio=0.8 min_side=32 "
            "from_center=false seed=0 filter=ratio=3,size=0.3:0.8,min=32");
  o.source = BoxSource::kGrid;
  EXPECT_THAT(store_options_text(o), HasSubstr("source=grid sizes=[0.3, 0.5, 0.7] ratios=[0.5, 1.0, 2.0] stride=0.5 "));
}

TEST(ProposeOptions, AreCheckedBeforeAnyWork) {
  ProposeOptions o;
  EXPECT_EQ(error_of([&] { o.validate(); }).kind(), ErrorKind::kUsage);
  o.out = "x.db";
  o.shard = "3/2";
  EXPECT_EQ(error_of([&] { o.validate(); }).kind(), ErrorKind::kUsage);
}

}  // namespace
}  // namespace soco
