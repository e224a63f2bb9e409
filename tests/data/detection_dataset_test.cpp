// SPDX-License-Identifier: MIT
#include "soco/data/detection_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/detection_set.h"
#include "data/tiny_dataset.h"
#include "soco/base/atomic_file.h"
#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::Contains;
using testing::DetectionSet;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::RecordingLogger;
using testing::TempDir;

template <class F>
std::string error_of(const F& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<std::int64_t> ids_of(const DetectionDataset& dataset) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < dataset.size(); ++i) ids.push_back(dataset.image(i).id);
  return ids;
}

TEST(DetectionDataset, NumbersCategoriesWithoutTheirGaps) {
  const DetectionSet set(4);
  DetectionSource source = set.source();
  std::swap(source.annotations.categories[0], source.annotations.categories[2]);
  NullLogger logger;
  const DetectionDataset dataset(source, {}, logger);
  EXPECT_EQ(dataset.num_labels(), 3);
  EXPECT_EQ(dataset.label_of(3), 0);
  EXPECT_EQ(dataset.label_of(17), 1);
  EXPECT_EQ(dataset.label_of(90), 2);
  EXPECT_EQ(dataset.categories()[1].name, "dog");
  EXPECT_THAT(ids_of(dataset), ElementsAre(10, 11, 12, 13));
  EXPECT_EQ(dataset.objects(2)[0].category_id, 90);
  EXPECT_TRUE(dataset.has_masks());
}

TEST(DetectionDataset, LeavesOutImagesWithoutObjectsUnlessTheyAreAskedFor) {
  const DetectionSet set(5);
  DetectionSource source = set.source();
  auto& annotations = source.annotations.annotations;
  annotations.erase(annotations.begin() + 1);  // of image 11
  annotations[2].is_crowd = true;              // of image 13
  NullLogger logger;
  EXPECT_THAT(ids_of(DetectionDataset(source, {}, logger)), ElementsAre(10, 12, 14));
  EXPECT_EQ(DetectionDataset(source, {.keep_empty = true}, logger).size(), 5);
  const DetectionDataset test(source, {.use = DetectionUse::kTest}, logger);
  EXPECT_EQ(test.size(), 5);
  EXPECT_TRUE(test.objects(1).empty());
  EXPECT_EQ(test.objects(3).size(), 1u);
  // After some went, the others keep their objects.
  const DetectionDataset train(source, {}, logger);
  for (std::int64_t i = 0; i < train.size(); ++i) EXPECT_EQ(train.objects(i)[0].image_id, train.image(i).id);
}

TEST(DetectionDataset, ASmallerShareIsPartOfALargerOne) {
  const DetectionSet set(50);
  RecordingLogger logger;
  std::set<std::int64_t> before;
  for (const double fraction : {0.01, 0.1, 0.5, 1.0}) {
    const DetectionDataset dataset(set.source(), {.label_fraction = fraction}, logger);
    const auto ids = ids_of(dataset);
    EXPECT_EQ(ids.size(), std::max(1.0, std::round(50 * fraction)));
    EXPECT_TRUE(std::ranges::is_sorted(ids));
    const std::set<std::int64_t> now(ids.begin(), ids.end());
    EXPECT_TRUE(std::ranges::includes(now, before));
    before = now;
  }
  const auto drawn = [&](std::int64_t seed) {
    return ids_of(DetectionDataset(set.source(), {.label_fraction = 0.2, .fraction_seed = seed}, logger));
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST(DetectionDataset, TakesBoxesAloneWhenNothingHasAShape) {
  const DetectionSet set(3);
  DetectionSource source = set.source();
  RecordingLogger logger;
  source.annotations.annotations[1].segmentation = {};
  const DetectionDataset some(source, {}, logger);  // image 11 has no object with a shape
  EXPECT_THAT(ids_of(some), ElementsAre(10, 12));
  EXPECT_THAT(logger.messages(), Contains(HasSubstr("1 objects have no shape")));
  EXPECT_FALSE(DetectionDataset(source, {.masks = false}, logger).has_masks());
  EXPECT_EQ(DetectionDataset(source, {.masks = false}, logger).size(), 3);
  for (ObjectAnnotation& a : source.annotations.annotations) a.segmentation = {};
  const DetectionDataset none(source, {}, logger);
  EXPECT_FALSE(none.has_masks());
  EXPECT_EQ(none.size(), 3);
  EXPECT_THAT(logger.messages(), Contains(HasSubstr("boxes are used alone")));
}

TEST(DetectionDataset, LeavesOutImagesWithoutAFileAndRefusesWhenMostAre) {
  const DetectionSet set(6);
  RecordingLogger logger;
  DetectionSource source = set.source();
  source.annotations.images[2].file_name = "lost.png";
  source.annotations.images[3].file_name = "elsewhere/" + source.annotations.images[3].file_name;  // found by its end
  EXPECT_THAT(ids_of(DetectionDataset(source, {}, logger)), ElementsAre(10, 11, 13, 14, 15));
  EXPECT_THAT(logger.messages(), Contains(HasSubstr("lost.png")));
  for (int i : {0, 1, 4}) source.annotations.images[static_cast<std::size_t>(i)].file_name = "lost.png";
  EXPECT_THAT(error_of([&] { DetectionDataset(source, {}, logger); }),
              HasSubstr("of 6 images have no file among those given: 4 (lost.png"));
}

TEST(DetectionDataset, RefusesSetsWithoutAnything) {
  const DetectionSet set(2);
  NullLogger logger;
  DetectionSource source = set.source();
  source.annotations.annotations.clear();
  EXPECT_THAT(error_of([&] { DetectionDataset(source, {}, logger); }), HasSubstr("none of its 2 images has an object"));
  EXPECT_EQ(DetectionDataset(source, {.use = DetectionUse::kTest}, logger).size(), 2);
  source.annotations.images.clear();
  EXPECT_THAT(error_of([&] { DetectionDataset(source, {.use = DetectionUse::kTest}, logger); }),
              HasSubstr("has no images"));
  source = set.source();
  source.annotations.annotations.clear();
  source.annotations.categories.clear();
  EXPECT_THAT(error_of([&] { DetectionDataset(source, {}, logger); }), HasSubstr("no categories"));
}

TEST(DetectionDataset, ReplacesAnImageOfAnotherSizeThanItsAnnotations) {
  const DetectionSet set(4);
  DetectionSource source = set.source();
  source.annotations.images[1].width += 1;
  RecordingLogger logger;
  const DetectionDataset dataset(source, {}, logger);
  EncodedSample sample;
  std::int64_t got = -1;
  dataset.visit(1, sample, [&](const EncodedSample& s) { got = s.index; });
  EXPECT_EQ(got, 2);
  EXPECT_EQ(dataset.num_bad(), 1);
  EXPECT_THAT(logger.messages(), Contains(HasSubstr("its annotations say")));
}

TEST(RepeatFactors, AreThoseOfAHandCalculation) {
  // Of 8 images "cat" is in all, "dog" in two, "bird" in one. Threshold 0.5: dog sqrt(0.5 / 0.25) = 1.4142, bird
  // sqrt(0.5 / 0.125) = 2.
  const DetectionSet set(8);
  DetectionSource source = set.source();
  auto& annotations = source.annotations.annotations;
  for (ObjectAnnotation& a : annotations) a.category_id = 3;
  annotations.push_back(DetectionSet::object(100, 12, 17, 1, 1, 5, 5));
  annotations.push_back(DetectionSet::object(101, 12, 17, 2, 2, 5, 5));  // twice in an image counts once
  annotations.push_back(DetectionSet::object(102, 15, 17, 1, 1, 5, 5));
  annotations.push_back(DetectionSet::object(103, 15, 90, 1, 1, 5, 5));
  NullLogger logger;
  const DetectionDataset dataset(source, {}, logger);
  const auto factors = repeat_factors(dataset, 0.5);
  EXPECT_DOUBLE_EQ(factors[2], std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(factors[5], 2.0);
  EXPECT_EQ(std::ranges::count(factors, 1.0), 6);
  EXPECT_EQ(std::ranges::count(repeat_factors(dataset, 0), 1.0), 8);
}

TEST(DetectionSource, ReadsCocoVocAndYolo) {
  const TempDir dir;
  NullLogger logger;
  for (const char* folder : {"JPEGImages", "Annotations", "images", "labels"})
    std::filesystem::create_directories(dir / folder);
  for (const char* folder : {"JPEGImages", "images"}) {
    write_image(dir / folder / "a.png", make_image(40, 60));
    write_image(dir / folder / "b.png", make_image(50, 30));
  }
  write_file_atomic(dir / "instances.json",
                    R"({"images": [{"id": 5, "file_name": "a.png", "height": 40, "width": 60},
    {"id": 6, "file_name": "b.png", "height": 50, "width": 30}], "categories": [{"id": 1, "name": "cat"}],
    "annotations": [{"id": 1, "image_id": 6, "category_id": 1, "bbox": [3, 5, 12, 10],
    "segmentation": [[3, 5, 15, 5, 15, 15, 3, 15]]}]})");
  for (const char* name : {"a", "b", "c"}) {
    write_file_atomic(dir / "Annotations" / (std::string(name) + ".xml"),
                      "<annotation><filename>" + std::string(name) +
                          ".png</filename><size><width>30</width><height>50</height></size><object><name>cat</name>"
                          "<bndbox><xmin>4</xmin><ymin>6</ymin><xmax>15</xmax><ymax>15</ymax></bndbox></object>"
                          "</annotation>");
  }
  write_file_atomic(dir / "set.txt", "JPEGImages/b.png\n");
  write_file_atomic(dir / "data.yaml", "names: [cat]\n");
  write_file_atomic(dir / "labels" / "b.txt", "0 0.3 0.2 0.4 0.2\n");

  const auto coco = read_detection_source(dir / "instances.json", dir / "images", {}, logger);
  const auto voc = read_detection_source(dir / "", dir / "set.txt", {}, logger);  // an image set: c is not wanted
  const auto yolo = read_detection_source(dir / "data.yaml", "", {}, logger);
  for (const DetectionSource* source : {&coco, &voc, &yolo}) {
    const DetectionDataset dataset(*source, {}, logger);
    ASSERT_EQ(dataset.size(), 1) << source->name;
    EXPECT_EQ(dataset.image(0).height, 50);
    ASSERT_EQ(dataset.objects(0).size(), 1u);
    const CocoBox box = dataset.objects(0)[0].box;
    // Fractions of 30 and 50 px are not exact.
    EXPECT_NEAR(box.x, 3, 1e-9);
    EXPECT_NEAR(box.y, 5, 1e-9);
    EXPECT_NEAR(box.width, 12, 1e-9);
    EXPECT_NEAR(box.height, 10, 1e-9);
    EncodedSample sample;
    EXPECT_NO_THROW(dataset.visit(0, sample, [](const EncodedSample&) {}));
    EXPECT_EQ(dataset.num_bad(), 0);
  }
  EXPECT_EQ(yolo.annotations.images.size(), 2u);
  EXPECT_THAT(error_of([&] { read_detection_source(dir / "images", "", {}, logger); }), HasSubstr("no labels"));
  EXPECT_THAT(error_of([&] { read_detection_source(dir / "none.json", "", {}, logger); }), HasSubstr("none.json"));
}

TEST(DetectionSource, TwoSetsBecomeOne) {
  const DetectionSet a(3), b(2);
  DetectionSource second = b.source();
  second.annotations.categories = {{.id = 3, .name = "dog"}, {.id = 17, .name = "fish"}, {.id = 90, .name = "cat"}};
  for (AnnotatedImage& image : second.annotations.images) image.file_name = "images/" + image.file_name;
  const DetectionSource merged = merge_sources({a.source(), second});
  ASSERT_EQ(merged.annotations.images.size(), 5u);
  EXPECT_EQ(merged.images.size(), 5u);
  ASSERT_EQ(merged.annotations.categories.size(), 4u);
  std::map<std::int64_t, std::string> name_of_id;
  for (const ObjectCategory& category : merged.annotations.categories) name_of_id[category.id] = category.name;
  std::vector<std::string> names;
  for (const ObjectAnnotation& object : merged.annotations.annotations) names.push_back(name_of_id[object.category_id]);
  EXPECT_THAT(names, ElementsAre("cat", "dog", "bird", "dog", "fish"));
  EXPECT_EQ(merged.annotations.annotations[4].image_id, 5);
  // Both sets have a 1000.png, and each gets its own: the first's is spoilt.
  write_image(a.image_path(0), make_image(5, 5));
  NullLogger logger;
  const DetectionDataset dataset(merged, {.max_bad_ratio = 0}, logger);
  EXPECT_EQ(dataset.key(3), "2/1000.png");
  EncodedSample sample;
  EXPECT_THROW(dataset.visit(0, sample, [](const EncodedSample&) {}), Error);  // another size than its annotations say
  dataset.visit(3, sample, [&](const EncodedSample& s) { EXPECT_EQ(s.index, 3); });
}

TEST(DetectionSource, ImagesWithoutLabelsAreMeasured) {
  const DetectionSet set(3);
  write_file_atomic(set.image_path(1), "no image");
  RecordingLogger logger;
  const DetectionSource source = unlabelled_source(list_images(set.folder()), {}, logger);
  ASSERT_EQ(source.annotations.images.size(), 2u);
  EXPECT_EQ(source.annotations.images[1].id, 2);
  EXPECT_EQ(source.annotations.images[1].height, set.source().annotations.images[2].height);
  EXPECT_THAT(logger.messages(), Contains(HasSubstr("1001.png")));
  EXPECT_EQ(DetectionDataset(source, {.use = DetectionUse::kTest}, logger).size(), 2);
}

}  // namespace
}  // namespace soco
