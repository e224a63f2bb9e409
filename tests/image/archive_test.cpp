// SPDX-License-Identifier: MIT
#include "soco/image/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/zip_archive.h"
#include "soco/image/image_list.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

/// One 512-byte ustar header (POSIX.1-1988) and the content, filled up to whole blocks.
std::string tar_record(const std::string& name, const std::string& content, char type = '0',
                       const std::string& link = "") {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  char number[13];
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  std::snprintf(number, sizeof number, "%011o", static_cast<unsigned>(content.size()));
  put(124, number);
  put(136, "00000000000");
  put(148, "        ");  // the checksum counts as spaces
  header[156] = type;
  put(157, link);
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(number, sizeof number, "%06o", sum);
  put(148, std::string(number) + '\0' + ' ');
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string content_of(const fs::path& archive, const NamedMember& found, std::uint64_t max_bytes = 1 << 20) {
  return std::string(text_of(read_member(archive, found.member, found.name, max_bytes)));
}

template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ListArchive, TarGivesRegularFilesAndTheirBytes) {
  const TempDir temp;
  write_text(temp / "a.tar", tar_record("one.jpg", "first") + tar_record("folder/", "", '5') +
                                 tar_record("link.jpg", "", '2', "one.jpg") +
                                 tar_record("hard.jpg", "", '1', "one.jpg") +
                                 tar_record("../../two.jpg", std::string(600, 'x')) + std::string(1024, '\0'));
  const auto members = list_archive(temp / "a.tar");
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].name, "one.jpg");
  EXPECT_EQ(content_of(temp / "a.tar", members[0]), "first");
  EXPECT_EQ(members[1].name, "../../two.jpg");  // a name only: nothing is ever written under it
  EXPECT_EQ(content_of(temp / "a.tar", members[1]), std::string(600, 'x'));
}

TEST(ListArchive, TruncatedOrCompressedTarIsAnError) {
  const TempDir temp;
  const std::string whole = tar_record("one.jpg", std::string(5000, 'x'));
  write_text(temp / "cut.tar", whole.substr(0, 3000));
  EXPECT_THAT(error_of([&] { list_archive(temp / "cut.tar"); }), HasSubstr("cut.tar"));
  write_text(temp / "gz.tar", "\x1f\x8b\x08 and so on");
  EXPECT_THAT(error_of([&] { list_archive(temp / "gz.tar"); }), HasSubstr("unpacked"));
}

TEST(ListArchive, ZipGivesItsFiles) {
  const TempDir temp;
  ZipWriter zip(temp / "a.zip");
  zip.add("x/", {});
  zip.add("x/one.jpg", bytes_of("first"));
  zip.finish();
  const auto members = list_archive(temp / "a.zip");
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].name, "x/one.jpg");
  EXPECT_EQ(content_of(temp / "a.zip", members[0]), "first");
}

TEST(ReadMember, FindsDamageAndRefusesWhatIsTooLarge) {
  const TempDir temp;
  ZipWriter zip(temp / "a.zip");
  zip.add("one.jpg", bytes_of("first"));
  zip.finish();
  NamedMember found = list_archive(temp / "a.zip")[0];
  EXPECT_THAT(error_of([&] { content_of(temp / "a.zip", found, 4); }), HasSubstr("at most 4"));
  std::fstream(temp / "a.zip", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(found.member.offset))
      .put('F');
  EXPECT_THAT(error_of([&] { content_of(temp / "a.zip", found); }), HasSubstr("checksum"));
  fs::resize_file(temp / "a.zip", 3);
  EXPECT_THAT(error_of([&] { content_of(temp / "a.zip", found); }), HasSubstr("truncated"));
}

TEST(ReadMember, DeflatedContentOfAnotherSizeIsAnError) {
  const TempDir temp;
  // "aaaaaaaaaa" deflated by hand: a fixed block (RFC 1951, 3.2.6): literal 'a', length 9 at distance 1, end.
  const std::string deflated{'\x4b', '\x84', '\x03', '\x00'};
  write_text(temp / "a.bin", deflated);
  const auto read = [&](std::uint64_t size) {
    const ArchiveMember member{0, deflated.size(), size, 0x4c11cdf0, ArchiveMember::Storage::kZipDeflated};
    return error_of([&] { read_member(temp / "a.bin", member, "a.jpg", 1 << 20); });
  };
  EXPECT_EQ(read(10), "no error");  // zlib.crc32(b"a" * 10) == 0x4c11cdf0
  EXPECT_THAT(read(9), HasSubstr("does not unpack to its 9 bytes"));
  EXPECT_THAT(read(11), HasSubstr("does not unpack to its 11 bytes"));
}

TEST(ListImages, EntersArchivesInFoldersListsAndAlone) {
  const TempDir temp;
  const std::string tar = tar_record("b.jpg", "B") + tar_record("notes.txt", "no") + std::string(1024, '\0');
  write_text(temp / "shard.tar", tar);
  write_text(temp / "a.jpg", "A");
  write_text(temp / "list.txt", "a.jpg\nshard.tar\n");
  const auto keys = [](const fs::path& source) {
    std::vector<std::string> result;
    for (const ImageEntry& entry : list_images(source)) result.push_back(entry.key);
    return result;
  };
  EXPECT_THAT(keys(temp.path()), ElementsAre("a.jpg", "shard.tar/b.jpg"));
  EXPECT_THAT(keys(temp / "list.txt"), ElementsAre("a.jpg", "shard.tar/b.jpg"));
  EXPECT_THAT(keys(temp / "shard.tar"), ElementsAre("b.jpg"));
  EXPECT_EQ(text_of(read_image_bytes(list_images(temp.path())[1])), "B");
}

}  // namespace
}  // namespace soco
