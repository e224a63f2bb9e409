// SPDX-License-Identifier: MIT
// Bad COCO and LVIS files, line by line of what people have met: each gives one message with the file, the place and
// the byte, or is read as documented.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "soco/base/atomic_file.h"
#include "soco/structures/coco_json.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kImage = R"({"id": 1, "file_name": "a.jpg", "height": 10, "width": 20})";
const char* const kObject = R"({"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]})";

std::string file_of(const std::string& images, const std::string& objects,
                    const std::string& categories = R"({"id": 1, "name": "cat"})") {
  return fmt::format(R"({{"images": [{}], "annotations": [{}], "categories": [{}]}})", images, objects, categories);
}
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
std::string object_with(const std::string& key, const std::string& value) {
  std::string text = kObject;
  const std::size_t at = text.find("\"" + key + "\": ") + key.size() + 4;
  const std::size_t end = text[at] == '[' ? text.find(']', at) + 1 : text.find_first_of(",}", at);
  return text.replace(at, end - at, value);
}
std::string error_with(const std::string& key, const std::string& value) {
  return error_of(file_of(kImage, object_with(key, value)));
}

TEST(HostileCoco, TheExampleItselfIsRead) { EXPECT_EQ(read(file_of(kImage, kObject)).annotations.size(), 1u); }

TEST(HostileCoco, MissingKeys) {
  EXPECT_THAT(error_of(R"({"images": [], "annotations": []})"), AllOf(HasSubstr("gt.json"), HasSubstr("'categories'")));
  EXPECT_THAT(error_of(file_of(R"({"id": 1, "file_name": "a.jpg", "width": 4})", "")),
              AllOf(HasSubstr("'images'[0]"), HasSubstr("byte"), HasSubstr("'height'")));
  EXPECT_THAT(error_of(file_of(kImage, R"({"id": 1, "image_id": 1, "bbox": [1, 2, 3, 4]})")),
              AllOf(HasSubstr("'annotations'[0]"), HasSubstr("byte"), HasSubstr("'category_id'")));
}

TEST(HostileCoco, IdsTwice) {
  EXPECT_THAT(error_of(file_of(std::string(kImage) + "," + kImage, kObject)), HasSubstr("two images have the id 1"));
  EXPECT_THAT(error_of(file_of(kImage, std::string(kObject) + "," + kObject)),
              HasSubstr("two annotations have the id 1"));
}

TEST(HostileCoco, NumbersThatAreNone) {
  for (const char* box : {"[NaN, 2, 3, 4]", "[1e400, 2, 3, 4]", "[Infinity, 2, 3, 4]", "[-1e400, 2, 3, 4]"})
    EXPECT_THAT(error_with("bbox", box), AllOf(HasSubstr("'annotations'[0].'bbox'"), HasSubstr("byte"))) << box;
}

TEST(HostileCoco, BoxesOfNoSizeOrOutside) {
  EXPECT_THAT(error_with("bbox", "[1, 2, -3, 4]"), HasSubstr("negative size"));
  EXPECT_THAT(error_with("bbox", "[1, 2, 3]"), HasSubstr("a box of 3 numbers"));
  EXPECT_THAT(error_with("bbox", "[1, 2, 3e30, 4]"), HasSubstr("which no image reaches"));
  // COCO itself has boxes of zero width and some that leave their image: they are read, whoever uses them cuts them.
  EXPECT_EQ(error_with("bbox", "[1, 2, 0, 4]"), "no error");
  EXPECT_EQ(error_with("bbox", "[15, 2, 30, 4]"), "no error");
}

TEST(HostileCoco, SegmentationsArePassedOverWhateverTheyHold) {
  for (const char* text : {"[[1, 2, 3, 4]]", R"({"counts": [1, 2, 3], "size": [9, 9]})", "[]", "null"}) {
    const std::string object = fmt::format(R"({{"segmentation": {}, {})", text, kObject + 1);
    EXPECT_EQ(error_of(file_of(kImage, object)), "no error") << text;
  }
}

TEST(HostileCoco, CategoryIdsMayHaveGapsButMustExist) {
  EXPECT_EQ(error_of(file_of(kImage, kObject, R"({"id": 90, "name": "x"}, {"id": 1, "name": "y"})")), "no error");
  EXPECT_THAT(error_with("category_id", "2"), HasSubstr("category_id 2, which is not among"));
}

TEST(HostileCoco, IdsOfTwentyFourDigits) {
  EXPECT_THAT(error_with("id", "123456789012345678901234"),
              AllOf(HasSubstr("'annotations'[0].'id'"), HasSubstr("byte")));
}

TEST(HostileCoco, OtherEncodings) {
  const std::string text = file_of(kImage, kObject);
  EXPECT_THAT(error_of("\xEF\xBB\xBF" + text), HasSubstr("byte 0"));
  std::string utf16 = "\xFF\xFE";
  for (const char c : text) utf16 += {c, '\0'};
  EXPECT_THAT(error_of(utf16), HasSubstr("byte 0"));
}

TEST(HostileCoco, TrailingCommasAndSecondObjects) {
  EXPECT_THAT(error_of(file_of(std::string(kImage) + ",", kObject)), AllOf(HasSubstr("images"), HasSubstr("byte")));
  EXPECT_THAT(error_of(file_of(kImage, kObject) + file_of(kImage, kObject)), HasSubstr("byte"));
  EXPECT_NE(error_of(file_of(kImage, kObject).substr(0, 100)), "no error");  // cut off
}

TEST(HostileCoco, AHundredMegabytesOfBracketsAreRefusedAtOnce) {
  const testing::TempDir temp;
  write_file_atomic(temp / "deep.json", R"({"images": )" + std::string(100 << 20, '['));
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto begin = std::chrono::steady_clock::now();
  try {
    read_coco_annotations(temp / "deep.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("deep.json"), HasSubstr("byte")));
  }
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 4 << 10);  // kB: a buffer, not the file
}

TEST(Lvis, ImagesWithoutFileNamesAndWhatLvisAdds) {
  const AnnotationSet set = read(file_of(
      R"({"id": 1, "height": 10, "width": 20, "coco_url": "http://images.cocodataset.org/train2017/000000391895.jpg",
          "neg_category_ids": [3, 4], "not_exhaustive_category_ids": [2]})",
      kObject,
      R"({"id": 1, "name": "cat", "frequency": "f", "synset": "cat.n.01"}, {"id": 2, "name": "x", "frequency": "r"})"));
  EXPECT_EQ(set.images[0].file_name, "train2017/000000391895.jpg");
  EXPECT_THAT(set.images[0].absent_categories, ElementsAre(3, 4));
  EXPECT_THAT(set.images[0].incomplete_categories, ElementsAre(2));
  EXPECT_EQ(set.categories[0].frequency, CategoryFrequency::kFrequent);
  EXPECT_EQ(set.categories[1].frequency, CategoryFrequency::kRare);
  EXPECT_THAT(error_of(file_of(kImage, kObject, R"({"id": 1, "name": "x", "frequency": "often"})")),
              HasSubstr("frequency 'often'; expected r, c or f"));
  EXPECT_THAT(error_of(file_of(R"({"id": 1, "height": 10, "width": 20})", "")), HasSubstr("'file_name'"));
}

TEST(ReadCocoImageNames, NeedsNoAnnotations) {
  const testing::TempDir temp;
  write_file_atomic(temp / "test.json", fmt::format(R"({{"images": [{}], "info": {{}}}})", kImage));
  std::vector<std::string> names;
  read_coco_image_names(temp / "test.json", [&](const std::string& name) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre("a.jpg"));
}

}  // namespace
}  // namespace soco
