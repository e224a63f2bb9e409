// SPDX-License-Identifier: MIT
#include "soco/structures/coco_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/atomic_file.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::HasSubstr;

const char* const kImages = R"("images": [{"id": 7, "file_name": "a.jpg", "height": 4, "width": 6, "license": 1}])";
const char* const kCategories = R"("categories": [{"id": 9, "name": "cat"}, {"id": 2, "name": "dog"}])";

AnnotationSet read(const std::string& text) {
  JsonReader json(text, "gt.json", kCocoAnnotationsForm);
  return read_coco_annotations(json);
}
std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
/// The error of a file with this text as its one annotation.
std::string error_of_annotation(const std::string& annotation) {
  return error_of(fmt::format("{{{}, {}, \"annotations\": [{}]}}", kImages, kCategories, annotation));
}
std::string error_of_results(const std::string& text) {
  try {
    JsonReader json(text, "dt.json", kCocoResultsForm);
    read_coco_results(json, [](const DetectionResult&) {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ReadCocoAnnotations, ReadsImagesCategoriesAndObjectsInAnyOrder) {
  const AnnotationSet set = read(
      R"({"info": {"x": [1]}, "annotations": [
        {"id": 3, "image_id": 7, "category_id": 9, "bbox": [1, 2, 3.5, 1.25], "area": 2.5, "iscrowd": 1,
         "segmentation": {"counts": [1, 2], "size": [4, 6]}},
        {"segmentation": [[1, 2, 3, 4, 5, 6]], "id": 4, "image_id": 7, "category_id": 2, "bbox": [0, 0, 2, 3]}], )" +
      std::string(kCategories) + ", " + kImages + "}");
  ASSERT_EQ(set.images.size(), 1u);
  EXPECT_EQ(set.images[0].id, 7);
  EXPECT_EQ(set.images[0].file_name, "a.jpg");
  EXPECT_EQ(set.images[0].height, 4);
  EXPECT_EQ(set.images[0].width, 6);
  ASSERT_EQ(set.categories.size(), 2u);
  EXPECT_EQ(set.categories[0].name, "dog");  // by id
  ASSERT_EQ(set.annotations.size(), 2u);
  EXPECT_EQ(set.annotations[0].box, (CocoBox{1, 2, 3.5, 1.25}));
  EXPECT_EQ(set.annotations[0].area, 2.5);
  EXPECT_TRUE(set.annotations[0].is_crowd);
  EXPECT_EQ(set.annotations[1].area, 6);  // of the box, when not given
  EXPECT_FALSE(set.annotations[1].is_crowd);
}

TEST(ReadCocoAnnotations, NamesWhatIsMissing) {
  EXPECT_THAT(error_of("{}"), HasSubstr("has no 'images'"));
  EXPECT_THAT(error_of(fmt::format("{{{}, {}}}", kImages, kCategories)), HasSubstr("has no 'annotations'"));
  EXPECT_THAT(error_of_annotation(R"({"id": 1, "image_id": 7, "bbox": [0, 0, 1, 1]})"),
              HasSubstr("'annotations'[0] (byte"));
  EXPECT_THAT(error_of_annotation(R"({"id": 1, "image_id": 7, "bbox": [0, 0, 1, 1]})"), HasSubstr("no 'category_id'"));
  EXPECT_THAT(error_of(R"({"images": [{"id": 1, "height": 2, "width": 2}]})"), HasSubstr("no 'file_name'"));
}

TEST(ReadCocoAnnotations, NamesThePlaceOfAWrongValue) {
  const auto with = [](const std::string& key, const std::string& value) {
    std::string text = R"({"id": 1, "image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0})";
    const std::size_t begin = text.find('"' + key + '"') + key.size() + 4;
    return text.replace(begin, text.find(key == "bbox" ? ']' : ',', begin) + (key == "bbox" ? 1 : 0) - begin, value);
  };
  EXPECT_EQ(error_of_annotation(with("id", "1")), "no error");
  for (const auto& [key, value, word] :
       std::vector<std::array<std::string, 3>>{{"id", "\"1\"", "a text is out of place"},
                                               {"image_id", "1.5", "not a whole number"},
                                               {"image_id", "null", "null is out of place"},
                                               {"category_id", "[2]", "an array is out of place"},
                                               {"bbox", "[0, 0, 1]", "3 numbers"},
                                               {"bbox", "[0, 0, 1, 1, 1]", "5 numbers"},
                                               {"bbox", "[0, 0, -1, 1]", "negative size"},
                                               {"bbox", "[0, 0, NaN, 1]", "NaN"},
                                               {"bbox", "[0, 0, 1e300, 1]", "no image reaches"},
                                               {"bbox", "{}", "an object is out of place"},
                                               {"bbox", "[0, \"0\", 1, 1]", "a text is out of place"},
                                               {"area", "-1", "negative area"}}) {
    const std::string error = error_of_annotation(with(key, value));
    EXPECT_THAT(error, HasSubstr(word)) << key << " " << value;
    EXPECT_THAT(error, HasSubstr("gt.json: 'annotations'[0].'" + key)) << key << " " << value;
  }
  EXPECT_THAT(error_of_annotation(R"({"iscrowd": 2})"), HasSubstr("expected 0 or 1"));
  EXPECT_THAT(error_of(R"({"images": [{"width": 0}]})"), HasSubstr("0 pixels"));
  EXPECT_THAT(error_of(R"({"images": {}})"), HasSubstr("the file's form is"));
  EXPECT_THAT(error_of("[]"), HasSubstr("an array is out of place, expected an object"));
}

TEST(ReadCocoAnnotations, RefusesIdsThatDoNotFit) {
  const std::string good = R"({"id": 1, "image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1]})";
  EXPECT_THAT(error_of_annotation(good + ", " + good), HasSubstr("two annotations have the id 1"));
  EXPECT_THAT(error_of_annotation(R"({"id": 1, "image_id": 8, "category_id": 2, "bbox": [0, 0, 1, 1]})"),
              HasSubstr("image_id 8"));
  EXPECT_THAT(error_of_annotation(R"({"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1]})"),
              HasSubstr("category_id 3"));
}

TEST(ReadCocoResults, GivesThemInTheFilesOrder) {
  JsonReader json(R"([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5, "x": 0},
                      {"score": -1, "bbox": [0, 0, 0, 0], "category_id": 2, "image_id": 9}])",
                  "dt.json", kCocoResultsForm);
  std::vector<DetectionResult> results;
  read_coco_results(json, [&](const DetectionResult& r) { results.push_back(r); });
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].image_id, 1);
  EXPECT_EQ(results[0].box, (CocoBox{1, 2, 3, 4}));
  EXPECT_EQ(results[0].score, 0.5);
  EXPECT_EQ(results[1].category_id, 2);
}

TEST(ReadCocoResults, NamesThePlaceOfAMistake) {
  EXPECT_EQ(error_of_results("[]"), "no error");
  EXPECT_THAT(error_of_results("{}"), HasSubstr("expected an array; the file's form is [{\"image_id\""));
  EXPECT_THAT(error_of_results(R"([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}])"),
              HasSubstr("no 'score'"));
  EXPECT_THAT(error_of_results(R"([{"score": NaN}])"), HasSubstr("dt.json: [0].'score'"));
  EXPECT_THAT(error_of_results(R"([{"bbox": [1, 2, 3, -4]}])"), HasSubstr("negative size"));
  EXPECT_THAT(error_of_results(R"([] [])"), HasSubstr("something follows"));
}

TEST(ReadCocoAnnotations, ReadsAFile) {
  const testing::TempDir dir;
  write_file_atomic(dir / "gt.json", fmt::format("{{{}, {}, \"annotations\": []}}", kImages, kCategories));
  EXPECT_EQ(read_coco_annotations(dir / "gt.json").images.size(), 1u);
  EXPECT_THROW(read_coco_annotations(dir / "none.json"), Error);
}

}  // namespace
}  // namespace soco
