// SPDX-License-Identifier: MIT
#include "soco/proposals/coco_convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/base/json.h"
#include "soco/image/codec.h"
#include "soco/proposals/refilter.h"
#include "soco/proposals/result_sorter.h"
#include "soco/structures/coco_json.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempDir;

/// Two images of 80 x 60, "a.png" (id 5) and "s/b.png" (id 3), with three objects and a crowd.
class CocoConvertTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(dir / "s");
    for (const char* key : {"a.png", "s/b.png"}) {
      write_image(dir / key, make_image(60, 80));
      entries.push_back({key, dir / key});
    }
    write_file_atomic(dir / "gt.json", R"({"categories": [{"id": 1, "name": "x"}], "images": [
      {"id": 5, "file_name": "a.png", "height": 60, "width": 80},
      {"id": 3, "file_name": "b.png", "height": 60, "width": 80}], "annotations": [
      {"id": 1, "image_id": 5, "category_id": 1, "bbox": [1.4, 2.6, 10, 10]},
      {"id": 2, "image_id": 5, "category_id": 1, "bbox": [0, 0, 80, 60], "iscrowd": 1},
      {"id": 3, "image_id": 5, "category_id": 1, "bbox": [70, 50, 30, 0.2]},
      {"id": 4, "image_id": 5, "category_id": 1, "bbox": [90, 0, 5, 5]}]})");
  }
  std::vector<Box> boxes(const std::string& key) {
    return ProposalStore::open_read(dir / "out.db").get(key)->proposals.boxes;
  }
  CocoConvertSummary import_results(const std::string& text, double min_score = -1e300) {
    write_file_atomic(dir / "dt.json", text);
    return import_coco({.json = dir / "dt.json", .annotations = dir / "gt.json", .min_score = min_score}, entries,
                       dir / "out.db", quiet);
  }
  template <class F>
  std::string error_of(const F& f) {
    try {
      f();
    } catch (const Error& error) {
      EXPECT_FALSE(fs::exists(dir / "out.db"));
      return error.what();
    }
    return "no error";
  }

  TempDir dir;
  std::vector<ImageEntry> entries;
  NullLogger quiet;
};

std::string result(int image_id, const std::string& box, double score) {
  return fmt::format(R"({{"image_id": {}, "category_id": 1, "bbox": {}, "score": {}}})", image_id, box, score);
}

TEST_F(CocoConvertTest, TakesAnnotationsAsBoxes) {
  const CocoConvertSummary summary = import_coco({.json = dir / "gt.json"}, entries, dir / "out.db", quiet);
  // [1.4, 11.4] x [2.6, 12.6] rounds to 1..11, 3..13; [70, 100] x [50, 50.2] is cut to 80 and kept one px high; the
  // last lies outside. b.png has no object: the whole image.
  EXPECT_EQ(boxes("a.png"), (std::vector<Box>{{1, 3, 11, 13}, {70, 50, 80, 51}}));
  EXPECT_EQ(boxes("s/b.png"), (std::vector<Box>{{0, 0, 80, 60}}));
  EXPECT_EQ(summary.num_images, 2);
  EXPECT_EQ(summary.num_boxes, 3);
  EXPECT_EQ(summary.num_dropped, 2);
  const ProposalStore store = ProposalStore::open_read(dir / "out.db");
  EXPECT_EQ(store.options(), "source=coco-annotations filter=none");
  EXPECT_EQ(store.get("a.png")->fingerprint, hash128(read_file(dir / "a.png")));
}

TEST_F(CocoConvertTest, RanksResultsByScoreAndDropsLowOnes) {
  const CocoConvertSummary summary =
      import_results("[" + result(5, "[1, 0, 9, 9]", 0.3) + "," + result(3, "[2, 0, 9, 9]", 0.9) + "," +
                         result(5, "[3, 0, 9, 9]", 0.8) + "," + result(5, "[4, 0, 9, 9]", 0.3) + "," +
                         result(5, "[5, 0, 9, 9]", -0.2) + "]",
                     0.25);
  EXPECT_EQ(boxes("a.png"), (std::vector<Box>{{3, 0, 12, 9}, {1, 0, 10, 9}, {4, 0, 13, 9}}));
  EXPECT_EQ(boxes("s/b.png"), (std::vector<Box>{{2, 0, 11, 9}}));
  EXPECT_EQ(summary.num_dropped, 1);
}

TEST_F(CocoConvertTest, CountsAndNamesWhatDoesNotMatch) {
  const CocoConvertSummary summary =
      import_results("[" + result(5, "[1, 0, 9, 9]", 1) + "," + result(77, "[1, 0, 9, 9]", 1) + "]");
  EXPECT_EQ(summary.num_unmatched, 1);
  fs::remove(dir / "out.db");
  EXPECT_THAT(error_of([&] { import_results("[" + result(77, "[1, 0, 9, 9]", 1) + "]"); }), HasSubstr("1 (77)"));
  entries.clear();
  const std::string error = error_of([&] { import_coco({.json = dir / "gt.json"}, entries, dir / "out.db", quiet); });
  EXPECT_THAT(error, HasSubstr("2 (a.png, b.png)"));
}

TEST_F(CocoConvertTest, RefusesBadBoxesAndOtherImages) {
  EXPECT_THAT(error_of([&] { import_results("[" + result(5, "[1, 0, -9, 9]", 1) + "]"); }), HasSubstr("negative size"));
  EXPECT_THAT(error_of([&] { import_results("[" + result(5, "[1, 0, NaN, 9]", 1) + "]"); }), HasSubstr("NaN"));
  write_image(dir / "a.png", make_image(60, 81));
  EXPECT_THAT(error_of([&] { import_results("[]"); }), HasSubstr("81 x 60"));
}

TEST_F(CocoConvertTest, ComesBackTheSameThroughAnnotations) {
  import_coco({.json = dir / "gt.json"}, entries, dir / "out.db", quiet);
  const CocoConvertSummary summary =
      export_coco_annotations(ProposalStore::open_read(dir / "out.db"), dir / "back.json", {.enabled = false});
  EXPECT_EQ(summary.num_images, 2);
  EXPECT_EQ(summary.num_boxes, 3);
  const AnnotationSet set = read_coco_annotations(dir / "back.json");
  ASSERT_EQ(set.images.size(), 2u);
  EXPECT_EQ(set.images[1].file_name, "s/b.png");
  EXPECT_EQ(set.annotations[1].box, (CocoBox{70, 50, 10, 1}));
  EXPECT_EQ(set.annotations[1].area, 10);
  const std::vector<Box> before = boxes("a.png");
  fs::remove(dir / "out.db");
  import_coco({.json = dir / "back.json"}, entries, dir / "out.db", quiet);
  EXPECT_EQ(boxes("a.png"), before);
}

TEST_F(CocoConvertTest, ComesBackTheSameThroughResults) {
  import_coco({.json = dir / "gt.json"}, entries, dir / "out.db", quiet);
  const std::vector<Box> before = boxes("a.png");
  const AnnotationSet truth = read_coco_annotations(dir / "gt.json");
  export_coco_results(ProposalStore::open_read(dir / "out.db"), truth, dir / "dt.json", {.enabled = false}, quiet);
  const Json json = parse_json(read_text_file(dir / "dt.json"), "dt.json");
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[0]["image_id"], 5);
  EXPECT_EQ(json[0]["score"], 1.0);
  EXPECT_EQ(json[1]["score"], 0.5);
  fs::remove(dir / "out.db");
  import_coco({.json = dir / "dt.json", .annotations = dir / "gt.json"}, entries, dir / "out.db", quiet);
  EXPECT_EQ(boxes("a.png"), before);
}

TEST_F(CocoConvertTest, FiltersAtReadingAndAtWriting) {
  const FilterOptions filter = parse_filter("ratio=2,size=0:1,min=8");
  import_coco({.json = dir / "gt.json", .filter = filter}, entries, dir / "out.db", quiet);
  EXPECT_EQ(boxes("a.png"), (std::vector<Box>{{1, 3, 11, 13}}));
  fs::remove(dir / "out.db");
  import_coco({.json = dir / "gt.json"}, entries, dir / "raw.db", quiet);
  const std::int64_t num_boxes = refilter_store(ProposalStore::open_read(dir / "raw.db"), dir / "out.db", filter);
  EXPECT_EQ(num_boxes, 2);
  EXPECT_EQ(boxes("a.png"), (std::vector<Box>{{1, 3, 11, 13}}));
  EXPECT_EQ(ProposalStore::open_read(dir / "out.db").options(),
            "source=coco-annotations filter=ratio=2,size=0:1,min=8");
  EXPECT_EQ(refiltered_options_text("a filter=ratio=2,size=0:1,min=8", FilterOptions{}),
            "a filter=ratio=2,size=0:1,min=8 filter=ratio=3,size=0.3:0.8,min=32");
}

TEST(ResultSorter, GroupsByImageAndOrdersByScoreThenArrival) {
  const TempDir dir;
  std::vector<std::pair<std::int64_t, std::vector<double>>> got;
  {
    ResultSorter sorter(dir.path());
    int x = 0;
    for (const auto& [image, score] : std::vector<std::pair<int, double>>{
             {7, -1}, {2, 0.5}, {7, 1e-300}, {7, -1e300}, {2, 0.5}, {7, 0}, {7, -0.0}, {7, 2.5}, {2, 0.50000001}}) {
      sorter.add(image, score, {static_cast<double>(x++), 0, 1, 1});
    }
    sorter.for_each_image([&](std::int64_t image, const std::vector<CocoBox>& boxes) {
      got.emplace_back(image, std::vector<double>());
      for (const CocoBox& box : boxes) got.back().second.push_back(box.x);
    });
  }
  EXPECT_EQ(got, (decltype(got){{2, {8, 1, 4}}, {7, {7, 2, 5, 6, 0, 3}}}));
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

}  // namespace
}  // namespace soco
