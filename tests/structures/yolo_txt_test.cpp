// SPDX-License-Identifier: MIT
#include "soco/structures/yolo_txt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
std::string label_error(const std::string& text) {
  return error_of([&] { read_yolo_labels(text, "a.txt", 100, 200, 3); });
}

TEST(ReadYoloLabels, FractionsOfTheCentreBecomeCorners) {
  const auto objects = read_yolo_labels("1 0.5 0.5 0.25 0.5\n\n 2\t0 0 0 0 \r\n", "a.txt", 100, 200, 3);
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].category_id, 1);
  EXPECT_EQ(objects[0].box, (CocoBox{75, 25, 50, 50}));  // centre 100, 50; 50 wide, 50 high
  EXPECT_EQ(objects[0].area, 2500);
  EXPECT_EQ(objects[1].box, (CocoBox{0, 0, 0, 0}));
}

TEST(ReadYoloLabels, APolygonsBoxCounts) {
  const auto objects = read_yolo_labels("0 0.25 0.5 0.75 0.25 0.5 1", "a.txt", 100, 200, 3);
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_EQ(objects[0].box, (CocoBox{50, 25, 100, 75}));
}

TEST(ReadYoloLabels, NamesFileAndLineOfAMistake) {
  EXPECT_THAT(label_error("0 0.1 0.1 0.1 0.1\n0 0.1 x 0.1 0.1"), HasSubstr("a.txt: line 2: 'x' is no number"));
  EXPECT_THAT(label_error("0 0.1 0.1 0.1"), HasSubstr("line 1: 4 numbers"));
  EXPECT_THAT(label_error("0 0.1 0.1 0.1 0.1 0.9"), HasSubstr("6 numbers"));
  EXPECT_THAT(label_error("3 0.1 0.1 0.1 0.1"), HasSubstr("class 3; expected 0 to 2"));
  EXPECT_THAT(label_error("-1 0.1 0.1 0.1 0.1"), HasSubstr("class -1"));
  EXPECT_THAT(label_error("0.5 0.1 0.1 0.1 0.1"), HasSubstr("class 0.5"));
  EXPECT_THAT(label_error("0 1.1 0.1 0.1 0.1"), HasSubstr("1.1 where a fraction"));
  EXPECT_THAT(label_error("0 nan 0.1 0.1 0.1"), HasSubstr("'nan' is no number"));
  EXPECT_THAT(label_error("0 1e999 0.1 0.1 0.1"), HasSubstr("is no number"));
}

TEST(YoloLabelPath, TheLastImagesBecomesLabels) {
  EXPECT_EQ(yolo_label_path("images/train/a.jpg"), "labels/train/a.txt");
  EXPECT_EQ(yolo_label_path("/images/x/images/a.b.png"), "/images/x/labels/a.b.txt");
  EXPECT_EQ(yolo_label_path("photos/a.jpg"), "photos/a.txt");
}

TEST(ReadYoloNames, ReadsLinesAndTheFormsOfYaml) {
  const testing::TempDir temp;
  const auto names = [&](const std::string& file, const std::string& text) {
    write_file_atomic(temp / file, text);
    return read_yolo_names(temp / file);
  };
  EXPECT_THAT(names("classes.txt", "cat\n\n hot dog \r\n"), ElementsAre("cat", "hot dog"));
  EXPECT_THAT(names("a.yaml", "train: images/train\nnc: 2\nnames: ['cat', \"hot dog\"]  # both\n"),
              ElementsAre("cat", "hot dog"));
  EXPECT_THAT(names("a.yaml", "names:\n  0: cat\n  # more\n  1: 'hot dog'\nval: x\n"), ElementsAre("cat", "hot dog"));
  EXPECT_THAT(names("a.yaml", "names:\n- cat\n- dog\nnc: 2\n"), ElementsAre("cat", "dog"));
  EXPECT_THAT(names("a.yaml", "names: {0: cat, 1: dog}"), ElementsAre("cat", "dog"));
}

TEST(ReadYoloNames, RefusesWhatHasNoNames) {
  const testing::TempDir temp;
  const auto error = [&](const std::string& text) {
    write_file_atomic(temp / "a.yaml", text);
    return error_of([&] { read_yolo_names(temp / "a.yaml"); });
  };
  EXPECT_THAT(error("train: x\n"), HasSubstr("a.yaml: no names of classes"));
  EXPECT_THAT(error("names:\n  0: cat\n  2: dog\n"), HasSubstr("class 1 has no name, but 2 has"));
  EXPECT_THAT(error("names:\n  0: cat\n  0: dog\n"), HasSubstr("class 0 has two names"));
  EXPECT_THAT(error("names:\n  cat: dog\n"), HasSubstr("expected '- name' or '0: name'"));
}

TEST(ReadYoloAnnotations, LooksForLabelsBesideTheImages) {
  const testing::TempDir temp;
  std::filesystem::create_directories(temp / "labels/train");
  write_file_atomic(temp / "labels/train/b.txt", "1 0.5 0.5 1 1\n0 0.5 0.5 0.5 0.5");
  const AnnotationSet set =
      read_yolo_annotations(temp.path(), {"cat", "dog"},
                            {{.id = 4, .height = 10, .width = 20, .file_name = "images/train/a.jpg"},
                             {.id = 5, .height = 10, .width = 20, .file_name = "images/train/b.jpg"}});
  EXPECT_EQ(set.images.size(), 2u);  // the first is of background alone
  ASSERT_EQ(set.annotations.size(), 2u);
  EXPECT_EQ(set.annotations[0].image_id, 5);
  EXPECT_EQ(set.annotations[0].box, (CocoBox{0, 0, 20, 10}));
  EXPECT_EQ(set.annotations[1].id, 2);
  EXPECT_EQ(set.categories[1].name, "dog");
  EXPECT_EQ(set.categories[1].id, 1);
}

}  // namespace
}  // namespace soco
