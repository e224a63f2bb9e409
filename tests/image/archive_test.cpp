// SPDX-License-Identifier: MIT
#include "soco/image/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "image/archive_files.h"
#include "soco/base/bytes.h"
#include "soco/base/error.h"
#include "soco/base/file.h"
#include "soco/base/zip_archive.h"
#include "soco/image/image_source.h"
#include "testing/peak_memory.h"
#include "testing/temp_dir.h"

namespace soco {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::tar_end;
using testing::tar_header;
using testing::tar_record;
using testing::TempDir;
using testing::write_text;

std::string content_of(const fs::path& archive, const NamedMember& found, std::uint64_t max_bytes = 1 << 20) {
  return std::string(text_of(read_member(archive, found.member, found.name, max_bytes)));
}

TEST(ListArchive, TarGivesRegularFilesAndTheirBytes) {
  const TempDir temp;
  write_text(temp / "a.tar", tar_record("one.jpg", "first") + tar_record("folder/", "", '5') +
                                 tar_record("link.jpg", "", '2', "one.jpg") +
                                 tar_record("hard.jpg", "", '1', "one.jpg") +
                                 tar_record("../../two.jpg", std::string(600, 'x')) + std::string(1024, '\0'));
  const auto members = list_archive(temp / "a.tar").members;
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
  const auto members = list_archive(temp / "a.zip").members;
  ASSERT_EQ(members.size(), 1u);
  EXPECT_EQ(members[0].name, "x/one.jpg");
  EXPECT_EQ(content_of(temp / "a.zip", members[0]), "first");
}

TEST(ReadMember, FindsDamageAndRefusesWhatIsTooLarge) {
  const TempDir temp;
  ZipWriter zip(temp / "a.zip");
  zip.add("one.jpg", bytes_of("first"));
  zip.finish();
  NamedMember found = list_archive(temp / "a.zip").members[0];
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

/// Byte for byte what lies below a folder, as names.
std::vector<std::string> names_below(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& child : fs::recursive_directory_iterator(folder)) names.push_back(child.path().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> image_names(const fs::path& archive) {
  std::vector<std::string> names;
  for (const NamedMember& member : image_members(archive, list_archive(archive))) names.push_back(member.name);
  return names;
}

// The matrix of bad input, tar: one test a line.

TEST(HostileTar, NamesThatLeadOutAreNamesAlone) {
  const TempDir temp;
  fs::create_directory(temp / "in");
  write_text(temp / "in/a.tar", tar_record("../../etc/x.jpg", "1") + tar_record("/abs.jpg", "2") +
                                    tar_record("a/../../b.jpg", "3") + tar_end());
  const auto before = names_below(temp.path());
  const auto listing = list_archive(temp / "in/a.tar");
  ASSERT_EQ(listing.members.size(), 3u);
  for (const NamedMember& member : listing.members) content_of(temp / "in/a.tar", member);
  EXPECT_EQ(listing.members[1].name, "/abs.jpg");
  EXPECT_EQ(names_below(temp.path()), before);  // nothing is written, inside or outside
}

TEST(HostileTar, LinksDevicesPipesAndSparseFilesAreCountedAndLeftOut) {
  const TempDir temp;
  std::string sparse = tar_header("sparse.jpg", 512, 'S');  // GNU's old form: offset and length of one piece at 386
  sparse.replace(386, 24, std::string("00000000000\0", 12) + std::string("00000001000\0", 12));
  sparse.replace(483, 12, std::string("00000010000\0", 12));
  sparse.replace(257, 8, std::string("ustar  \0", 8));
  sparse.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : sparse) sum += static_cast<unsigned char>(c);
  char number[9];
  std::snprintf(number, sizeof number, "%06o", sum);
  sparse.replace(148, 8, std::string(number) + '\0' + ' ');
  write_text(temp / "a.tar", tar_record("link.jpg", "", '2', "/etc/passwd") + tar_record("hard.jpg", "", '1', "x") +
                                 tar_record("char.jpg", "", '3') + tar_record("block.jpg", "", '4') +
                                 tar_record("pipe.jpg", "", '6') + sparse + std::string(512, 'x') +
                                 tar_record("folder/", "", '5') + tar_record("good.jpg", "G") + tar_end());
  const auto listing = list_archive(temp / "a.tar");
  EXPECT_EQ(listing.num_ignored, 6);
  ASSERT_EQ(listing.members.size(), 1u);
  EXPECT_EQ(content_of(temp / "a.tar", listing.members[0]), "G");
}

TEST(HostileTar, OfTwoMembersOfOneNameTheLastCounts) {  // as tar's own append and unpacking have it
  const TempDir temp;
  write_text(temp / "a.tar",
             tar_record("x.jpg", "old") + tar_record("y.jpg", "y") + tar_record("x.jpg", "new") + tar_end());
  const ImageList images = list_images(temp / "a.tar");
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(text_of(read_image_bytes(images[0])), "new");
}

TEST(HostileTar, SizeBeyondTheFileIsRefusedBeforeMemoryIsTaken) {
  const TempDir temp;
  // 8 GiB - 1 in octal digits, and 2^62 in base 256 (GNU: first byte 0x80).
  const std::string huge("\x80\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00", 12);
  for (const std::string& field : {std::string("77777777777"), huge}) {
    write_text(temp / "a.tar", tar_record("good.jpg", "G") + tar_header("big.jpg", 0, '0', "", field) + tar_end());
    std::string error;
    const long kb = testing::peak_memory_kb([&] { error = error_of([&] { list_archive(temp / "a.tar"); }); });
    EXPECT_THAT(error, HasSubstr("a.tar"));
    EXPECT_THAT(error, HasSubstr("big.jpg"));
    EXPECT_THAT(error, HasSubstr("byte 1536"));  // header and block of the first, header of this one
    EXPECT_LT(kb, 16 << 10);
  }
}

TEST(HostileTar, NegativeSizeIsRefused) {
  const TempDir temp;
  const std::string minus_one(12, '\xff');  // base 256, two's complement
  write_text(temp / "a.tar", tar_record("good.jpg", "G") + tar_header("neg.jpg", 0, '0', "", minus_one) + tar_end());
  EXPECT_THAT(error_of([&] { list_archive(temp / "a.tar"); }),
              HasSubstr("a.tar: not a readable tar archive after 'good.jpg', which begins at byte 512"));
}

TEST(HostileTar, SizesInExtendedHeadersAreCheckedToo) {
  const TempDir temp;
  const auto error_behind_good = [&](const std::string& bytes) {
    write_text(temp / "a.tar", tar_record("good.jpg", "G") + bytes + tar_end());
    return error_of([&] { list_archive(temp / "a.tar"); });
  };
  const std::string member = tar_record("big.jpg", "B");
  EXPECT_THAT(error_behind_good(tar_record("x", "20 size=99999999999\n", 'x') + member),
              HasSubstr("a.tar: ends inside 'big.jpg', which has 99999999999 bytes from byte 2560 on"));
  EXPECT_THAT(error_behind_good(tar_record("x", "11 size=-5\n", 'x') + member), HasSubstr("after 'good.jpg'"));
  // A name of a gigabyte, which GNU tar puts before the member it is of.
  std::string error;
  EXPECT_LT(
      testing::peak_memory_kb([&] { error = error_behind_good(tar_header("././@LongLink", 1u << 30, 'L') + member); }),
      16 << 10);
  EXPECT_THAT(error, HasSubstr("after 'good.jpg', which begins at byte 512"));
}

TEST(HostileTar, TruncatedLastMemberIsRefusedByName) {
  const TempDir temp;
  const std::string whole = tar_record("one.jpg", "1") + tar_record("last.jpg", std::string(5000, 'x'));
  write_text(temp / "a.tar", whole.substr(0, 3000));
  const std::string error = error_of([&] { list_archive(temp / "a.tar"); });
  EXPECT_THAT(error, HasSubstr("a.tar: ends inside 'last.jpg', which has 5000 bytes from byte 1536 on"));
}

TEST(HostileTar, DamagedHeaderIsRefusedWithThePlace) {
  const TempDir temp;
  std::string bytes = tar_record("one.jpg", "1") + tar_record("two.jpg", "2") + tar_end();
  bytes[1024 + 20] = '!';  // the second header's name: its checksum is wrong now
  write_text(temp / "a.tar", bytes);
  EXPECT_THAT(error_of([&] { list_archive(temp / "a.tar"); }), HasSubstr("after 'one.jpg', which begins at byte 512"));
}

TEST(HostileTar, NamesWithControlCharactersAreWrittenOut) {
  const TempDir temp;
  write_text(temp / "a.tar", tar_header("\x1b[31m.jpg", 5000) + std::string(512, 'x'));
  EXPECT_THAT(error_of([&] { list_archive(temp / "a.tar"); }), HasSubstr("'\\x1b[31m.jpg'"));
}

TEST(HostileTar, FoldersPipesAndNothingAreNoArchives) {
  const TempDir temp;
  fs::create_directory(temp / "folder.tar");
  EXPECT_THAT(error_of([&] { list_archive(temp / "folder.tar"); }), HasSubstr("not a regular one"));
  EXPECT_THAT(error_of([&] { list_archive(temp / "none.tar"); }), HasSubstr("no such file"));
}

TEST(HostileTar, LargeMemberIsRefusedBeforeMemoryIsTaken) {
  const TempDir temp;
  const std::uint64_t size = 1ull << 33;  // a file with a hole
  write_text(temp / "a.tar", tar_header("big.jpg", 0, '0', "", "100000000000"));
  fs::resize_file(temp / "a.tar", 512 + size + 1024);
  const ImageList images = list_images(temp / "a.tar");
  ASSERT_EQ(images.size(), 1u);
  const std::string error = error_of([&] { read_image_bytes(images[0]); });
  EXPECT_THAT(error, HasSubstr("big.jpg in " + (temp / "a.tar").string() + " at byte 512"));
  EXPECT_THAT(error, HasSubstr("8.0 GiB, but at most 64.0 MiB are read"));
}

TEST(HostileZip, DamageNamesArchiveAndRecord) {
  const TempDir temp;
  ZipWriter zip(temp / "a.zip");
  zip.add("one.jpg", bytes_of("first"));
  zip.add("two.jpg", bytes_of("second"));
  zip.finish();
  const std::string whole(text_of(read_file(temp / "a.zip")));
  const auto error_with = [&](std::size_t at, char value) {
    std::string bytes = whole;
    bytes[at] = value;
    write_text(temp / "b.zip", bytes);
    return error_of([&] { list_archive(temp / "b.zip"); });
  };
  EXPECT_THAT(error_with(0, 'X'), HasSubstr("b.zip: record 'one.jpg' does not start where the directory says"));
  const std::size_t entry = whole.find("PK\x01\x02");
  EXPECT_THAT(error_with(entry + 8, '\x01'), HasSubstr("'one.jpg' is encrypted"));
  EXPECT_THAT(error_with(entry + 10, '\x0c'), HasSubstr("compressed by method 12"));
  EXPECT_THAT(error_with(entry, 'X'), HasSubstr("b.zip: zip directory is damaged"));
  write_text(temp / "b.zip", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error_of([&] { list_archive(temp / "b.zip"); }), HasSubstr("b.zip: no zip directory at the end"));
}

TEST(HostileZip, SizesThatLieAreRefused) {
  const TempDir temp;
  ZipWriter zip(temp / "a.zip");
  zip.add("one.jpg", bytes_of("first"));
  zip.finish();
  std::string bytes(text_of(read_file(temp / "a.zip")));
  const std::size_t entry = bytes.find("PK\x01\x02");
  for (const std::size_t field : {entry + 20, entry + 24}) bytes.replace(field, 4, std::string("\xff\xff\xff\x7f", 4));
  write_text(temp / "a.zip", bytes);
  EXPECT_THAT(error_of([&] { list_archive(temp / "a.zip"); }), HasSubstr("'one.jpg' of 2147483647 bytes"));
}

TEST(HostileZip, BombIsRefusedByItsSize) {
  const TempDir temp;
  write_text(temp / "a.zip", std::string(100, 'x'));
  const ArchiveMember bomb{0, 100, 10ull << 30, 0, ArchiveMember::Storage::kZipDeflated};
  EXPECT_THAT(error_of([&] { read_member(temp / "a.zip", bomb, "bomb.png", 64 << 20); }),
              HasSubstr("bomb.png has 10.0 GiB, but at most 64.0 MiB are read"));
}

TEST(ImageMembers, PartsOfAWebDatasetSampleAreNotImagesOfTheirOwn) {
  const TempDir temp;
  write_text(temp / "a.tar", tar_record("s/000.jpg", "") + tar_record("s/000.cls", "") +
                                 tar_record("s/000.mask.png", "") + tar_record("s/001.seg.png", "") +
                                 tar_record("s/001.png", "") + tar_record("s/001.json", "") + tar_end());
  EXPECT_THAT(image_names(temp / "a.tar"), ElementsAre("s/000.jpg", "s/001.png"));
}

TEST(ImageMembers, OtherNamesWithDotsStay) {
  const TempDir temp;
  write_text(temp / "a.tar", tar_record("IMG.1.jpg", "") + tar_record("IMG.2.jpg", "") + tar_record("v1.2/x.jpg", "") +
                                 tar_record("v1.2/x.png", "") + tar_end());
  EXPECT_THAT(image_names(temp / "a.tar"), ElementsAre("IMG.1.jpg", "IMG.2.jpg", "v1.2/x.jpg", "v1.2/x.png"));
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
