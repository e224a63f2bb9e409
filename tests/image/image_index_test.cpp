// SPDX-License-Identifier: MIT
#include "soco/image/image_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "image/archive_files.h"
#include "soco/base/file.h"
#include "soco/image/image_source.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using testing::tar_end;
using testing::tar_record;
using testing::TempDir;
using testing::write_text;

/// A list of enough names to be kept, an archive among them, nothing of it new.
struct Source {
  explicit Source(const TempDir& temp) : list(temp / "data/list.txt"), tar(temp / "data/a.tar") {
    write_text(tar, tar_record("x.jpg", "X") + tar_record("y.jpg", "Y") + tar_end());
    write_list(kMinKeptImages);
    age(tar);
  }
  void write_list(std::size_t num_names) const {
    std::string text = "a.tar\n";
    for (std::size_t i = 0; i < num_names; ++i) text += fmt::format("images/{:06}.jpg\n", i);
    write_text(list, text);
    age(list);
  }
  static void age(const fs::path& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(10));
  }
  fs::path list, tar;
};

std::vector<std::string> keys_of(const ImageList& images) {
  std::vector<std::string> keys;
  for (const ImageEntry& entry : images) keys.push_back(entry.key);
  return keys;
}

std::size_t num_files(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(ImageIndex, SecondListingIsTheKeptOneAndEqualsTheFirst) {
  const TempDir temp;
  const Source source(temp);
  const ListOptions options{.index_folder = temp / "index"};
  const ImageList first = list_images(source.list, options);
  ASSERT_EQ(first.size(), kMinKeptImages + 2);
  ASSERT_EQ(num_files(temp / "index"), 1u);
  const auto kept = kept_listing(index_path(temp / "index", source.list.string()), source.list.string());
  ASSERT_TRUE(kept);
  EXPECT_EQ(keys_of(*kept), keys_of(first));
  const ImageList second = list_images(source.list, options);
  EXPECT_EQ(second[0].key, "a.tar/x.jpg");
  EXPECT_EQ(second[0].member->offset, first[0].member->offset);
  EXPECT_EQ(second[0].path, source.tar);
  EXPECT_EQ(second[2].path, source.list.parent_path() / "images/000000.jpg");
}

TEST(ImageIndex, ChangesOfTheListOrOfAnArchiveAreSeen) {
  const TempDir temp;
  const Source source(temp);
  const ListOptions options{.index_folder = temp / "index"};
  list_images(source.list, options);
  write_text(source.tar, tar_record("x.jpg", "X") + tar_record("z.jpg", "Z") + tar_end());  // as long as before
  Source::age(source.tar);
  fs::last_write_time(source.tar, fs::file_time_type::clock::now() - std::chrono::seconds(8));
  EXPECT_EQ(list_images(source.list, options)[1].key, "a.tar/z.jpg");
  source.write_list(kMinKeptImages + 5);
  EXPECT_EQ(list_images(source.list, options).size(), kMinKeptImages + 7);
  fs::remove(source.tar);
  EXPECT_THAT(error_of([&] { list_images(source.list, options); }), HasSubstr("a.tar"));
}

TEST(ImageIndex, AFileAddedToAFolderIsSeen) {
  const TempDir temp;
  fs::create_directories(temp / "photos/deep");
  for (std::size_t i = 0; i < kMinKeptImages; ++i) std::ofstream(temp / fmt::format("photos/deep/{:06}.jpg", i));
  Source::age(temp / "photos/deep");
  Source::age(temp / "photos");
  const ListOptions options{.index_folder = temp / "index"};
  EXPECT_EQ(list_images(temp / "photos", options).size(), kMinKeptImages);
  EXPECT_EQ(num_files(temp / "index"), 1u);
  std::ofstream(temp / "photos/deep/new.jpg");
  EXPECT_EQ(list_images(temp / "photos", options).size(), kMinKeptImages + 1);
}

TEST(ImageIndex, ShortAndFreshListingsAreNotKept) {
  const TempDir temp;
  write_text(temp / "short.txt", "a.jpg\n");
  Source::age(temp / "short.txt");
  const ListOptions options{.index_folder = temp / "index"};
  list_images(temp / "short.txt", options);
  const Source source(temp);
  fs::last_write_time(source.list, fs::file_time_type::clock::now());
  list_images(source.list, options);
  EXPECT_FALSE(fs::exists(temp / "index"));
}

TEST(ImageIndex, DamageIsFoundAndTheListingMadeAgain) {
  const TempDir temp;
  const Source source(temp);
  const ListOptions options{.index_folder = temp / "index"};
  const std::vector<std::string> expected = keys_of(list_images(source.list, options));
  const fs::path file = index_path(temp / "index", source.list.string());
  const std::string whole = read_text_file(file);
  for (std::size_t at = 0; at < whole.size(); at += 1 + whole.size() / 100) {  // every byte counts, a hundred are tried
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_text(file, bytes);
    EXPECT_NE(error_of([&] { kept_listing(file, source.list.string()); }), "no error") << at;
  }
  write_text(file, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(keys_of(list_images(source.list, options)), expected);
  EXPECT_EQ(read_text_file(file), whole);  // mended
}

TEST(ImageIndex, AFolderThatCannotBeWrittenIsNoError) {
  const TempDir temp;
  const Source source(temp);
  write_text(temp / "file", "in the way");
  EXPECT_EQ(list_images(source.list, {.index_folder = temp / "file/index"}).size(), kMinKeptImages + 2);
}

TEST(ImageIndex, OneSourceHasOneFileFromAnyWorkingFolder) {
  EXPECT_EQ(index_path("/i", "photos"), index_path("/i", fs::absolute("./x/../photos").string()));
  EXPECT_NE(index_path("/i", "/photos"), index_path("/i", "/photo"));
}

TEST(ImageList, StorageOrderFollowsTheOffsetsWithinEachArchive) {
  const auto entry = [](const char* key, const char* archive, std::uint64_t offset) {
    return ImageEntry{key, archive, ArchiveMember{.offset = offset, .packed_size = 1, .size = 1}};
  };
  const ImageList images(std::vector<ImageEntry>{entry("a", "1.tar", 900), entry("b", "1.tar", 100),
                                                 entry("c", "2.tar", 50), entry("d", "2.tar", 10)});
  EXPECT_THAT(images.storage_order(), ::testing::ElementsAre(1, 0, 3, 2));
}

TEST(ImageList, TakesLittleMemory) {
  ImageList images;
  const std::uint32_t folder = images.add_container({ImageList::Kind::kFolder, "/data"});
  for (int i = 0; i < 100'000; ++i) images.add(fmt::format("n01440764/n01440764_{:05}.JPEG", i), folder);
  // 30 bytes of key and a record of 16; vectors that grow by doubling hold up to twice that.
  EXPECT_LT(images.memory_bytes() / images.size(), 2 * (30 + 16) + 1);
  EXPECT_EQ(images[99'999].path, "/data/n01440764/n01440764_99999.JPEG");
}

}  // namespace
}  // namespace soco
