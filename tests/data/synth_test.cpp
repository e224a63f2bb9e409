// SPDX-License-Identifier: MIT
#include "soco/data/synth.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "soco/base/error.h"
#include "soco/base/json.h"
#include "soco/base/signals.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;

SynthOptions tiny_options() {
  SynthOptions options;
  options.images = 20;
  options.width = 80;
  options.height = 64;
  options.crowd_prob = 0.3;
  return options;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Relative name -> content of every file below `root`.
std::map<std::string, std::string> tree(const fs::path& root) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), root).string()] = content(entry.path());
  }
  return files;
}

Json annotations(const fs::path& out, const std::string& name) {
  return parse_json(content(out / "annotations" / name), name);
}

std::set<std::int64_t> image_ids(const Json& coco) {
  std::set<std::int64_t> ids;
  for (const Json& image : coco["images"]) ids.insert(image["id"].get<std::int64_t>());
  return ids;
}

template <class F>
Error error_of(F action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error("");
}

// A mask by COCO's two exact forms that the writer uses, column-major.
std::vector<int> decode(const Json& segmentation, int height, int width) {
  std::vector<int> mask(static_cast<std::size_t>(height) * width);
  if (segmentation.is_array()) {  // one polygon along pixel edges: even-odd over its vertical edges
    const auto corners = segmentation.at(0).get<std::vector<int>>();
    for (std::size_t i = 0; i < corners.size(); i += 2) {
      const std::size_t next = (i + 2) % corners.size();
      if (corners[i] != corners[next]) continue;
      const auto [y1, y2] = std::minmax(corners[i + 1], corners[next + 1]);
      for (int x = corners[i]; x < width; ++x) {
        for (int y = y1; y < y2; ++y) mask[static_cast<std::size_t>(x) * height + y] ^= 1;
      }
    }
    return mask;
  }
  EXPECT_EQ(segmentation["size"], Json::array({height, width}));
  if (segmentation["counts"].is_string()) return {};
  std::size_t at = 0;
  int value = 0;
  for (const Json& count : segmentation["counts"]) {
    for (int i = count.get<int>(); i > 0; --i) mask.at(at++) = value;
    value = 1 - value;
  }
  EXPECT_EQ(at, mask.size());
  return mask;
}

TEST(Synthesize, WritesEqualBytesForAnyNumberOfThreads) {
  testing::TempDir dir;
  NullLogger log;
  SynthOptions options = tiny_options();
  options.label_fraction = 0.5;
  options.workers = 1;
  synthesize(options, dir / "one", log);
  options.workers = 5;
  synthesize(options, dir / "five", log);
  const auto one = tree(dir / "one"), five = tree(dir / "five");
  EXPECT_EQ(one.size(), 20U + 3U + 1U);
  EXPECT_TRUE(one == five);
}

TEST(Synthesize, MakesOtherPicturesForAnotherSeed) {
  testing::TempDir dir;
  NullLogger log;
  SynthOptions options = tiny_options();
  options.images = 2;
  options.val_ratio = 0;
  synthesize(options, dir / "a", log);
  options.seed = 1;
  synthesize(options, dir / "b", log);
  EXPECT_NE(content(dir / "a" / "train/00000001.jpg"), content(dir / "b" / "train/00000001.jpg"));
  EXPECT_EQ(annotations(dir / "a", "instances_val.json")["images"].size(), 0U);
}

TEST(Synthesize, FollowsTheCocoLayout) {
  testing::TempDir dir;
  NullLogger log;
  synthesize(tiny_options(), dir / "out", log);
  std::set<std::int64_t> all_ids;
  for (const auto& [split, count] : std::map<std::string, std::size_t>{{"train", 16}, {"val", 4}}) {
    const Json coco = annotations(dir / "out", "instances_" + split + ".json");
    EXPECT_EQ(coco["images"].size(), count);
    EXPECT_EQ(coco["categories"].size(), 8U);
    EXPECT_EQ(coco["categories"][0]["id"], 1);
    EXPECT_EQ(coco["categories"][0]["name"], synth_category_names()[0]);
    for (const Json& image : coco["images"]) {
      EXPECT_TRUE(fs::exists(dir / "out" / split / image["file_name"].get<std::string>()));
      EXPECT_TRUE(all_ids.insert(image["id"].get<std::int64_t>()).second);
    }
    const auto ids = image_ids(coco);
    std::set<std::int64_t> annotation_ids;
    for (const Json& annotation : coco["annotations"]) {
      EXPECT_TRUE(annotation_ids.insert(annotation["id"].get<std::int64_t>()).second);
      EXPECT_TRUE(ids.contains(annotation["image_id"].get<std::int64_t>()));
      EXPECT_GE(annotation["category_id"].get<int>(), 1);
      EXPECT_LE(annotation["category_id"].get<int>(), 8);
      EXPECT_EQ(annotation["iscrowd"] == 1,
                annotation["segmentation"].is_object() && annotation["segmentation"]["counts"].is_array());
    }
  }
}

TEST(Synthesize, GivesBoxesAndAreasOfTheMasks) {
  testing::TempDir dir;
  NullLogger log;
  synthesize(tiny_options(), dir / "out", log);
  const Json coco = annotations(dir / "out", "instances_train.json");
  std::map<std::int64_t, std::pair<int, int>> sizes;
  for (const Json& image : coco["images"]) sizes[image["id"].get<std::int64_t>()] = {image["height"], image["width"]};
  int num_checked = 0;
  for (const Json& annotation : coco["annotations"]) {
    const auto [height, width] = sizes.at(annotation["image_id"].get<std::int64_t>());
    const auto mask = decode(annotation["segmentation"], height, width);
    if (mask.empty()) continue;  // compressed strings: synth_mask_test
    ++num_checked;
    int area = 0, x1 = width, y1 = height, x2 = -1, y2 = -1;
    for (int i = 0; i < height * width; ++i) {
      if (mask[static_cast<std::size_t>(i)] == 0) continue;
      ++area;
      x1 = std::min(x1, i / height);
      x2 = std::max(x2, i / height);
      y1 = std::min(y1, i % height);
      y2 = std::max(y2, i % height);
    }
    EXPECT_EQ(annotation["area"], area);
    EXPECT_EQ(annotation["bbox"], Json::array({x1, y1, x2 - x1 + 1, y2 - y1 + 1}));
  }
  EXPECT_GT(num_checked, 20);
}

TEST(Synthesize, NestsLabelFractions) {
  testing::TempDir dir;
  NullLogger log;
  SynthOptions options = tiny_options();
  options.label_fraction = 0.25;
  synthesize(options, dir / "a", log);
  options.label_fraction = 0.5;
  synthesize(options, dir / "b", log);
  const Json full = annotations(dir / "a", "instances_train.json");
  const Json quarter = annotations(dir / "a", "instances_train_25pct.json");
  const Json half = annotations(dir / "b", "instances_train_50pct.json");
  const auto full_ids = image_ids(full), quarter_ids = image_ids(quarter), half_ids = image_ids(half);
  EXPECT_EQ(quarter_ids.size(), 4U);
  EXPECT_EQ(half_ids.size(), 8U);
  EXPECT_TRUE(std::includes(half_ids.begin(), half_ids.end(), quarter_ids.begin(), quarter_ids.end()));
  EXPECT_TRUE(std::includes(full_ids.begin(), full_ids.end(), half_ids.begin(), half_ids.end()));
  // The kept annotations are those of the full file.
  std::map<std::int64_t, Json> by_id;
  for (const Json& annotation : full["annotations"]) by_id[annotation["id"].get<std::int64_t>()] = annotation;
  std::size_t expected = 0;
  for (const auto& [id, annotation] : by_id) expected += quarter_ids.count(annotation["image_id"].get<std::int64_t>());
  EXPECT_EQ(quarter["annotations"].size(), expected);
  for (const Json& annotation : quarter["annotations"])
    EXPECT_EQ(annotation, by_id.at(annotation["id"].get<std::int64_t>()));
}

TEST(Synthesize, LeavesAFinishedSetAlone) {
  testing::TempDir dir;
  NullLogger log;
  SynthOptions options = tiny_options();
  options.images = 3;
  synthesize(options, dir / "out", log);
  const fs::path probe = dir / "out" / "train" / "00000001.jpg";
  std::ofstream(probe, std::ios::trunc) << "mark";
  options.workers = 7;
  synthesize(options, dir / "out", log);
  EXPECT_EQ(content(probe), "mark");
}

TEST(Synthesize, RefusesAFolderWithOtherContent) {
  testing::TempDir dir;
  NullLogger log;
  SynthOptions options = tiny_options();
  options.images = 3;
  fs::create_directories(dir / "other");
  std::ofstream(dir / "other/thesis.tex") << "x";
  EXPECT_EQ(error_of([&] { synthesize(options, dir / "other", log); }).kind(), ErrorKind::kUsage);
  EXPECT_EQ(tree(dir / "other").size(), 1U);

  synthesize(options, dir / "out", log);
  options.images = 4;
  const Error error = error_of([&] { synthesize(options, dir / "out", log); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_NE(std::string(error.what()).find("images = 3"), std::string::npos) << error.what();
}

TEST(Synthesize, RefusesAMarkerThatIsNotOurs) {
  testing::TempDir dir;
  NullLogger log;
  for (const char* text : {"[]", "{}", R"({"kind":"soco synthetic scenes"})", "{", R"({"kind":1,"options":[]})"}) {
    std::ofstream(dir / "dataset.json", std::ios::trunc) << text;
    EXPECT_THROW(synthesize(tiny_options(), dir.path(), log), Error) << text;
  }
}

TEST(Synthesize, CompletesAnInterruptedSet) {
  testing::TempDir dir;
  NullLogger log;
  const SynthOptions options = tiny_options();
  request_stop(15);
  EXPECT_EQ(error_of([&] { synthesize(options, dir / "out", log); }).kind(), ErrorKind::kInterrupted);
  request_stop(0);
  EXPECT_FALSE(fs::exists(dir / "out" / "annotations/instances_train.json"));
  synthesize(options, dir / "out", log);
  synthesize(options, dir / "whole", log);
  EXPECT_TRUE(tree(dir / "out") == tree(dir / "whole"));
}

TEST(SynthOptions, RefusesSidesThatAreTooSmall) {
  SynthOptions options;
  options.width = 64;
  options.height = 64;
  EXPECT_NO_THROW(options.validate());
  options.size_variation = 0.5;
  EXPECT_NO_THROW(options.validate());
  options.height = 40;
  EXPECT_EQ(error_of([&] { options.validate(); }).kind(), ErrorKind::kUsage);
}

}  // namespace
}  // namespace soco
