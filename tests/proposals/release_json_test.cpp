// SPDX-License-Identifier: MIT
#include "soco/proposals/release_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proposals/test_images.h"
#include "soco/base/atomic_file.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/hash.h"
#include "soco/image/codec.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempDir;

class ReleaseJsonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* key : {"n01_1.png", "n02_2.png"}) {
      write_image(dir / key, testing::scene_image(60, 80, 1));
      entries.push_back({key, dir / key});
    }
  }
  std::string error_of_import(const std::string& text) {
    std::ofstream(dir / "in.json", std::ios::binary) << text;
    try {
      import_release_json(dir / "in.json", entries, dir / "out.db");
    } catch (const Error& e) {
      EXPECT_FALSE(fs::exists(dir / "out.db")) << text;
      return e.what();
    }
    fs::remove(dir / "out.db");
    return "no error";
  }
  fs::path store_of(const std::vector<ProposalRecord>& records) {
    ProposalStore store = ProposalStore::create_or_open(dir / "p.db", "o");
    store.put(records);
    return dir / "p.db";
  }
  static ProposalRecord record(const std::string& key, std::vector<Box> boxes) {
    return {.key = key,
            .proposals = {.height = 60, .width = 80, .boxes = std::move(boxes)},
            .fingerprint = {},
            .error = ""};
  }

  TempDir dir;
  std::vector<ImageEntry> entries;
};

TEST_F(ReleaseJsonTest, WritesStemsAndBoxesInTheReleasesForm) {
  const fs::path db = store_of({record("n02/b.c.jpg", {{0, 0, 40, 40}}),
                                record("n01/a.JPEG", {{1, 2, 11, 22}, {0, 0, 1, 1}}),
                                {.key = "n03/bad.jpg", .proposals = {}, .fingerprint = {}, .error = "broken"},
                                record("n04/whole.jpg", {{0, 0, 80, 60}})});
  const ReleaseJsonSummary summary = export_release_json(ProposalStore::open_read(db), dir / "out.json");
  EXPECT_EQ(read_text_file(dir / "out.json"),
            R"({"a": [[1, 2, 9, 19], [0, 0, 0, 0]], "b.c": [[0, 0, 39, 39]], "whole": []})");
  EXPECT_EQ(summary.num_images, 3);
  EXPECT_EQ(summary.num_boxes, 4);
  EXPECT_EQ(summary.num_missing, 1);
}

TEST_F(ReleaseJsonTest, FiltersWhenAskedTo) {
  const fs::path db = store_of({record("a.png", {{0, 0, 5, 5}, {0, 0, 40, 40}})});
  export_release_json(ProposalStore::open_read(db), dir / "out.json", FilterOptions{});
  EXPECT_EQ(read_text_file(dir / "out.json"), R"({"a": [[0, 0, 39, 39]]})");
}

TEST_F(ReleaseJsonTest, RefusesTwoImagesOfOneStem) {
  const fs::path db = store_of({record("x/a.png", {{0, 0, 5, 5}}), record("y/a.jpg", {{0, 0, 5, 5}})});
  try {
    export_release_json(ProposalStore::open_read(db), dir / "out.json");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("x/a.png and y/a.jpg"));
  }
  EXPECT_FALSE(fs::exists(dir / "out.json"));
}

TEST_F(ReleaseJsonTest, ReadsEntriesOfKnownImages) {
  write_file_atomic(dir / "in.json", R"({"n01_1": [[1, 2, 9, 19], [0, 0, 79, 59]], "stranger": [[0, 0, 500, 500]]})");
  const ReleaseJsonSummary summary = import_release_json(dir / "in.json", entries, dir / "out.db");
  EXPECT_EQ(summary.num_images, 1);
  EXPECT_EQ(summary.num_boxes, 2);
  EXPECT_EQ(summary.num_missing, 1);
  EXPECT_EQ(summary.unused.text(), "1 (stranger)");
  const ProposalStore store = ProposalStore::open_read(dir / "out.db");
  const auto found = store.get("n01_1.png");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->proposals, (ProposalSet{60, 80, {{1, 2, 11, 22}, {0, 0, 80, 60}}}));
  EXPECT_EQ(found->fingerprint, hash128(read_file(entries[0].path)));
  EXPECT_FALSE(store.get("n02_2.png").has_value());
}

TEST_F(ReleaseJsonTest, TakesAnEmptyListAsTheWholeImage) {
  write_file_atomic(dir / "in.json", R"({"n01_1": [], "n02_2": [[0, 0, 9, 9]]})");
  import_release_json(dir / "in.json", entries, dir / "out.db");
  EXPECT_EQ(ProposalStore::open_read(dir / "out.db").get("n01_1.png")->proposals.boxes,
            (std::vector<Box>{{0, 0, 80, 60}}));
}

TEST_F(ReleaseJsonTest, ComesBackTheSame) {
  const std::string text = R"({"n01_1": [[3, 4, 50, 50], [3, 4, 50, 50]], "n02_2": []})";
  write_file_atomic(dir / "in.json", text);
  import_release_json(dir / "in.json", entries, dir / "out.db");
  export_release_json(ProposalStore::open_read(dir / "out.db"), dir / "back.json");
  EXPECT_EQ(read_text_file(dir / "back.json"), text);
}

TEST_F(ReleaseJsonTest, RefusesWhatIsNotOfItsForm) {
  for (const char* text :
       {"[]", "3", "null", R"("x")", R"({"n01_1": 3})", R"({"n01_1": null})", R"({"n01_1": {}})", R"({"n01_1": [3]})",
        R"({"n01_1": [[1, 2, 3]]})", R"({"n01_1": [[1, 2, 3, 4, 5]]})", R"({"n01_1": [[1, 2, 3, "4"]]})",
        R"({"n01_1": [[1, 2, 3.5, 4]]})", R"({"n01_1": [[1, 2, true, 4]]})", R"({"n01_1": [[[1, 2, 3, 4]]]})",
        R"({"n01_1": [[1, 2, 3, 99999999999999999999]]})", R"({"n01_1": [[1, 2, 3, 18446744073709551615]]})",
        R"({"n01_1": [[]]})"}) {
    const std::string error = error_of_import(text);
    EXPECT_THAT(error, ::testing::AnyOf(HasSubstr("form is {\"<file stem>\""), HasSubstr("expected [x, y, w, h]"),
                                        HasSubstr("no image reaches")))
        << text;
    EXPECT_THAT(error, HasSubstr("in.json: ")) << text;
  }
}

TEST_F(ReleaseJsonTest, NamesTheByteWhenItIsNoJson) {
  for (const char* text : {"", "{", R"({"n01_1": [[1, 2, 3, 4]])", R"({"n01_1" [[1, 2, 3, 4]]})", "{} x"}) {
    EXPECT_THAT(error_of_import(text), ::testing::AnyOf(HasSubstr("not JSON, at byte"), HasSubstr("none of its")))
        << text;
  }
}

TEST_F(ReleaseJsonTest, RefusesBoxesThatLeaveTheImage) {
  for (const char* box :
       {"[-1, 0, 5, 5]", "[0, -1, 5, 5]", "[0, 0, 80, 5]", "[0, 0, 5, 60]", "[70, 0, 10, 5]", "[0, 0, -1, 5]"}) {
    const std::string error = error_of_import(fmt::format("{{\"n02_2\": [{}]}}", box));
    EXPECT_THAT(error, HasSubstr("'n02_2'")) << box;
    EXPECT_THAT(error, HasSubstr(box)) << box;
  }
}

TEST_F(ReleaseJsonTest, RefusesAStemTwice) {
  EXPECT_THAT(error_of_import(R"({"n01_1": [], "n01_1": []})"),
              HasSubstr("'n01_1' (byte 21): this key is there twice"));
  entries.push_back({"sub/n01_1.jpg", dir / "n02_2.png"});
  EXPECT_THAT(error_of_import(R"({"n01_1": []})"), HasSubstr("n01_1.png and sub/n01_1.jpg"));
}

TEST_F(ReleaseJsonTest, FailsWhenNothingMatches) {
  EXPECT_THAT(error_of_import(R"({"other": [[0, 0, 5, 5]]})"), HasSubstr("none of its 1 entries"));
  EXPECT_THAT(error_of_import("{}"), HasSubstr("none of its 0 entries"));
}

TEST_F(ReleaseJsonTest, FailsWhenMostEntriesAreOfOtherImagesUnlessThatIsMeant) {
  const std::string text = R"({"n01_1": [], "x": [], "y": []})";
  const std::string error = error_of_import(text);
  EXPECT_THAT(error, HasSubstr("of 3 entries"));
  EXPECT_THAT(error, HasSubstr("2 (x, y)"));
  const ReleaseJsonSummary summary =
      import_release_json(dir / "in.json", entries, dir / "out.db", {.enabled = false}, ForeignNames::kMany);
  EXPECT_EQ(summary.num_images, 1);
  EXPECT_EQ(summary.unused.count(), 2);
}

TEST_F(ReleaseJsonTest, FiltersWhatItReadsWhenAskedTo) {
  write_file_atomic(dir / "in.json", R"({"n01_1": [[0, 0, 4, 4], [0, 0, 39, 39]]})");
  import_release_json(dir / "in.json", entries, dir / "out.db", FilterOptions{});
  const ProposalStore store = ProposalStore::open_read(dir / "out.db");
  EXPECT_EQ(store.get("n01_1.png")->proposals.boxes, (std::vector<Box>{{0, 0, 40, 40}}));
  EXPECT_EQ(store.options(), "source=release-json filter=ratio=3,size=0.3:0.8,min=32");
}

TEST_F(ReleaseJsonTest, FailsWhenAnImageCannotBeRead) {
  write_file_atomic(entries[0].path, "no image");
  EXPECT_THAT(error_of_import(R"({"n01_1": []})"), HasSubstr("n01_1.png"));
}

TEST_F(ReleaseJsonTest, NeverOverwritesAStore) {
  const fs::path db = store_of({record("a.png", {{0, 0, 5, 5}})});
  write_file_atomic(dir / "in.json", R"({"n01_1": []})");
  EXPECT_THROW(import_release_json(dir / "in.json", entries, db), Error);
  EXPECT_EQ(ProposalStore::open_read(db).size(), 1);
  EXPECT_THROW(import_release_json(dir / "none.json", entries, dir / "out.db"), Error);
}

}  // namespace
}  // namespace soco
