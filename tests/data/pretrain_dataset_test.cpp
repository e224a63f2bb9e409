// SPDX-License-Identifier: MIT
#include "soco/data/pretrain_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "data/tiny_dataset.h"
#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::RecordingLogger;
using testing::TinyDataset;

TEST(PretrainDataset, GivesTheImageAndItsFilteredProposals) {
  const TinyDataset tiny(3);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  RecordingLogger logger;
  PretrainDatasetOptions options;
  options.filter = parse_filter("none");
  const PretrainDataset all(tiny.entries(), store, options, logger);
  ASSERT_EQ(all.size(), 3);
  const PretrainImage loaded = all.load(1);
  EXPECT_EQ(loaded.source_index, 1);
  EXPECT_EQ(loaded.image.pixels, testing::test_image(49, 50, 1).pixels);
  EXPECT_EQ(loaded.proposals.boxes, testing::test_proposals(49, 50, 6, 1).boxes);

  options.filter = parse_filter("min=1000");  // nothing is that large: the filter's last resort is the whole image
  const PretrainDataset none(tiny.entries(), store, options, logger);
  EXPECT_THAT(none.load(1).proposals.boxes, ElementsAre(Box{0, 0, 50, 49}));
  EXPECT_THAT(logger.messages(), IsEmpty());
}

TEST(PretrainDataset, TakesTheNextImageForABadOneAndNamesItOnce) {
  const TinyDataset tiny(5);
  tiny.break_image(4);
  tiny.break_image(2);
  std::filesystem::remove(tiny.image_path(3));
  const std::vector<ImageEntry> entries = [&] {  // listed while all were there
    std::vector<ImageEntry> list;
    for (int i = 0; i < 5; ++i) list.push_back({std::to_string(1000 + i) + ".png", tiny.image_path(i)});
    return list;
  }();
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  RecordingLogger logger;
  const PretrainDataset dataset(entries, store, {}, logger);
  EXPECT_EQ(dataset.load(2).source_index, 0);  // 3 and 4 are bad too, and after the last comes the first
  EXPECT_EQ(dataset.load(4).source_index, 0);
  EXPECT_EQ(dataset.load(1).source_index, 1);
  EXPECT_EQ(dataset.num_bad(), 3);
  EXPECT_THAT(dataset.bad_keys(), ElementsAre("1002.png", "1003.png", "1004.png"));
  EXPECT_EQ(logger.messages().size(), 3u);
  EXPECT_THAT(logger.messages()[0], HasSubstr("1002.png"));
}

TEST(PretrainDataset, TreatsABadRecordOrAnotherSizeAsABadImage) {
  const TinyDataset tiny(3);
  {
    ProposalStore store = ProposalStore::create_or_open(tiny.store_path(), "tiny");
    ProposalRecord bad{.key = "1000.png", .proposals = {}, .fingerprint = {}, .error = "the file is truncated"};
    store.put(std::span(&bad, 1));
  }
  write_image(tiny.image_path(1), testing::test_image(10, 20, 1));
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  RecordingLogger logger;
  const PretrainDataset dataset(tiny.entries(), store, {}, logger);
  EXPECT_EQ(dataset.load(0).source_index, 2);
  ASSERT_EQ(logger.messages().size(), 2u);
  EXPECT_THAT(logger.messages()[0], HasSubstr("the file is truncated"));
  EXPECT_THAT(logger.messages()[1], HasSubstr("10 x 20"));
}

TEST(PretrainDataset, StopsWhenTooManyAreBad) {
  const TinyDataset tiny(8);
  for (int i = 0; i < 6; ++i) tiny.break_image(i);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  NullLogger logger;
  const PretrainDataset dataset(tiny.entries(), store, {.filter = {}, .limits = {}, .max_bad_ratio = 0.5}, logger);
  EXPECT_EQ(BadImages(0.5, logger).max_count(dataset.size()), 4);
  EXPECT_EQ(dataset.load(4).source_index, 6);  // two bad ones so far
  try {
    dataset.load(0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("5 of 8 images cannot be used"));
    EXPECT_THAT(error.what(), HasSubstr("max_bad_ratio = 0.5"));
  }
  const PretrainDataset strict(tiny.entries(), store, {.filter = {}, .limits = {}, .max_bad_ratio = 0}, logger);
  EXPECT_EQ(strict.load(7).source_index, 7);
  EXPECT_THROW(strict.load(5), Error);
}

TEST(PretrainDataset, SaysSoWhenNoImageCanBeUsed) {
  const TinyDataset tiny(2);
  tiny.break_image(0);
  tiny.break_image(1);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  NullLogger logger;
  const PretrainDataset dataset(tiny.entries(), store, {}, logger);
  for (int i = 0; i < 2; ++i) {
    try {
      dataset.load(i);
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("none of the 2 images"));
    }
  }
}

TEST(PretrainDataset, WantsProposalsForEveryImageAtOnce) {
  const TinyDataset tiny(3);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  NullLogger logger;
  std::vector<ImageEntry> entries;
  for (const ImageEntry& entry : tiny.entries()) entries.push_back(entry);
  entries.push_back({"new/2001.png", "new/2001.png"});
  entries.push_back({"new/2002.png", "new/2002.png"});
  try {
    PretrainDataset(entries, store, {}, logger);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr("2 of 5 images have no proposals"));
    EXPECT_THAT(error.what(), HasSubstr("new/2001.png"));
  }
  EXPECT_THROW(PretrainDataset({}, store, {}, logger), Error);
}

TEST(PretrainDataset, GivesImagesAloneWithoutAStore) {
  const TinyDataset tiny(3);
  tiny.break_image(0);
  RecordingLogger logger;
  const PretrainDataset dataset(tiny.entries(), {}, logger);
  const PretrainImage loaded = dataset.load(0);
  EXPECT_EQ(loaded.source_index, 1);
  EXPECT_EQ(loaded.image.pixels, testing::test_image(49, 50, 1).pixels);
  EXPECT_EQ(loaded.proposals, (ProposalSet{49, 50, {}}));
  EXPECT_EQ(dataset.num_bad(), 1);
}

TEST(PretrainDataset, CountsEachBadImageOnceFromManyThreads) {
  const TinyDataset tiny(6);
  tiny.break_image(1);
  tiny.break_image(2);
  const ProposalStore store = ProposalStore::open_read(tiny.store_path());
  RecordingLogger logger;
  const PretrainDataset dataset(tiny.entries(), store, {}, logger);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 6; ++i) EXPECT_EQ(dataset.load(i).source_index, i == 1 || i == 2 ? 3 : i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(dataset.num_bad(), 2);
  EXPECT_EQ(logger.messages().size(), 2u);
}

}  // namespace
}  // namespace soco
