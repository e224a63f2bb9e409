// SPDX-License-Identifier: MIT
#include "soco/data/detection_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "data/detection_set.h"
#include "data/tiny_dataset.h"
#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/hash.h"
#include "soco/data/detection_sample.h"

namespace soco {
namespace {

using testing::DetectionSet;
using ::testing::HasSubstr;

struct Fixture {
  explicit Fixture(int num_images, double max_bad_ratio = 0.01)
      : set(num_images), dataset(set.source(), {.max_bad_ratio = max_bad_ratio}, logger) {}
  DetectionSet set;
  NullLogger logger;
  DetectionDataset dataset;
};

DetectionLoaderPlan plan_of(int workers, int batch_size = 3, int prefetch = 2) {
  DetectionLoaderPlan plan;
  plan.input.short_edges = {24, 32, 40};
  plan.input.max_edge = 70;
  plan.input.size_divisor = 16;
  plan.loader.num_workers = workers;
  plan.loader.prefetch = prefetch;
  plan.seed = 5;
  plan.batch_size = batch_size;
  return plan;
}

void add_target(const DetectionTarget& target, Hasher128& hasher) {
  const auto add = [&](const auto& values) { hasher.update(std::as_bytes(std::span(values))); };
  add(std::vector<std::int64_t>{target.image_id, target.sample_index, target.height, target.width, target.flipped});
  add(target.boxes);
  add(target.labels);
  add(target.ignored);
  for (const InstanceShape& shape : target.shapes) {
    for (const Polygon& polygon : shape.polygons) add(polygon);
  }
}

/// Row after row, without what pads a batch, so that the parts of several processes can be added up.
void add_rows(const DetectionBatch& batch, Hasher128& hasher, bool with_padding) {
  const std::size_t width = static_cast<std::size_t>(batch.images.width),
                    height = static_cast<std::size_t>(batch.images.height);
  for (std::size_t n = 0; n < batch.targets.size(); ++n) {
    add_target(batch.targets[n], hasher);
    const auto pixels = batch.images.floats().subspan(n * 3 * width * height, 3 * width * height);
    if (with_padding) {
      hasher.update(std::as_bytes(pixels));
      continue;
    }
    for (std::size_t row = 0; row < 3 * height; ++row) {
      if (row % height < static_cast<std::size_t>(batch.targets[n].height))
        hasher.update(std::as_bytes(pixels.subspan(row * width, static_cast<std::size_t>(batch.targets[n].width))));
    }
  }
}

std::vector<std::string> hashes(DetectionLoader& loader, int count, bool recycle = false) {
  std::vector<std::string> result;
  for (int i = 0; i < count; ++i) {
    std::optional<DetectionBatch> batch = loader.next();
    if (!batch) break;
    Hasher128 hasher;
    add_rows(*batch, hasher, true);
    result.push_back(hasher.digest().hex());
    if (recycle) loader.recycle(std::move(*batch));
  }
  return result;
}

TEST(DetectionLoader, GivesTheSamplesOfTheSamplersOrder) {
  const Fixture f(11);
  const DetectionLoaderPlan plan = plan_of(2, 4);
  DetectionLoader loader(f.dataset, plan);
  loader.start({1, 1});
  const auto batch = loader.next();
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->num_images(), 4);
  EXPECT_EQ(batch->images.height % 16, 0);
  const auto order = loader.sampler().epoch_order(1);
  for (int row = 0; row < 4; ++row) {
    const std::int64_t position = 4 + row, index = order[static_cast<std::size_t>(position)];
    const AnnotatedImage& image = f.dataset.image(index);
    Rng rng(5, 1, static_cast<std::uint64_t>(position), purpose::kViews);
    const InputPlan input = draw_input(image.height, image.width, plan.input, rng);
    const DetectionTarget expected = make_target(f.dataset, index, input);
    const DetectionTarget& target = batch->targets[static_cast<std::size_t>(row)];
    EXPECT_EQ(target.sample_index, index);
    EXPECT_EQ(target.image_id, image.id);
    EXPECT_EQ(target.boxes, expected.boxes);
    EXPECT_EQ(target.height, input.height);
    EXPECT_LE(target.height, batch->images.height);
    EXPECT_EQ(target.shapes.size(), 1u);
  }
}

TEST(DetectionLoader, GivesTheSameBatchesForAnyNumberOfWorkersAndAfterAResume) {
  const Fixture f(25);
  DetectionLoaderPlan plan = plan_of(0);
  plan.repeat_threshold = 0.9;  // categories are in a third of the images each: about 1.6 times
  std::vector<std::string> expected;
  for (const int workers : {0, 1, 2, 8}) {
    for (const int prefetch : {1, 3}) {
      plan.loader.num_workers = workers;
      plan.loader.prefetch = prefetch;
      DetectionLoader loader(f.dataset, plan);
      loader.start({0, 0});
      const auto got = hashes(loader, 36, prefetch == 3);  // nearly three epochs
      ASSERT_EQ(got.size(), 36u);
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected) << workers << " workers, prefetch " << prefetch;
    }
  }
  EXPECT_EQ(std::set(expected.begin(), expected.end()).size(), expected.size());
  DetectionLoader resumed(f.dataset, plan);
  for (const int done : {1, 13, 20, 30}) {
    resumed.start(resumed.sampler().position_after(done));
    EXPECT_EQ(hashes(resumed, 36 - done), std::vector<std::string>(expected.begin() + done, expected.end())) << done;
  }
}

TEST(DetectionLoader, GivesTheSameImagesForAnyNumberOfProcesses) {
  const Fixture f(17);
  for (const PadOver pad_over : {PadOver::kProcess, PadOver::kBatch}) {
    std::vector<std::string> expected;
    for (const int ranks : {1, 2, 4}) {
      std::vector<std::unique_ptr<DetectionLoader>> loaders;
      for (int rank = 0; rank < ranks; ++rank) {
        DetectionLoaderPlan plan = plan_of(2, 8);
        plan.loader.pad_over = pad_over;
        plan.rank = {.rank = rank, .world_size = ranks};
        loaders.push_back(std::make_unique<DetectionLoader>(f.dataset, plan));
        loaders.back()->start({0, 0}, 3);
      }
      std::vector<std::string> got;
      for (bool more = true; more;) {
        Hasher128 hasher;
        for (const auto& loader : loaders) {
          const auto batch = loader->next();
          more = batch.has_value();
          if (more) add_rows(*batch, hasher, pad_over == PadOver::kBatch);
        }
        if (more) got.push_back(hasher.digest().hex());
      }
      EXPECT_EQ(got.size(), 6u);
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected) << ranks;
    }
  }
}

TEST(DetectionLoader, BatchesHoldUprightOrWideImages) {
  const Fixture f(60);
  DetectionLoader loader(f.dataset, plan_of(2, 4));
  loader.start({0, 0}, 1);
  int num_mixed = 0, count = 0;
  while (const auto batch = loader.next()) {
    int wide = 0;
    for (const DetectionTarget& target : batch->targets) wide += target.original_width > target.original_height;
    num_mixed += wide != 0 && wide != 4;
    ++count;
  }
  EXPECT_EQ(count, 15);
  EXPECT_LE(num_mixed, 1);  // the last, of what is left over
}

TEST(DetectionLoader, ForTestsGivesEachImageOnceInOrder) {
  const Fixture f(7);
  DetectionLoaderPlan plan = plan_of(2, 3);
  plan.use = DetectionUse::kTest;
  plan.input.test_short_edge = 48;
  DetectionLoader loader(f.dataset, plan);
  loader.start({0, 0}, 1);
  std::vector<std::int64_t> seen;
  int repeats = 0;
  while (const auto batch = loader.next()) {
    for (const DetectionTarget& target : batch->targets) {
      EXPECT_FALSE(target.flipped);
      EXPECT_EQ(std::min(target.height, target.width), 48);
      repeats += target.is_repeat;
      if (!target.is_repeat) seen.push_back(target.sample_index);
    }
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(repeats, 2);
}

TEST(DetectionLoader, SubstitutesABadImageTheSameWayAfterAResume) {
  const Fixture f(9);
  write_file_atomic(f.set.image_path(4), "no image");
  std::filesystem::remove(f.set.image_path(5));
  DetectionLoader straight(f.dataset, plan_of(2));
  straight.start({0, 0});
  const auto all = hashes(straight, 6);
  EXPECT_EQ(straight.num_bad_images(), 2);
  NullLogger logger;
  const DetectionDataset fresh(f.set.source(), {}, logger);
  DetectionLoader resumed(fresh, plan_of(4));
  resumed.start({1, 1});
  EXPECT_EQ(hashes(resumed, 2), std::vector<std::string>(all.begin() + 4, all.end()));
}

TEST(DetectionLoader, ThrowsAWorkersErrorInItsPlaceAndAfterIt) {
  for (const int workers : {0, 1, 3}) {
    const Fixture f(8, 0);
    const auto order = DetectionLoader(f.dataset, plan_of(0, 2)).sampler().epoch_order(0);
    const int bad = static_cast<int>(order[5]);  // in the third batch
    write_file_atomic(f.set.image_path(bad), "no image");
    DetectionLoader loader(f.dataset, plan_of(workers, 2));
    loader.start({0, 0});
    EXPECT_TRUE(loader.next());
    EXPECT_TRUE(loader.next());
    for (int i = 0; i < 2; ++i) {
      try {
        loader.next();
        FAIL() << workers;
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(DetectionSet::file_name(bad)));
      }
    }
  }
}

TEST(DetectionLoader, RefusesWhatCannotWork) {
  const Fixture f(3);
  const auto make = [&](auto&& change) {
    DetectionLoaderPlan plan = plan_of(1, 2);
    change(plan);
    DetectionLoader loader(f.dataset, plan);
  };
  EXPECT_NO_THROW(make([](DetectionLoaderPlan&) {}));
  EXPECT_THROW(make([](DetectionLoaderPlan& plan) { plan.batch_size = 4; }), Error);
  EXPECT_THROW(make([](DetectionLoaderPlan& plan) { plan.rank = {.rank = 0, .world_size = 3}; }), Error);
  EXPECT_THROW(make([](DetectionLoaderPlan& plan) { plan.input.mean = {}; }), Error);
  EXPECT_THROW(make([](DetectionLoaderPlan& plan) { plan.loader.prefetch = 0; }), Error);
}

}  // namespace
}  // namespace soco
