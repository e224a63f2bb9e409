// SPDX-License-Identifier: MIT
#include "soco/image/image_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "soco/base/error.h"
#include "soco/image/image_source.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

void make_file(const fs::path& path, std::string_view text = "") {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> keys_of(const fs::path& source) {
  std::vector<std::string> keys;
  for (const ImageEntry& entry : list_images(source)) keys.push_back(entry.key);
  return keys;
}

std::string usage_error_of(const fs::path& source) {
  try {
    list_images(source);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(ListImages, RealFoldersGiveTheKeysThatLinksToThemDoNot) {
  const TempDir temp;
  make_file(temp / "z/photo.jpg");
  fs::create_directory_symlink(temp / "z", temp / "a");  // listed before z by name, and still no second photo
  EXPECT_THAT(keys_of(temp.path()), ElementsAre("z/photo.jpg"));
}

TEST(ListImages, FollowsLinksToFoldersAndFilesOutside) {
  const TempDir temp, outside;
  make_file(outside / "deep/x.png");
  make_file(outside / "y.png");
  fs::create_directory_symlink(outside / "deep", temp / "linked");
  fs::create_directory_symlink(outside / "deep", temp / "linked_again");
  fs::create_symlink(outside / "y.png", temp / "y.png");
  EXPECT_THAT(keys_of(temp.path()), ElementsAre("linked/x.png", "y.png"));
}

TEST(ListImages, FoldersThatLinkToEachOtherEnd) {
  const TempDir temp;
  make_file(temp / "a/1.jpg");
  make_file(temp / "b/2.jpg");
  fs::create_directory_symlink(temp / "a", temp / "b/to_a");
  fs::create_directory_symlink(temp / "b", temp / "a/to_b");
  EXPECT_THAT(keys_of(temp.path()), ElementsAre("a/1.jpg", "b/2.jpg"));
}

TEST(ListImages, FolderNamedLikeAnImageIsAFolder) {
  const TempDir temp;
  make_file(temp / "set.jpg/a.JPEG");
  EXPECT_THAT(keys_of(temp.path()), ElementsAre("set.jpg/a.JPEG"));
}

TEST(ListImages, NumberSignInsideANameIsNoComment) {
  const TempDir temp;
  make_file(temp / "list.txt", "C#.jpg\n#all of it\na b.png\t# rest\n  ./c/../d.png");
  EXPECT_THAT(keys_of(temp / "list.txt"), ElementsAre("C#.jpg", "a b.png", "d.png"));
}

TEST(ListImages, AbsolutePathsOfAListStay) {
  const TempDir temp;
  make_file(temp / "list.txt", "/data/x.jpg\n");
  EXPECT_EQ(list_images(temp / "list.txt")[0].path, "/data/x.jpg");
}

TEST(ListImages, SaysWhatIsWrongWithItsSource) {
  const TempDir temp;
  EXPECT_THAT(usage_error_of(temp.path()), HasSubstr("no image found below it; looked for *.jpg *.jpeg *.png"));
  make_file(temp / "empty.txt", "# nothing\n\n");
  EXPECT_THAT(usage_error_of(temp / "empty.txt"), HasSubstr("lists no image"));
  make_file(temp / "store.db", std::string_view("SQLite format 3\0x\n", 18));
  EXPECT_THAT(usage_error_of(temp / "store.db"), HasSubstr("is no text file"));
  EXPECT_THAT(usage_error_of(temp / "missing"), HasSubstr("no such folder or list file"));
}

}  // namespace
}  // namespace soco
