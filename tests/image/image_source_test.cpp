// SPDX-License-Identifier: MIT
#include "soco/image/image_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/archive_files.h"
#include "soco/base/bytes.h"
#include "soco/base/zip_archive.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::tar_end;
using testing::tar_record;
using testing::TempDir;
using testing::write_text;

std::vector<std::string> keys_of(const fs::path& source) {
  std::vector<std::string> keys;
  for (const ImageEntry& entry : list_images(source)) keys.push_back(entry.key);
  return keys;
}

std::string content_at(const fs::path& source, std::size_t index) {
  return std::string(text_of(read_image_bytes(list_images(source)[index])));
}

void write_zip(const fs::path& path, const std::vector<std::pair<std::string, std::string>>& files) {
  ZipWriter zip(path);
  for (const auto& [name, content] : files) zip.add(name, bytes_of(content));
  zip.finish();
}

TEST(ListImages, ImageNetsClassFoldersGiveTheirImages) {
  const TempDir temp;
  for (const char* name : {"train/n01440764/n01440764_1.JPEG", "train/n01440764/n01440764_2.JPEG",
                           "train/n01443537/n01443537_1.JPEG", "train/n01443537/.DS_Store"})
    write_text(temp / name, name);
  EXPECT_THAT(keys_of(temp / "train"),
              ElementsAre("n01440764/n01440764_1.JPEG", "n01440764/n01440764_2.JPEG", "n01443537/n01443537_1.JPEG"));
}

TEST(ListImages, TheReleasesMapNamesMembersOfTheZipBesideIt) {
  const TempDir temp;
  write_zip(temp / "train.zip", {{"n01/b.JPEG", "B"}, {"n01/a.JPEG", "A"}, {"n02/c.JPEG", "C"}});
  write_text(temp / "train_map.txt", "n02/c.JPEG\t1\nn01/a.JPEG\t0\n");
  EXPECT_THAT(keys_of(temp / "train_map.txt"), ElementsAre("n01/a.JPEG", "n02/c.JPEG"));
  EXPECT_EQ(content_at(temp / "train_map.txt", 1), "C");
  write_text(temp / "train_map.txt", "n02/d.JPEG\t1\n");
  EXPECT_THAT(error_of([&] { list_images(temp / "train_map.txt"); }),
              HasSubstr("train_map.txt: names 'n02/d.JPEG', which is no image in"));
}

TEST(ListImages, LabelsBehindATabAreNotPartOfTheName) {
  const TempDir temp;
  write_text(temp / "list.txt", "a.jpg\t12\nb\t1.jpg\nc.jpg \t3\r\n");
  EXPECT_THAT(keys_of(temp / "list.txt"), ElementsAre("a.jpg", "b\t1.jpg", "c.jpg"));
}

TEST(ListImages, PatternsNameShards) {
  const TempDir temp;
  for (int i = 0; i < 12; ++i) {
    const std::string name = fmt::format("shards/train-{:06}.tar", i);
    write_text(temp / name, tar_record(fmt::format("{:03}.jpg", i), "image") + tar_record("x.cls", "1") + tar_end());
  }
  write_text(temp / "shards/val-000000.tar", tar_record("v.jpg", "v") + tar_end());
  EXPECT_THAT(keys_of(temp / "shards/train-{000009..000011}.tar"),
              ElementsAre("train-000009.tar/009.jpg", "train-000010.tar/010.jpg", "train-000011.tar/011.jpg"));
  EXPECT_EQ(keys_of(temp / "shards/train-*.tar").size(), 12u);
  EXPECT_EQ(keys_of(temp / "shards/{train,val}-00000[01].tar").size(), 3u);
  EXPECT_EQ(keys_of(temp / "shards").size(), 13u);  // the same keys as by a pattern
  EXPECT_EQ(keys_of(temp / "shards")[9], "train-000009.tar/009.jpg");
  EXPECT_EQ(content_at(temp / "shards/train-*.tar", 3), "image");
}

TEST(ListImages, PatternsPassOverWhatIsNoImage) {
  const TempDir temp;
  for (const char* name : {"a.jpg", "b.txt", "folder/c.jpg"}) write_text(temp / name, name);
  EXPECT_THAT(keys_of(temp / "*"), ElementsAre("a.jpg"));
  EXPECT_THAT(error_of([&] { list_images(temp / "*.txt"); }), HasSubstr("no image in what it names"));
}

TEST(ListImages, PatternsThatCannotBeMetAreRefused) {
  const TempDir temp;
  write_text(temp / "s-0.tar", tar_record("v.jpg", "v") + tar_end());
  EXPECT_THAT(error_of([&] { list_images(temp / "s-{0..2}.tar"); }), HasSubstr("s-1.tar: is missing"));
  EXPECT_THAT(error_of([&] { list_images(temp / "t-*.tar"); }), HasSubstr("no file has a name of this pattern"));
  EXPECT_THAT(error_of([&] { list_images(temp / "s-{0..2.tar"); }), HasSubstr("not closed"));
  EXPECT_THAT(error_of([&] { list_images(temp / "s-{2..0}.tar"); }), HasSubstr("counts from a number up"));
  EXPECT_THAT(error_of([&] { list_images(temp / "s-{0..9999999}.tar"); }), HasSubstr("at most 1000000"));
  EXPECT_THAT(error_of([&] { list_images(temp / "{0..999}{0..999}{0..999}.tar"); }), HasSubstr("more than 1000000"));
  // 256 MiB of paths of some 2,050 bytes are less than 131,000.
  std::string deep;
  for (int i = 0; i < 10; ++i) deep += std::string(200, 'd') + "/";
  EXPECT_THAT(error_of([&] { list_images(temp / (deep + "{0..999999}.tar")); }), HasSubstr("at most 1"));
  EXPECT_THAT(error_of([&] { list_images(temp / (deep + "{0..999}{0..999}.tar")); }), HasSubstr("more than 1"));
}

TEST(ListImages, OfAVocTreeOnlyItsPhotographs) {
  const TempDir temp;
  for (const char* name : {"VOC2007/JPEGImages/000001.jpg", "VOC2007/JPEGImages/000002.jpg",
                           "VOC2007/Annotations/000001.xml", "VOC2007/SegmentationClass/000001.png"})
    write_text(temp / name, name);
  EXPECT_THAT(keys_of(temp.path()), ElementsAre("VOC2007/JPEGImages/000001.jpg", "VOC2007/JPEGImages/000002.jpg"));
  write_text(temp / "VOC2007/ImageSets/Main/val.txt", "000002\n");
  write_text(temp / "VOC2007/ImageSets/Main/cat_val.txt", "000002 -1\n000001  1\n");
  EXPECT_THAT(keys_of(temp / "VOC2007/ImageSets/Main/val.txt"), ElementsAre("JPEGImages/000002.jpg"));
  EXPECT_THAT(keys_of(temp / "VOC2007/ImageSets/Main/cat_val.txt"),
              ElementsAre("JPEGImages/000001.jpg", "JPEGImages/000002.jpg"));
  EXPECT_EQ(content_at(temp / "VOC2007/ImageSets/Main/val.txt", 0), "VOC2007/JPEGImages/000002.jpg");
}

TEST(ListImages, OfAYoloTreeNotItsLabels) {
  const TempDir temp;
  for (const char* name : {"images/train/1.jpg", "images/val/2.jpg", "labels/train/1.txt", "labels/train/1_mask.png"})
    write_text(temp / name, name);
  EXPECT_THAT(keys_of(temp.path()), ElementsAre("images/train/1.jpg", "images/val/2.jpg"));
}

const char* const kCoco =
    R"({"images": [{"id": 7, "file_name": "000002.jpg", "height": 4, "width": 5},
                   {"id": 8, "file_name": "000001.jpg", "height": 4, "width": 5}]})";

TEST(ListImages, ACocoFileNamesImagesOfItsSplit) {
  const TempDir temp;
  write_text(temp / "annotations/instances_val2017.json", kCoco);
  for (const char* name : {"val2017/000001.jpg", "val2017/000002.jpg", "val2017/000003.jpg"})
    write_text(temp / name, name);
  const fs::path json = temp / "annotations/instances_val2017.json";
  EXPECT_THAT(keys_of(json), ElementsAre("000001.jpg", "000002.jpg"));  // the keys of the folder val2017 too
  EXPECT_EQ(content_at(json, 0), "val2017/000001.jpg");
}

TEST(ListImages, AnLvisFileNamesImagesBelowCocosFolder) {
  const TempDir temp;
  write_text(temp / "lvis_v1_val.json",
             R"({"images": [{"id": 1, "height": 4, "width": 5,
                 "coco_url": "http://images.cocodataset.org/train2017/000000391895.jpg"}]})");
  write_text(temp / "train2017/000000391895.jpg", "image");
  EXPECT_THAT(keys_of(temp / "lvis_v1_val.json"), ElementsAre("train2017/000000391895.jpg"));
}

TEST(ListImages, ARootBehindAnAtSignHoldsTheNames) {
  const TempDir temp;
  write_text(temp / "some.json", kCoco);
  write_text(temp / "else@where/000001.jpg", "1");
  write_text(temp / "else@where/000002.jpg", "2");
  write_zip(temp / "images.zip", {{"000001.jpg", "one"}, {"000002.jpg", "two"}, {"000003.jpg", "three"}});
  const std::string json = (temp / "some.json").string();
  EXPECT_EQ(content_at(json + "@" + (temp / "else@where").string(), 1), "2");
  EXPECT_EQ(content_at(json + "@" + (temp / "images.zip").string(), 1), "two");
  EXPECT_EQ(list_images(json + "@" + (temp / "images.zip").string()).size(), 2u);
  write_text(temp / "names.txt", "./000001.jpg\n");
  EXPECT_EQ(content_at((temp / "names.txt").string() + "@" + (temp / "images.zip").string(), 0), "one");
  write_text(temp / "names.txt", "# none\n");
  EXPECT_THAT(error_of([&] { list_images((temp / "names.txt").string() + "@" + (temp / "images.zip").string()); }),
              HasSubstr("lists no image"));
  EXPECT_THAT(error_of([&] { list_images(json); }), HasSubstr("name the folder or archive of its images"));
  EXPECT_THAT(error_of([&] { list_images(json + "@" + (temp / "none").string()); }), HasSubstr("no such folder"));
}

TEST(ListImages, NamesOfAJsonFileMustStayBelowTheirRoot) {
  const TempDir temp;
  for (const char* name : {"../x.jpg", "/etc/x.jpg", "a/../../x.jpg"}) {
    write_text(temp / "a.json",
               fmt::format(R"({{"images": [{{"id": 1, "file_name": "{}", "height": 4, "width": 5}}]}})", name));
    EXPECT_THAT(error_of([&] { list_images((temp / "a.json").string() + "@" + temp.path().string()); }),
                HasSubstr("a.json: the image '" + std::string(name) + "' leads out"));
  }
}

TEST(ListImages, ALineWithoutEndIsRefused) {
  const TempDir temp;
  write_text(temp / "list.txt", "a.jpg\n" + std::string(200'000, 'x'));
  EXPECT_THAT(error_of([&] { list_images(temp / "list.txt"); }),
              HasSubstr("list.txt: line 2 has more than 65536 bytes"));
}

TEST(ListImages, ADamagedArchiveInAFolderIsNamed) {
  const TempDir temp;
  write_text(temp / "good.jpg", "");
  write_text(temp / "deep/bad.zip", "PK and no more");
  EXPECT_THAT(error_of([&] { list_images(temp.path()); }), HasSubstr("deep/bad.zip"));
}

}  // namespace
}  // namespace soco
