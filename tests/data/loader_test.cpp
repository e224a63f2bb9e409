// SPDX-License-Identifier: MIT
#include "soco/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <memory>
#include <set>

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
  for (const ViewBatch& view : batch.views) hasher.update(std::span(view.pixels.data(), view.pixels.size()));
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
      ASSERT_TRUE(std::equal(sample.views[v].begin(), sample.views[v].end(),
                             batch->views[v].floats().begin() + static_cast<std::ptrdiff_t>(row * n)));
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

TEST(DataLoader, StopsInTheMiddleOfItsWork) {
  const Fixture f(60);
  for (int i = 0; i < 5; ++i) {
    DataLoader loader(f.dataset, small_plan(), workers(4, 8), 5, 50);
    loader.start(0, 0);
  }  // a worker that went on waiting for room in the queue would hang here
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

/// Adds each row of a batch, so that the parts of several processes, one after the other, give the whole's hash.
void add_rows(const PretrainBatch& batch, Hasher128& hasher) {
  const auto add_row = [&](const auto& values, int row) {
    const std::size_t size = values.size() / static_cast<std::size_t>(batch.num_images);
    hasher.update(
        std::as_bytes(std::span(values.data(), values.size()).subspan(static_cast<std::size_t>(row) * size, size)));
  };
  for (int row = 0; row < batch.num_images; ++row) {
    for (const ViewBatch& view : batch.views) add_row(view.floats(), row);
    for (const PairBatch& pair : batch.pairs) {
      for (const SideBatch* side : {&pair.a, &pair.b}) {
        add_row(side->boxes, row);
        add_row(side->ids, row);
        add_row(side->levels, row);
      }
    }
    add_row(batch.sample_indices, row);
  }
}

struct Job {
  int workers = 1, ranks = 1;
  std::int64_t epoch = 0, batch = 0;
};

/// The hash of each batch that so many processes make together from that place on.
std::vector<std::string> batch_hashes(const PretrainDataset& dataset, const LoaderOptions& options, const Job& job,
                                      int batch_size, std::int64_t end_epoch) {
  std::vector<std::unique_ptr<DataLoader>> loaders;
  for (int rank = 0; rank < job.ranks; ++rank) {
    LoaderOptions mine = options;
    mine.num_workers = job.workers;
    loaders.push_back(std::make_unique<DataLoader>(dataset, small_plan(), mine, 5, batch_size,
                                                   LoaderRank{.rank = rank, .world_size = job.ranks}));
    loaders.back()->start(job.epoch, job.batch, end_epoch);
  }
  std::vector<std::string> result;
  for (;;) {
    Hasher128 hasher;
    for (const auto& loader : loaders) {
      std::optional<PretrainBatch> batch = loader->next();
      if (!batch) return result;
      EXPECT_EQ(batch->num_images, batch_size / job.ranks);
      add_rows(*batch, hasher);
      loader->recycle(std::move(*batch));
    }
    result.push_back(hasher.digest().hex());
  }
}

TEST(DataLoader, TenThousandSamplesAreTheSameForAnyWorkersAndRanksAndAfterAResume) {
  const Fixture f(500);
  for (const int bad : {3, 77, 78, 410}) f.tiny.break_image(bad);
  constexpr int kBatch = 16;
  for (const SampleOrder order : {SampleOrder::kShuffled, SampleOrder::kBuffered}) {
    // 21 epochs of 31 batches are 10,416 samples.
    const std::int64_t num_epochs = order == SampleOrder::kShuffled ? 21 : 4, resume_epoch = num_epochs / 2;
    LoaderOptions options;
    options.order = order;
    options.shuffle_buffer = 100;
    NullLogger logger;
    const auto fresh = [&] { return PretrainDataset(f.tiny.entries(), f.store, {}, logger); };
    const auto expected = batch_hashes(fresh(), options, {.workers = 1}, kBatch, num_epochs);
    ASSERT_EQ(expected.size(), static_cast<std::size_t>(31 * num_epochs));
    ASSERT_EQ(std::set(expected.begin(), expected.end()).size(), expected.size());
    EXPECT_EQ(batch_hashes(fresh(), options, {.workers = 8}, kBatch, num_epochs), expected);
    EXPECT_EQ(batch_hashes(fresh(), options, {.workers = 1, .ranks = 2}, kBatch, num_epochs), expected);
    EXPECT_EQ(batch_hashes(fresh(), options, {.workers = 2, .ranks = 4}, kBatch, num_epochs), expected);
    const auto rest = batch_hashes(fresh(), options, {.workers = 2, .ranks = 2, .epoch = resume_epoch, .batch = 17},
                                   kBatch, num_epochs);
    EXPECT_EQ(rest, std::vector(expected.begin() + resume_epoch * 31 + 17, expected.end()));
  }
}

TEST(DataLoader, FillsTheLastBatchUpWithTheEpochsFirstImages) {
  const Fixture f(10);
  LoaderOptions options = workers(2);
  options.last_batch = LastBatch::kPad;
  DataLoader loader(f.dataset, small_plan(), options, 5, 4);
  ASSERT_EQ(loader.batches_per_epoch(), 3);
  loader.start(0, 0);
  const auto first = loader.next();
  loader.next();
  const auto last = loader.next();
  EXPECT_EQ(last->sample_indices[2], first->sample_indices[0]);
  EXPECT_EQ(last->sample_indices[3], first->sample_indices[1]);
  EXPECT_EQ(batch_hashes(f.dataset, options, {.workers = 2, .ranks = 2}, 4, 2).size(), 6u);
  EXPECT_EQ(batch_hashes(f.dataset, options, {.workers = 2, .ranks = 2}, 4, 2),
            batch_hashes(f.dataset, options, {}, 4, 2));
}

TEST(DataLoader, RefusesRanksThatCannotShareABatch) {
  const Fixture f(9);
  const auto make = [&](int rank, int world_size) {
    DataLoader(f.dataset, small_plan(), workers(1), 5, 9, {.rank = rank, .world_size = world_size});
  };
  EXPECT_NO_THROW(make(2, 3));
  EXPECT_THROW(make(0, 2), Error);
  EXPECT_THROW(make(3, 3), Error);
  EXPECT_THROW(make(-1, 3), Error);
  EXPECT_THROW(make(0, 0), Error);
}

TEST(DataLoader, CountsWhatItsWorkersDo) {
  const Fixture f(9);
  DataLoader loader(f.dataset, small_plan(), workers(0), 5, 9);
  loader.start(0, 0);
  const auto begin = std::chrono::steady_clock::now();
  loader.next();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  const StageSeconds stages = loader.stages();
  EXPECT_GT(stages.decode, 0);
  EXPECT_GT(stages.augment, 0);
  EXPECT_LE(stages.decode + stages.augment, spent.count());  // one thread did all of it
}

TEST(DataLoader, GivesTheSamePixelsInBfloat16AndChannelsLast) {
  const Fixture f(9);
  const auto first_batch = [&](const LoaderOptions& options) {
    DataLoader loader(f.dataset, small_plan(), options, 5, 9);
    loader.start(0, 0);
    return std::move(*loader.next());
  };
  LoaderOptions other = workers(2);
  other.pixels = ElementType::kBfloat16;
  other.layout = PixelLayout::kHwc;
  const PretrainBatch plain = first_batch(workers(2)), packed = first_batch(other);
  const auto values = plain.views[0].floats();
  const auto* bits = reinterpret_cast<const std::uint16_t*>(packed.views[0].pixels.data());
  constexpr std::size_t kPlane = 16 * 16;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t row = i / (3 * kPlane), channel = i / kPlane % 3, pixel = i % kPlane;
    const std::uint32_t wide = std::uint32_t{bits[(row * kPlane + pixel) * 3 + channel]} << 16;
    // Eight bits of significand: within half a step of 2^-8 of the value.
    ASSERT_NEAR(std::bit_cast<float>(wide), values[i], std::abs(values[i]) / 256);
  }
}

TEST(LoaderOptions, AutoIsAtLeastOneWorker) {
  EXPECT_GE(LoaderOptions{}.resolved_num_workers(), 1);
  EXPECT_LE(LoaderOptions{}.resolved_num_workers(), LoaderOptions::kMaxAutoWorkers);
  EXPECT_EQ(workers(0).resolved_num_workers(), 0);
}

}  // namespace
}  // namespace soco
