// SPDX-License-Identifier: MIT
#include "soco/structures/coco_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "soco/base/file.h"
#include "soco/base/random.h"
#include "soco/structures/coco_json.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;

std::vector<DetectionResult> read_back(const std::filesystem::path& path) {
  std::vector<DetectionResult> results;
  JsonReader json(path, kCocoResultsForm);
  read_coco_results(json, {.segmentations = SegmentationUse::kKeep},
                    [&](DetectionResult& result) { results.push_back(result); });
  return results;
}

ImageDetections one_detection(float x2 = 5, float score = 0.5f) {
  return {.image_id = 7, .height = 4, .width = 6, .boxes = {{1, 2, x2, 4}}, .scores = {score}, .labels = {1}};
}

TEST(CocoResultsWriter, WritesWhatTheReaderReads) {
  const TempDir dir;
  Rng rng(1, 0, 0, 900);
  std::vector<ImageDetections> images;
  for (int i = 0; i < 20; ++i) {
    ImageDetections& image = images.emplace_back(ImageDetections{.image_id = 1000 + i, .height = 9, .width = 11});
    for (int k = 0; k < i % 4; ++k) {
      const auto x = static_cast<float>(rng.uniform(0, 5)), y = static_cast<float>(rng.uniform(0, 5));
      image.boxes.push_back({x, y, x + static_cast<float>(rng.uniform(0, 6)), y + 3});
      image.scores.push_back(static_cast<float>(rng.uniform()));
      image.labels.push_back(static_cast<std::int32_t>(rng.uniform_int(3)));
      std::vector<std::uint8_t> pixels(99);
      for (auto& pixel : pixels) pixel = rng.bernoulli(0.4) ? 1 : 0;
      image.masks.push_back(mask_from_pixels(9, 11, pixels));
    }
  }
  const std::vector<std::int64_t> category_ids{3, 17, 90};
  CocoResultsWriter writer(dir / "results.json", category_ids);
  for (const ImageDetections& image : images) writer.add(image);
  EXPECT_FALSE(std::filesystem::exists(dir / "results.json"));
  writer.commit();
  const auto results = read_back(dir / "results.json");
  ASSERT_EQ(results.size(), static_cast<std::size_t>(writer.num_detections()));
  auto result = results.begin();
  for (const ImageDetections& image : images) {
    for (std::size_t i = 0; i < image.boxes.size(); ++i, ++result) {
      EXPECT_EQ(result->image_id, image.image_id);
      EXPECT_EQ(result->category_id, category_ids[static_cast<std::size_t>(image.labels[i])]);
      EXPECT_EQ(result->box, coco_box_from_box(image.boxes[i]));  // to the bit
      EXPECT_EQ(result->score, static_cast<double>(image.scores[i]));
      EXPECT_EQ(mask_from_segmentation(9, 11, result->segmentation), image.masks[i]);
    }
  }
}

TEST(CocoResultsWriter, WritesAnEmptyListWithoutDetections) {
  const TempDir dir;
  CocoResultsWriter writer(dir / "results.json", {1});
  writer.add({.image_id = 1, .height = 2, .width = 2});
  writer.commit();
  EXPECT_TRUE(read_back(dir / "results.json").empty());
}

TEST(CocoResultsWriter, LeavesNothingBehindUnlessItIsCommitted) {
  const TempDir dir;
  {
    CocoResultsWriter writer(dir / "results.json", {1, 2});
    writer.add(one_detection());
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir / ""));
}

TEST(CocoResultsWriter, RefusesNumbersThatJsonDoesNotHave) {
  const TempDir dir;
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  CocoResultsWriter writer(dir / "results.json", {1, 2});
  for (const ImageDetections& bad : {one_detection(kInfinity), one_detection(5, kNan)}) {
    try {
      writer.add(bad);
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("image 7"));
    }
  }
}

}  // namespace
}  // namespace soco
