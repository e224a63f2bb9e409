// SPDX-License-Identifier: MIT
#include "soco/report/detection_sheet.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "data/detection_set.h"
#include "soco/base/error.h"
#include "soco/data/detection_sample.h"

namespace soco {
namespace {

using testing::DetectionSet;

TEST(DetectionSheet, PictureOfARowIsTheResizedImage) {
  const DetectionSet set(6);
  NullLogger logger;
  const DetectionDataset dataset(set.source(), {}, logger);
  for (const ChannelOrder channels : {ChannelOrder::kRgb, ChannelOrder::kBgr}) {
    DetectionLoaderPlan plan{.use = DetectionUse::kTest, .batch_size = 2};
    plan.input.test_short_edge = 64;
    plan.input.channels = channels;
    plan.loader.num_workers = 0;
    DetectionLoader loader(dataset, plan);
    loader.start({0, 0});
    const auto batch = loader.next();
    ASSERT_TRUE(batch);
    for (int row = 0; row < 2; ++row) {
      const DetectionTarget& target = batch->targets[static_cast<std::size_t>(row)];
      const Image image = read_image(set.image_path(row));
      const Image expected = crop_and_resize(image, {0, 0, image.width, image.height}, target.height, target.width);
      EXPECT_EQ(picture_of_row(*batch, row, plan.input), expected);
    }
  }
}

TEST(DetectionSheet, DrawsAsManySamplesAsThereAre) {
  const DetectionSet set(5);
  NullLogger logger;
  const DetectionDataset dataset(set.source(), {}, logger);
  DetectionLoaderPlan plan{.batch_size = 1};
  plan.input.short_edges = {64};
  const Image four = draw_detection_samples(dataset, plan, 0, 4), all = draw_detection_samples(dataset, plan, 0, 50);
  EXPECT_EQ(four.width, all.width);
  EXPECT_GT(all.height, four.height);
  EXPECT_THROW(draw_detection_samples(dataset, plan, 0, 1'000'000), Error);
}

TEST(DetectionSheet, PerfectDetectionsHaveTheShapesAreas) {
  const DetectionTarget target{.height = 20,
                               .width = 30,
                               .boxes = {{2, 3, 12, 9}},
                               .labels = {4},
                               .shapes = {{.polygons = {{2, 3, 12, 3, 12, 9, 2, 9}}}}};
  const ImageDetections found = perfect_detections(target);
  ASSERT_EQ(found.masks.size(), 1u);
  EXPECT_EQ(mask_area(found.masks[0]), 60);
  EXPECT_EQ(found.scores, std::vector<float>{1});
}

}  // namespace
}  // namespace soco
