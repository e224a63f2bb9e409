// SPDX-License-Identifier: MIT
#include "soco/data/detection_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/detection_set.h"
#include "soco/structures/mask_target.h"
#include "testing/oracle_file.h"

namespace soco {
namespace {

using testing::DetectionSet;

TEST(ShortestEdge, IsThatOfDetectron2) {
  SOCO_ORACLE_OR_SKIP(path, "detection_sample.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  const auto sizes = oracle.at("sizes").as<std::int64_t>();
  ASSERT_GE(sizes.size(), 6u * 2900u);
  for (std::size_t i = 0; i < sizes.size(); i += 6) {
    const auto at = [&](std::size_t k) { return static_cast<int>(sizes[i + k]); };
    const InputSize size = shortest_edge_size(at(0), at(1), at(2), at(3));
    ASSERT_EQ(size.height, at(4)) << at(0) << " x " << at(1);
    ASSERT_EQ(size.width, at(5)) << at(0) << " x " << at(1);
  }
}

TEST(ShortestEdge, IsNeverBelowOnePixel) {
  EXPECT_EQ(shortest_edge_size(1, 100'000, 800, 1333).height, 1);
  EXPECT_EQ(shortest_edge_size(1, 100'000, 800, 1333).width, 1333);
}

std::vector<int> ints(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST(DetectionInput, IsThatOfNumpyAndPillow) {
  SOCO_ORACLE_OR_SKIP(path, "detection_sample.safetensors");
  const StateDict oracle = testing::read_oracle(path);
  const std::int64_t num_cases = oracle.at("num_cases").as<std::int64_t>()[0];
  ASSERT_GE(num_cases, 60);
  for (std::int64_t i = 0; i < num_cases; ++i) {
    const auto get = [&](const std::string& name) -> const HostTensor& {
      return oracle.at(fmt::format("case{}.{}", i, name));
    };
    const auto options = get("options").as<double>(), mean = get("mean").as<double>(), std = get("std").as<double>();
    const int height = static_cast<int>(get("image").shape[0]), width = static_cast<int>(get("image").shape[1]);
    const InputSize size =
        shortest_edge_size(height, width, static_cast<int>(options[0]), static_cast<int>(options[1]));
    const InputPlan plan{height, width, size.height, size.width, options[2] != 0};

    Image image = make_image(height, width);
    std::ranges::copy(ints(get("image").as<float>()), image.pixels.begin());
    DetectionInputOptions input;
    input.channels = options[3] != 0 ? ChannelOrder::kBgr : ChannelOrder::kRgb;
    input.size_divisor = static_cast<int>(options[4]);
    input.mean.assign(mean.begin(), mean.end());
    input.std.assign(std.begin(), std.end());
    std::vector<PlanarImage> planes(1);
    InputScratch scratch;
    resize_input(image, plan, planes[0], scratch);
    ViewBatch batch;
    fill_batch(planes, std::vector{plan}, input, {}, allocate_plain, batch);
    ASSERT_EQ(batch.height, get("pixels").shape[1]);
    ASSERT_EQ(batch.width, get("pixels").shape[2]);
    ASSERT_TRUE(std::ranges::equal(batch.floats(), get("pixels").as<float>())) << i;

    const auto boxes = get("boxes").as<double>();
    const auto boxes_out = get("boxes_out").as<float>();
    for (std::size_t k = 0; k < boxes.size(); k += 4) {
      const Box box = input_from_original(CocoBox{boxes[k], boxes[k + 1], boxes[k + 2], boxes[k + 3]}, plan);
      EXPECT_EQ(box, (Box{boxes_out[k], boxes_out[k + 1], boxes_out[k + 2], boxes_out[k + 3]})) << i << " " << k;
    }
    const auto polygon = get("polygon").as<double>(), polygon_out = get("polygon_out").as<double>();
    EXPECT_EQ(input_from_original(Polygon(polygon.begin(), polygon.end()), plan),
              Polygon(polygon_out.begin(), polygon_out.end()));

    const auto pixels = ints(get("mask").as<float>());
    const MaskRle mask = mask_from_pixels(height, width, std::vector<std::uint8_t>(pixels.begin(), pixels.end()));
    const Segmentation segmentation{.polygons = {}, .mask = MaskText{height, width, mask_text(mask)}};
    const auto mask_out = mask_pixels(*input_from_original(segmentation, plan).mask);
    EXPECT_EQ(std::vector<int>(mask_out.begin(), mask_out.end()), ints(get("mask_out").as<float>())) << i;
  }
}

TEST(DetectionInput, DrawsAllSizesAndFlipsAsOftenAsAsked) {
  DetectionInputOptions options;
  options.short_edges = {100, 120, 140};
  options.flip_prob = 0.25;
  Rng rng(1, 0, 0, 900);
  std::map<int, int> sizes;
  int flips = 0;
  for (int i = 0; i < 3000; ++i) {
    const InputPlan plan = draw_input(50, 60, options, rng);
    ++sizes[plan.height];
    flips += plan.flipped;
  }
  ASSERT_EQ(sizes.size(), 3u);
  // Deviations: sqrt(3000 / 3 * 2 / 3) = 26 and sqrt(3000 * 3 / 16) = 24; five of them.
  for (const int edge : options.short_edges) EXPECT_NEAR(sizes[edge], 1000, 130);
  EXPECT_NEAR(flips, 750, 120);
  options.short_edge_choice = ShortEdgeChoice::kRange;
  options.short_edges = {100, 104};
  std::map<int, int> range;
  for (int i = 0; i < 500; ++i) ++range[draw_input(50, 60, options, rng).height];
  EXPECT_EQ(range.size(), 5u);
}

TEST(DetectionInput, BoxesGoBackToTheOriginal) {
  Rng rng(2, 0, 0, 900);
  for (int i = 0; i < 500; ++i) {
    const int height = 20 + static_cast<int>(rng.uniform_int(900)), width = 20 + static_cast<int>(rng.uniform_int(900));
    const InputPlan plan = test_input(height, width, {});
    const double x = rng.uniform(0, width - 10), y = rng.uniform(0, height - 10);
    const CocoBox box{x, y, rng.uniform(1, width - x), rng.uniform(1, height - y)};
    const Box back = original_from_input(input_from_original(box, plan), plan);
    // Four roundings to float32 of numbers below 2048, each by at most 2^-14 px of the image or the input.
    const double bound = 4 * 0x1p-14 * std::max(1.0, static_cast<double>(height) / plan.height);
    EXPECT_NEAR(back.x1, x, bound);
    EXPECT_NEAR(back.y1, y, bound);
    EXPECT_NEAR(back.x2, x + box.width, bound);
    EXPECT_NEAR(back.y2, y + box.height, bound);
  }
}

/// Mean of a channel of the batch over whole px inside a box, shrunk or grown by a margin.
double mean_inside(const ViewBatch& batch, const Box& box, float margin) {
  double sum = 0;
  int count = 0;
  for (int y = static_cast<int>(std::ceil(box.y1 + margin)); y + 1 <= box.y2 - margin; ++y) {
    for (int x = static_cast<int>(std::ceil(box.x1 + margin)); x + 1 <= box.x2 - margin; ++x, ++count)
      sum += batch.floats()[static_cast<std::size_t>(y * batch.width + x)];
  }
  return count == 0 ? NAN : sum / count;
}

TEST(DetectionInput, APaintedRectangleLiesUnderItsBoxAndMask) {
  const DetectionSet set(40);
  NullLogger logger;
  const DetectionDataset dataset(set.source(), {}, logger);
  DetectionInputOptions options;
  options.short_edges = {24, 40, 64, 97};
  options.max_edge = 120;
  int num_framed = 0;
  const float white = (1 - 0.485f) / 0.229f, gray = (60 / 255.0f - 0.485f) / 0.229f;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    Rng rng(3, 0, static_cast<std::uint64_t>(i), 900);
    const AnnotatedImage& image = dataset.image(i);
    const InputPlan plan = draw_input(image.height, image.width, options, rng);
    std::vector<PlanarImage> planes(1);
    InputScratch scratch;
    resize_input(read_image(set.folder() / image.file_name), plan, planes[0], scratch);
    ViewBatch batch;
    fill_batch(planes, std::vector{plan}, options, {}, allocate_plain, batch);
    const DetectionTarget target = make_target(dataset, i, plan);
    ASSERT_EQ(target.boxes.size(), 1u);
    const Box& box = target.boxes[0];
    // The filter reaches as far as one px of the larger of image and input beside an edge.
    const float reach = 1 + static_cast<float>(std::max(1.0, static_cast<double>(plan.height) / image.height));
    EXPECT_NEAR(mean_inside(batch, box, reach), white, 1e-5);
    if (const float left = std::floor(box.x1 - reach) - 1; left >= 0) {
      EXPECT_NEAR(mean_inside(batch, {left, box.y1, left + 1, box.y2}, 0), gray, 1e-5);
      ++num_framed;
    }
    // The mask fills the box, and its area grows with the image's.
    const auto mask = mask_target(target.shapes[0], box, 28);
    EXPECT_EQ(std::ranges::count(mask, 1), 28 * 28);
    const double area =
        static_cast<double>(mask_area(mask_from_polygons(plan.height, plan.width, target.shapes[0].polygons)));
    const double scale = static_cast<double>(plan.height) / image.height * plan.width / image.width;
    const double perimeter = 2.0 * (box.width() + box.height());
    EXPECT_NEAR(area, dataset.objects(i)[0].area * scale, perimeter / 2 + 1);  // half a px along the outline
  }
  EXPECT_GE(num_framed, 20);
}

TEST(DetectionTarget, LeavesOutWhatIsEmptyAndSetsCrowdsApart) {
  const DetectionSet set(1);
  DetectionSource source = set.source();
  auto& annotations = source.annotations.annotations;
  ObjectAnnotation crowd = DetectionSet::object(50, 10, 17, 2, 2, 9, 9);
  crowd.is_crowd = true;
  const AnnotatedImage image = source.annotations.images[0];
  annotations.push_back(crowd);
  annotations.push_back(DetectionSet::object(51, 10, 90, image.width + 5, 2, 9, 9));  // beside the image
  annotations.push_back(DetectionSet::object(52, 10, 90, 4, 4, 0, 9));                // a line
  annotations.push_back(DetectionSet::object(53, 10, 90, image.width - 5, -4, 900, 9));
  ObjectAnnotation dot = DetectionSet::object(54, 10, 90, 1, 1, 9, 9);
  const MaskRle nothing =
      mask_from_pixels(image.height, image.width, std::vector<std::uint8_t>(image.height * image.width));
  dot.segmentation = {.polygons = {}, .mask = MaskText{image.height, image.width, mask_text(nothing)}};
  annotations.push_back(dot);
  NullLogger logger;
  const DetectionDataset dataset(source, {}, logger);
  const InputPlan plan{image.height, image.width, image.height, image.width, false};
  const DetectionTarget target = make_target(dataset, 0, plan);
  ASSERT_EQ(target.boxes.size(), 2u);
  EXPECT_THAT(target.labels, ::testing::ElementsAre(0, 2));
  const auto width = static_cast<float>(image.width);
  EXPECT_EQ(target.boxes[1], (Box{width - 5, 0, width, 5}));
  EXPECT_EQ(target.shapes.size(), 2u);
  EXPECT_THAT(target.ignored, ::testing::ElementsAre(Box{2, 2, 11, 11}));
  EXPECT_EQ(target.image_id, 10);
}

TEST(FillBatch, PadsToTheLargestAndKeepsMemory) {
  std::vector<PlanarImage> images(2);
  images[0].reshape(5, 9);
  images[1].reshape(7, 4);
  for (PlanarImage& image : images) std::ranges::fill(image.values, std::uint8_t{255});
  const std::vector<InputPlan> plans{{5, 9, 5, 9, false}, {7, 4, 7, 4, true}};
  DetectionInputOptions options;
  options.size_divisor = 4;
  ViewBatch batch;
  fill_batch(images, plans, options, {}, allocate_plain, batch);
  ASSERT_EQ(batch.height, 8);
  ASSERT_EQ(batch.width, 12);
  for (std::size_t i = 0; i < batch.floats().size(); ++i) {
    const std::size_t x = i % 12, y = i / 12 % 8, n = i / (3 * 96);
    const bool inside = n == 0 ? x < 9 && y < 5 : x < 4 && y < 7;
    ASSERT_EQ(batch.floats()[i] != 0, inside) << i;
  }
  const std::byte* memory = batch.pixels.data();
  fill_batch(images, plans, options, {}, allocate_plain, batch);
  EXPECT_EQ(batch.pixels.data(), memory);
  fill_batch(images, plans, options, {20, 3}, allocate_plain, batch);
  EXPECT_EQ(batch.height, 20);
  EXPECT_EQ(batch.width, 12);
  memory = batch.pixels.data();
  fill_batch(images, plans, options, {}, allocate_plain, batch);  // a smaller batch takes the larger one's memory
  EXPECT_EQ(batch.pixels.data(), memory);
  EXPECT_EQ(batch.floats().size(), 2u * 3 * 8 * 12);
}

TEST(DetectionInputOptions, RefusesWhatDoesNotGoTogether) {
  DetectionInputOptions options;
  EXPECT_NO_THROW(options.validate());
  options.short_edges = {};
  EXPECT_THROW(options.validate(), Error);
  options.short_edges = {800, 640};
  EXPECT_NO_THROW(options.validate());
  options.short_edge_choice = ShortEdgeChoice::kRange;
  EXPECT_THROW(options.validate(), Error);
  options.short_edges = {640};
  options.std = {1, 1};
  EXPECT_THROW(options.validate(), Error);
}

}  // namespace
}  // namespace soco
