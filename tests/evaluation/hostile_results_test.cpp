// SPDX-License-Identifier: MIT
// A table of faults in annotations and results, each with the line that it gives and what --repair makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "soco/evaluation/detection_metrics.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kImage = R"({"id": 1, "file_name": "a.jpg", "height": 10, "width": 20})";
const std::string kCategory = R"({"id": 1, "name": "cat"})";
const std::string kMask = R"({"size": [10, 20], "counts": [0, 200]})";
const std::string kObject =
    R"({"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": [[1, 1, 9, 1, 9, 9]]})";
const std::string kResult = R"({"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5})";

std::string truth_file(const std::string& images, const std::string& objects, const std::string& categories) {
  return fmt::format(R"({{"images": [{}], "annotations": [{}], "categories": [{}]}})", images, objects, categories);
}
/// A second object, result, ... beside the good one.
std::string object_with(const std::string& rest) { return kObject + ", {" + rest + "}"; }
std::string object_of(const std::string& shape) {
  return object_with(R"("id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": )" + shape);
}
std::string results_with(const std::string& rest) { return "[" + kResult + ", {" + rest + "}]"; }
std::string result_of(const std::string& shape) {
  return results_with(R"("image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5, "segmentation": )" +
                      shape);
}

enum class Remedy { kNone, kRepair };
constexpr int kAnyCount = -1;

struct Fault {
  const char* name;
  std::string truth, results, place, message;
  Remedy remedy = Remedy::kNone;
  int objects_left = kAnyCount, results_left = kAnyCount;
};

const std::string kGoodTruth = truth_file(kImage, kObject, kCategory);
const std::string kGoodResults = "[" + kResult + "]";

Fault in_objects(const char* name, const std::string& objects, const std::string& message, Remedy remedy, int left = 1,
                 const std::string& place = "'annotations'[1]") {
  return {name, truth_file(kImage, objects, kCategory), kGoodResults, place, message, remedy, left, 1};
}
Fault in_results(const char* name, const std::string& results, const std::string& message, Remedy remedy, int left = 1,
                 const std::string& place = "[1]") {
  return {name, kGoodTruth, results, place, message, remedy, 1, left};
}
Fault in_truth(const char* name, const std::string& text, const std::string& message) {
  return {name, text, kGoodResults, "gt.json", message};
}

std::vector<Fault> faults() {
  constexpr Remedy kRepair = Remedy::kRepair, kNone = Remedy::kNone;
  std::vector<Fault> all{
      // Annotations: keys.
      in_objects("no id",
                 object_with(R"("image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": )" + kMask),
                 "no 'id'", kRepair, 2),
      in_objects("no image_id", object_with(R"("id": 2, "category_id": 1, "bbox": [1, 2, 3, 4])"), "no 'image_id'",
                 kRepair),
      in_objects("no category_id", object_with(R"("id": 2, "image_id": 1, "bbox": [1, 2, 3, 4])"), "no 'category_id'",
                 kRepair),
      in_objects("no bbox", object_with(R"("id": 2, "image_id": 1, "category_id": 1)"), "no 'bbox'", kRepair),
      in_objects("no segmentation", object_with(R"("id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4])"),
                 "no segmentation", kRepair),
      in_objects("key twice", object_with(R"("id": 2, "id": 3)"), "twice", kNone),
      // Ids.
      in_objects("id twice", kObject + "," + kObject, "two annotations have the id 1", kRepair, 2),
      in_objects("unknown image", object_with(R"("id": 2, "image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4])"),
                 "image_id 5, which is not among", kRepair),
      in_objects(
          "unknown category",
          object_with(R"("id": 2, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4], "segmentation": )" + kMask),
          "category_id 5, which is not among", kRepair),
      in_objects("24 digits", object_with(R"("id": 123456789012345678901234)"), "not a whole number", kNone),
      in_objects("id of text", object_with(R"("id": "2")"), "a text is out of place", kNone),
      in_objects("id with fraction", object_with(R"("id": 2.5)"), "not a whole number", kNone),
      // Boxes and areas.
      in_objects("negative width", object_with(R"("id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, -3, 4])"),
                 "negative size", kRepair),
      in_objects("negative height", object_with(R"("id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, -4])"),
                 "negative size", kRepair),
      in_objects("three numbers", object_with(R"("id": 2, "bbox": [1, 2, 3])"), "a box of 3 numbers", kNone),
      in_objects("five numbers", object_with(R"("id": 2, "bbox": [1, 2, 3, 4, 5])"), "a box of 5 numbers", kNone),
      in_objects("no numbers", object_with(R"("id": 2, "bbox": [])"), "a box of 0 numbers", kNone),
      in_objects("null box", object_with(R"("id": 2, "bbox": null)"), "null is out of place", kNone),
      in_objects("NaN", object_with(R"("id": 2, "bbox": [NaN, 2, 3, 4])"), "NaN and Infinity", kNone),
      in_objects("Infinity", object_with(R"("id": 2, "bbox": [1, 2, -Infinity, 4])"), "Infinity", kNone),
      in_objects("1e400", object_with(R"("id": 2, "bbox": [1, 1e400, 3, 4])"), "beyond what a float64 holds", kNone),
      in_objects("far away", object_with(R"("id": 2, "bbox": [1e12, 2, 3, 4])"), "no image reaches", kNone),
      in_objects("negative area",
                 object_with(
                     R"("id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": -2, "segmentation": )" +
                     kMask),
                 "a negative area", kRepair, 2),
      in_objects(
          "iscrowd 2",
          object_with(
              R"("id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 2, "segmentation": )" +
              kMask),
          "iscrowd is 2", kRepair, 2),
      // Shapes.
      in_objects("two corners", object_of("[[1, 2, 3, 4]]"), "a polygon of 4 numbers", kRepair),
      in_objects("half a corner", object_of("[[1, 2, 3, 4, 5, 6, 7]]"), "a polygon of 7 numbers", kRepair),
      in_objects("empty polygon", object_of("[[]]"), "a polygon of 0 numbers", kRepair),
      in_objects("corner far away", object_of("[[1, 2, 3, 4, 5, 1e10]]"), "no image reaches", kRepair),
      in_objects("polygon of text", object_of(R"(["1 2 3"])"), "a text is out of place", kNone),
      in_objects("flat list", object_of("[1, 2, 3, 4, 5, 6]"), "a number is out of place", kNone),
      in_objects("empty list", object_of("[]"), "no segmentation", kRepair),
      in_objects("counts too few", object_of(R"({"size": [10, 20], "counts": [100, 99]})"), "add up to 199", kRepair),
      in_objects("counts too many", object_of(R"({"size": [10, 20], "counts": [100, 101]})"), "more than", kRepair),
      in_objects("negative count", object_of(R"({"size": [10, 20], "counts": [201, -1]})"), "more than", kRepair),
      in_objects("negative first count", object_of(R"({"size": [10, 20], "counts": [-1, 201]})"), "a run of -1",
                 kRepair),
      in_objects("huge count", object_of(R"({"size": [10, 20], "counts": [99999999999]})"), "a run of 99999999999",
                 kNone),
      in_objects("counts of null", object_of(R"({"size": [10, 20], "counts": null})"), "null is out of place", kNone),
      in_objects("no counts", object_of(R"({"size": [10, 20]})"), "no 'counts'", kNone),
      in_objects("no size", object_of(R"({"counts": [200]})"), "no 'size'", kNone),
      in_objects("size of one", object_of(R"({"size": [200], "counts": [200]})"), "expected [height, width]", kNone),
      in_objects("size of none", object_of(R"({"size": [0, 0], "counts": []})"), "0 pixels", kNone),
      in_objects("other size", object_of(R"({"size": [20, 10], "counts": [200]})"), "in an image of 20 x 10", kRepair),
      in_objects("text cut off", object_of(R"({"size": [10, 20], "counts": "o"})"), "ends inside a number", kRepair),
      in_objects("text of other signs", object_of(R"({"size": [10, 20], "counts": "1 2"})"), "character 32", kRepair),
      in_objects("endless number", object_of(R"({"size": [10, 20], "counts": "ooooooooooooo1"})"),
                 "more than 8 characters", kRepair),
      // Results.
      in_results("result without image", results_with(R"("category_id": 1, "bbox": [1, 2, 3, 4], "score": 1)"),
                 "no 'image_id'", kRepair),
      in_results("result without category", results_with(R"("image_id": 1, "bbox": [1, 2, 3, 4], "score": 1)"),
                 "no 'category_id'", kRepair),
      in_results("result without score", results_with(R"("image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4])"),
                 "no 'score'", kRepair),
      in_results("result without box", results_with(R"("image_id": 1, "category_id": 1, "score": 1)"),
                 "neither 'bbox' nor", kRepair),
      in_results("result of unknown image",
                 results_with(R"("image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1)"),
                 "image_id 9 is not among", kRepair),
      in_results("result of unknown category",
                 results_with(R"("image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4], "score": 1)"),
                 "category_id 9 is not among", kRepair),
      in_results("result of negative size",
                 results_with(R"("image_id": 1, "category_id": 1, "bbox": [1, 2, -3, 4], "score": 1)"), "negative size",
                 kRepair),
      in_results("score NaN", results_with(R"("score": NaN)"), "NaN and Infinity", kNone),
      in_results("score of text", results_with(R"("score": "0.5")"), "a text is out of place", kNone),
      in_results("box of text", results_with(R"("bbox": "1 2 3 4")"), "a text is out of place", kNone),
      in_results("result's mask too short", result_of(R"({"size": [10, 20], "counts": "1"})"), "add up to 1", kRepair),
      in_results("result's mask of other size", result_of(R"({"size": [5, 5], "counts": "i0"})"),
                 "in an image of 20 x 10", kRepair),
      in_results("result's polygon of two corners", result_of("[[1, 2, 3, 4]]"), "a polygon of 4 numbers", kRepair),
      in_results("only masks after boxes",
                 results_with(R"("image_id": 1, "category_id": 1, "score": 1, "segmentation": )" + kMask),
                 "unlike the first", kRepair),
      in_results("results in an object", R"({"results": []})", "an object is out of place", kNone, 0, "the top"),
      in_results("results of nothing", "", "the file ends", kNone, 0, "byte 0"),
      in_results("results cut off", kGoodResults.substr(0, 13), "the file ends", kNone, 0, "byte 13"),
      in_results("results followed by more", kGoodResults + "]", "something follows", kNone, 0, "byte"),
      in_results("results of brackets", std::string(1000, '['), "out of place", kNone, 0, "[0]"),
      // The annotations file.
      in_truth("no images", R"({"annotations": [], "categories": []})", "'images'"),
      in_truth("no annotations", R"({"images": [], "categories": []})", "'annotations'"),
      in_truth("a list", "[]", "an array is out of place"),
      in_truth("cut off", kGoodTruth.substr(0, 100), "byte 100"),
      in_truth("deep", R"({"info": )" + std::string(1000, '['), "nests deeper than 64 levels"),
      in_truth("BOM", "\xEF\xBB\xBF" + kGoodTruth, "byte 0"),
      in_truth("trailing comma", truth_file(kImage + ",", kObject, kCategory), "this begins no value"),
      in_truth("image without size", truth_file(R"({"id": 1, "file_name": "a.jpg"})", "", kCategory), "'images'[0]"),
      in_truth("image of no size", truth_file(R"({"id": 1, "height": 0})", "", kCategory), "0 pixels"),
      {"image twice", truth_file(kImage + "," + kImage, kObject, kCategory), kGoodResults, "'images'[1]",
       "two images have the id 1", kRepair, 1, 1},
      {"category twice", truth_file(kImage, kObject, kCategory + "," + kCategory), kGoodResults, "'categories'[1]",
       "two categories have the id 1", kRepair, 1, 1},
  };
  return all;
}

class HostileResults : public ::testing::Test {
 protected:
  DetectionData read(const Fault& fault, Repairs* repairs = nullptr) const {
    std::ofstream(folder_ / "gt.json") << fault.truth;
    std::ofstream(folder_ / "dt.json") << fault.results;
    return read_detection_data(folder_ / "gt.json", folder_ / "dt.json",
                               {.overlap = OverlapKind::kMask, .repairs = repairs});
  }
  testing::TempDir folder_;
};

TEST_F(HostileResults, TheFilesWithoutFaultAreRead) {
  const DetectionData data = read({"", kGoodTruth, kGoodResults, "", ""});
  EXPECT_EQ(data.objects.size(), 1u);
  EXPECT_EQ(data.detections.size(), 1u);
}

TEST_F(HostileResults, EachFaultGivesOneLineWithFilePlaceAndRemedy) {
  ASSERT_GE(faults().size(), 60u);
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(fault.name);
    try {
      read(fault);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(fault.place), HasSubstr(fault.message), HasSubstr(".json")));
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      if (fault.remedy == Remedy::kRepair) {
        EXPECT_THAT(error.what(), HasSubstr("--repair"));
      }
    }
  }
}

TEST_F(HostileResults, RepairsPutRightWhatCanBeAndListIt) {
  for (const Fault& fault : faults()) {
    SCOPED_TRACE(fault.name);
    Repairs repairs;
    if (fault.remedy == Remedy::kNone) {
      EXPECT_THROW(read(fault, &repairs), Error);
      continue;
    }
    const DetectionData data = read(fault, &repairs);
    ASSERT_EQ(repairs.count(), 1);
    EXPECT_THAT(repairs.lines()[0], AllOf(HasSubstr(fault.place), HasSubstr(fault.message), HasSubstr(".json")));
    EXPECT_EQ(static_cast<int>(data.objects.size()), fault.objects_left);
    EXPECT_EQ(static_cast<int>(data.detections.size()), fault.results_left);
    evaluate_coco(data, 1);
  }
}

TEST_F(HostileResults, AnEmptyListOfResultsGivesApZero) {
  const DetectionData data = read({"", kGoodTruth, "[]", "", ""});
  EXPECT_EQ(evaluate_coco(data, 1).figures[0].value, 0);
}

TEST_F(HostileResults, ImagesMayComeAfterAnnotations) {
  const std::string late =
      fmt::format(R"({{"annotations": [{}], "categories": [{}], "images": [{}]}})", kObject, kCategory, kImage);
  const DetectionData data = read({"", late, kGoodResults, "", ""}),
                      usual = read({"", kGoodTruth, kGoodResults, "", ""});
  EXPECT_EQ(data.objects[0].mask, usual.objects[0].mask);
  EXPECT_EQ(data.objects[0].area, usual.objects[0].area);
}

}  // namespace
}  // namespace soco
