// SPDX-License-Identifier: MIT
#include "soco/data/probe_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "soco/base/error.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProbeSetTest : public ::testing::Test {
 protected:
  /// `count` images of 20 x 10 px, "0.jpg" .., and as many categories, of ids 10, 20, ...
  void prepare(int count, int num_categories) {
    std::vector<ImageEntry> entries;
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i) + ".jpg";
      entries.push_back({.key = "val/" + name, .path = "/photos/val/" + name});
      annotations_.images.push_back({.id = 100 + i, .height = 10, .width = 20, .file_name = name});
    }
    images_ = ImageList(entries);
    for (int c = 1; c <= num_categories; ++c) annotations_.categories.push_back({10 * c, "class" + std::to_string(c)});
  }
  void add(int image, int category, const CocoBox& box = {1, 2, 3, 4}, bool is_crowd = false) {
    annotations_.annotations.push_back({.id = static_cast<std::int64_t>(annotations_.annotations.size()),
                                        .image_id = 100 + image,
                                        .category_id = 10 * category,
                                        .box = box,
                                        .is_crowd = is_crowd});
  }
  ProbeSet make(const ProbeSetOptions& options = {}) {
    return make_probe_set(images_, annotations_, "boxes.json", options, log_);
  }
  std::string error(const ProbeSetOptions& options = {}) {
    try {
      make(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  NullLogger log_;
  ImageList images_;
  AnnotationSet annotations_;
};

TEST_F(ProbeSetTest, ClipsBoxesAndLeavesOutCrowdsAndBoxesWithoutArea) {
  prepare(3, 3);
  add(0, 1, {15, -2, 10, 6});
  add(0, 3);
  add(0, 1, {0, 0, 20, 10}, true);
  add(1, 3, {20, 0, 5, 5});  // outside
  add(1, 3, {3, 3, 0, 5});
  add(1, 1);
  const ProbeSet set = make();
  ASSERT_EQ(set.images.size(), 2u);  // the third has no object
  EXPECT_EQ(set.images[0].objects[0].box, (Box{15, 0, 20, 4}));
  EXPECT_EQ(set.images[0].objects[1].label, 1);
  EXPECT_EQ(set.images[1].objects.size(), 1u);
  EXPECT_EQ(set.num_crowds, 1);
  EXPECT_EQ(set.num_degenerate, 2);
  EXPECT_THAT(set.classes, ElementsAre("class1", "class3"));
  EXPECT_THAT(set.empty_categories, ElementsAre("class2"));
  EXPECT_EQ(set.images[1].entry.path, "/photos/val/1.jpg");  // found by its last component
}

TEST_F(ProbeSetTest, SplitsImagesByTheSeedAlone) {
  prepare(100, 2);
  for (int i = 0; i < 100; ++i) add(i, 1 + i % 2);
  const auto places = [](const ProbeSet& set) {
    std::set<std::string> keys;
    for (const ProbeImage& image : set.images)
      if (image.is_val) keys.insert(image.entry.key);
    return keys;
  };
  const ProbeSet set = make({.val_ratio = 0.3});
  EXPECT_EQ(set.num_boxes(true), 30);
  EXPECT_EQ(set.num_boxes(false), 70);
  EXPECT_EQ(places(set), places(make({.val_ratio = 0.3})));
  EXPECT_NE(places(set), places(make({.val_ratio = 0.3, .seed = 1})));
  EXPECT_EQ(make({.val_ratio = 1e-9}).num_boxes(true), 1);  // at least one a side
  EXPECT_EQ(make({.val_ratio = 0.999}).num_boxes(false), 1);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(set.images[i].entry.key, "val/" + std::to_string(i) + ".jpg");
}

TEST_F(ProbeSetTest, TakesSomeImagesInOrder) {
  prepare(50, 2);
  for (int i = 0; i < 50; ++i) add(i, 1 + i % 2);
  const ProbeSet set = make({.max_images = 20});
  ASSERT_EQ(set.images.size(), 20u);
  const auto number = [](const ProbeImage& image) { return std::stoi(image.entry.key.substr(4)); };
  for (std::size_t i = 1; i < 20; ++i) EXPECT_LT(number(set.images[i - 1]), number(set.images[i]));
  EXPECT_GT(number(set.images.back()), 25);  // not the first ones: 20 of the first 26 by chance is below 1e-8
}

TEST_F(ProbeSetTest, NamesWhatCannotBeJudged) {
  prepare(4, 2);
  add(0, 1, {0, 0, 5, 5}, true);
  EXPECT_THAT(error(), HasSubstr("boxes.json: no labelled boxes"));
  EXPECT_THAT(error(), HasSubstr("1 crowds"));
  add(0, 2);
  add(1, 2);
  EXPECT_THAT(error(), HasSubstr("all boxes are of one category, 'class2'"));
  annotations_.annotations.clear();
  add(3, 1);
  add(3, 2);
  EXPECT_THAT(error(), HasSubstr("one image has labelled boxes"));
  add(2, 2);
  EXPECT_EQ(error(), "no error");
}

TEST_F(ProbeSetTest, LeavesOutAFewMissingImagesAndRefusesMany) {
  prepare(4, 2);
  for (int i = 0; i < 4; ++i) add(i, 1 + i % 2);
  annotations_.images[1].file_name = "lost.jpg";
  EXPECT_EQ(make().images.size(), 3u);
  annotations_.images[2].file_name = "too.jpg";
  annotations_.images[3].file_name = "also.jpg";
  EXPECT_THAT(error(), HasSubstr("lost.jpg"));
}

TEST_F(ProbeSetTest, JoinsTwoSetsByTheNamesOfTheirCategories) {
  prepare(4, 3);
  for (int i = 0; i < 4; ++i) add(i, 1 + i % 3);
  const ProbeSet train = make({.val_ratio = 0});
  EXPECT_EQ(train.num_boxes(true), 0);
  annotations_.annotations.clear();
  add(2, 3);
  const ProbeSet joined = join_probe_sets(train, "train.json", make({.val_ratio = 0}), "val.json");
  EXPECT_EQ(joined.images.size(), 5u);
  EXPECT_EQ(joined.num_boxes(true), 1);
  EXPECT_EQ(joined.images[4].objects[0].label, 2);
  annotations_.categories[2].name = "new";
  const ProbeSet other = make({.val_ratio = 0});
  EXPECT_THROW(join_probe_sets(train, "train.json", other, "val.json"), Error);
  EXPECT_THROW(join_probe_sets(other, "train.json", other, "val.json"), Error);  // one class to learn from
}

}  // namespace
}  // namespace soco
