// SPDX-License-Identifier: MIT
#include "soco/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "data/tiny_dataset.h"
#include "soco/base/error.h"
#include "soco/base/hash.h"
#include "soco/data/sample.h"
#include "soco/data/sampler.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::TinyDataset;

/// The three-view plan in small, so that a batch takes milliseconds.
ViewPlan small_plan() {
  ViewPlan plan = soco_fpn_view_plan(true);
  plan.views[0].size = plan.views[1].size = 16;
  plan.views[2].size = 8;
  return plan;
}

template <class T>
void add(Hasher128& hasher, const std::vector<T>& values) {
  hasher.update(std::as_bytes(std::span(values)));
}

std::string hash_of(const PretrainBatch& batch) {
  Hasher128 hasher;
  for (const ViewBatch& view : batch.views) add(hasher, view.pixels);
  for (const PairBatch& pair : batch.pairs) {
    for (const SideBatch* side : {&pair.a, &pair.b}) {
      add(hasher, side->boxes);
      add(hasher, side->ids);
      add(hasher, side->levels);
    }
  }
  add(hasher, batch.sample_indices);
  return hasher.digest().hex();
}

struct Fixture {
  explicit Fixture(int num_images, PretrainDatasetOptions options = {})
      : tiny(num_images),
        store(ProposalStore::open_read(tiny.store_path())),
        dataset(tiny.entries(), store, std::move(options), logger) {}

  TinyDataset tiny;
  ProposalStore store;
  NullLogger logger;
  PretrainDataset dataset;
};

LoaderOptions workers(int n, int prefetch = 2) {
  LoaderOptions options;
  options.num_workers = n;
  options.prefetch = prefetch;
  return options;
}

std::vector<std::string> hashes(DataLoader& loader, int count, bool recycle = false) {
  std::vector<std::string> result;
  for (int i = 0; i < count; ++i) {
    std::optional<PretrainBatch> batch = loader.next();
    if (!batch) break;
    result.push_back(hash_of(*batch));
    if (recycle) loader.recycle(std::move(*batch));
  }
  return result;
}

TEST(DataLoader, GivesTheSamplesOfTheSamplersOrder) {
  const Fixture f(11);
  DataLoader loader(f.dataset, small_plan(), workers(2), 5, 4);
  EXPECT_EQ(loader.batches_per_epoch(), 2);
  loader.start(1, 0);
  const auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->num_images, 4);
  EXPECT_EQ(batch->boxes_per_image, 4);
  ASSERT_EQ(batch->views.size(), 3u);
  EXPECT_EQ(batch->views[2].height, 8);
  ASSERT_EQ(batch->pairs.size(), 2u);
  EXPECT_EQ(batch->pairs[1].view_b, 2);
  const auto order = EpochSampler(11, 4, 5).epoch_order(1);
  for (int row = 0; row < 4; ++row) {
    const std::int64_t index = order[row];
    ASSERT_EQ(batch->sample_indices[row], index);
    const PretrainImage input = f.dataset.load(index);
    Rng rng(5, 1, index, purpose::kViews);
    const Sample sample = make_sample(input.image, input.proposals, small_plan(), rng);
    for (int v = 0; v < 3; ++v) {
      const std::size_t n = sample.views[v].size();
      ASSERT_TRUE(std::equal(sample.views[v].begin(), sample.views[v].end(), batch->views[v].pixels.begin() + row * n));
    }
    for (int k = 0; k < 4; ++k) {
      EXPECT_EQ(batch->pairs[1].b.ids[row * 4 + k], sample.pairs[1].b.ids[k]);
      EXPECT_EQ(batch->pairs[1].b.levels[row * 4 + k], sample.pairs[1].b.levels[k]);
      EXPECT_EQ(batch->pairs[0].a.boxes[(row * 4 + k) * 4 + 2], sample.pairs[0].a.boxes[k].x2);
    }
  }
}

TEST(DataLoader, GivesTheSameBatchesForAnyNumberOfWorkers) {
  const Fixture f(13);
  std::vector<std::string> expected;
  for (const int n : {0, 1, 2, 8}) {
    for (const int prefetch : {1, 3}) {
      DataLoader loader(f.dataset, small_plan(), workers(n, prefetch), 5, 3);
      loader.start(0, 0);
      const auto got = hashes(loader, 12, prefetch == 3);  // three epochs
      ASSERT_EQ(got.size(), 12u);
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected) << n << " workers, prefetch " << prefetch;
    }
  }
  EXPECT_NE(expected[0], expected[4]);  // another epoch, other samples
}

TEST(DataLoader, ResumesInTheMiddleOfAnEpochWithTheSameBatches) {
  const Fixture f(13);
  DataLoader straight(f.dataset, small_plan(), workers(2), 5, 3);
  straight.start(0, 0);
  const auto all = hashes(straight, 10);
  for (const int done : {2, 4, 7}) {
    DataLoader resumed(f.dataset, small_plan(), workers(3), 5, 3);
    resumed.start(done / 4, done % 4);
    EXPECT_EQ(hashes(resumed, 10 - done), std::vector<std::string>(all.begin() + done, all.end()));
  }
  straight.start(0, 4);  // the end of an epoch is the start of the next
  EXPECT_EQ(hashes(straight, 1)[0], all[4]);
}

TEST(DataLoader, EndsAfterTheLastEpoch) {
  const Fixture f(7);
  for (const int n : {0, 2}) {
    DataLoader loader(f.dataset, small_plan(), workers(n), 5, 3);
    EXPECT_FALSE(loader.next());  // not started
    loader.start(3, 1, 5);
    EXPECT_EQ(hashes(loader, 100).size(), 3u);
    EXPECT_FALSE(loader.next());
    loader.start(5, 0, 5);
    EXPECT_FALSE(loader.next());
  }
}

TEST(DataLoader, SubstitutesABadImageTheSameWayAfterAResume) {
  const Fixture f(9);
  f.tiny.break_image(4);
  f.tiny.break_image(5);
  DataLoader straight(f.dataset, small_plan(), workers(2), 5, 3);
  straight.start(0, 0);
  const auto all = hashes(straight, 6);
  EXPECT_EQ(straight.num_bad_images(), 2);
  NullLogger logger;
  const PretrainDataset fresh(f.tiny.entries(), f.store, {}, logger);
  DataLoader resumed(fresh, small_plan(), workers(4), 5, 3);
  resumed.start(1, 1);
  EXPECT_EQ(hashes(resumed, 2), std::vector<std::string>(all.begin() + 4, all.end()));
}

TEST(DataLoader, ThrowsAWorkersErrorAtNextAndAfterIt) {
  for (const int n : {0, 1, 3}) {
    const Fixture f(8, {.filter = {}, .limits = {}, .max_bad_ratio = 0});
    const auto order = EpochSampler(8, 2, 5).epoch_order(0);
    f.tiny.break_image(static_cast<int>(order[5]));  // in the third batch
    DataLoader loader(f.dataset, small_plan(), workers(n), 5, 2);
    loader.start(0, 0);
    EXPECT_TRUE(loader.next());
    EXPECT_TRUE(loader.next());
    for (int i = 0; i < 2; ++i) {
      try {
        loader.next();
        FAIL() << n;
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(std::to_string(1000 + order[5]) + ".png"));
      }
    }
  }
}

TEST(DataLoader, CanBeStartedAgain) {
  const Fixture f(9);
  DataLoader loader(f.dataset, small_plan(), workers(3), 5, 3);
  loader.start(0, 0);
  const auto first = hashes(loader, 2);
  loader.start(0, 0);
  EXPECT_EQ(hashes(loader, 2), first);
}

TEST(DataLoader, StopsPromptlyInTheMiddleOfItsWork) {
  const Fixture f(60);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) {
    DataLoader loader(f.dataset, small_plan(), workers(4, 8), 5, 50);
    loader.start(0, 0);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));  // one sample a worker, with room
}

TEST(DataLoader, CountsTheTimeSpentWaiting) {
  const Fixture f(9);
  DataLoader loader(f.dataset, small_plan(), workers(1), 5, 9);
  EXPECT_EQ(loader.wait_seconds(), 0);
  loader.start(0, 0);
  const auto begin = std::chrono::steady_clock::now();
  loader.next();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(loader.wait_seconds(), 0);
  EXPECT_LE(loader.wait_seconds(), spent.count());
}

TEST(DataLoader, RefusesWhatCannotWork) {
  const Fixture f(3);
  EXPECT_THROW(DataLoader(f.dataset, small_plan(), workers(1), 5, 4), Error);
  EXPECT_THROW(DataLoader(f.dataset, ViewPlan{}, workers(1), 5, 2), Error);
  EXPECT_THROW(DataLoader(f.dataset, small_plan(), workers(-1), 5, 2), Error);
  EXPECT_THROW(DataLoader(f.dataset, small_plan(), workers(1, 0), 5, 2), Error);
}

TEST(LoaderOptions, AutoIsAtLeastOneWorker) {
  EXPECT_GE(LoaderOptions{}.resolved_num_workers(), 1);
  EXPECT_LE(LoaderOptions{}.resolved_num_workers(), LoaderOptions::kMaxAutoWorkers);
  EXPECT_EQ(workers(0).resolved_num_workers(), 0);
}

}  // namespace
}  // namespace soco
